#!/usr/bin/env bash
# Prints the path of a Python 3.11 or later that runs and can make virtual environments, or exits 1 with one line on
# standard error. Order: ODZEW_PYTHON (binding when set), every python3.11 on PATH, later ones, python3.
set -u

runs() { "$1" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
complete() { "$1" -I -c 'import ctypes, ensurepip, sqlite3, ssl, venv, zlib' >/dev/null 2>&1; }

if [ -n "${ODZEW_PYTHON:-}" ]; then
    candidates=("$ODZEW_PYTHON")
else
    # A pyenv shim may be first on PATH and answer "command not found", so every one is tried by running it.
    mapfile -t candidates < <(type -ap python3.11 python3.12 python3.13 python3.14 python3)
fi

incomplete=
for candidate in ${candidates[@]+"${candidates[@]}"}; do
    runs "$candidate" || continue
    if complete "$candidate"; then
        "$candidate" -I -c 'import sys; print(sys.executable)'
        exit 0
    fi
    incomplete=${incomplete:-$candidate}
done

if [ -n "$incomplete" ]; then
    package=python$("$incomplete" -I -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
    echo "set-up: $incomplete cannot make virtual environments; install Debian's $package, or set ODZEW_PYTHON" >&2
elif [ -n "${ODZEW_PYTHON:-}" ]; then
    echo "set-up: ODZEW_PYTHON is $ODZEW_PYTHON, which is no working Python 3.11 or later" >&2
else
    echo "set-up: no working Python 3.11 or later on PATH; install one or set ODZEW_PYTHON to it" >&2
fi
exit 1
