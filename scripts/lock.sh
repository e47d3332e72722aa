#!/usr/bin/env bash
# Writes the locks anew from requirements/*.in. torch stays out of them: pip must choose its CPU build (see docs/dependencies.md).
set -eu
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../requirements"
uv=$PWD/../.venv/bin/uv
# Without the folder of wheels that pip was given, the CUDA build of torch would pull its drivers into the lock.
UV_FIND_LINKS=${UV_FIND_LINKS:-$(../.venv/bin/python -m pip config list | sed -n "s/.*find-links='\(.*\)'/\1/p" | head -1)}
export UV_FIND_LINKS

compile() { "$uv" pip compile --quiet --no-config --generate-hashes --no-header --python-version 3.11 "$@"; }

compile --output-file bootstrap.lock bootstrap.in
compile --no-emit-package torch --output-file run.lock run.in
compile --no-emit-package torch --output-file test.lock test.in
if grep -lE '^(nvidia-|triton)' run.lock test.lock; then
    echo "these locks hold CUDA packages: give pip a folder with the CPU build of torch and lock again" >&2
    exit 1
fi
