#!/usr/bin/env bash
# Makes everything `make run` needs, or with the argument `test` everything `make test` needs: .venv from the hashed
# locks, the project itself, Rasa's own environment, a browser for the tests. Done again it checks stamps and ends.
# Exit status: 0 ready, 1 not; one clear line on standard error says why.
set -eu
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
unset PYTHONHOME PYTHONPATH
goal=${1:-run}
python=.venv/bin/python
stamps=.venv/.odzew

say() { echo "set-up: $*" >&2; }
fail() { say "$*"; exit 1; }
digest() { cat -- "$@" | sha256sum | cut -d' ' -f1; }
done_before() { [ "$(cat "$stamps/$1" 2>/dev/null)" = "$2" ]; }
stamp() { echo "$2" >"$stamps/$1"; }

make_venv() {
    local found
    if [ -e .venv ] && [ ! -e "$stamps/venv" ] || [ -e "$stamps/unfinished" ]; then
        say "an earlier set-up was interrupted: starting over"
        rm -rf .venv || fail "cannot remove .venv: it belongs to another user"
    elif [ -e .venv ] && ! done_before venv "$PWD"; then
        say "the folder was moved: making .venv again"
        rm -rf .venv || fail "cannot remove .venv: it belongs to another user"
    elif [ -e .venv ] && "$python" -I -c '' 2>/dev/null; then
        return
    fi
    found=$(scripts/find_python.sh) || exit 1
    say "making .venv with $found"
    "$found" -m venv --clear .venv || fail "$found could not make .venv"
    mkdir -p "$stamps"
    stamp venv "$PWD"
}

# uv does not read pip's settings, so the index and the certificates that pip was given are passed on.
lend_pip_settings() {
    local key value
    while IFS='=' read -r key value; do
        value=${value#\'}
        value=${value%\'}
        case $key in
            *.index-url) export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$value}" ;;
            *.cert) export SSL_CERT_FILE="${SSL_CERT_FILE:-$value}" ;;
        esac
    done < <("$python" -m pip config list 2>/dev/null)
}

pip() { "$python" -m pip install --quiet --no-input --disable-pip-version-check --root-user-action=ignore "$@"; }

install_lock() {
    local quiet
    # In a terminal uv shows how far it is; elsewhere it would only list every package.
    [ -t 2 ] && quiet= || quiet=--quiet
    .venv/bin/uv pip install $quiet --no-config --python "$python" --no-deps --require-hashes -r "$1" && return
    say "uv could not install $1 (see above): trying pip"
    pip --no-deps --require-hashes -r "$1" || fail "$1 could not be installed (see above); run it again to start over"
}

install_run() {
    local wanted
    wanted=$(digest requirements/bootstrap.lock requirements/torch.txt requirements/run.lock)
    done_before run "$wanted" && return
    touch "$stamps/unfinished"
    say "1 of 4: the installer"
    pip --require-hashes -r requirements/bootstrap.lock || fail "the installer could not be fetched (see above)"
    lend_pip_settings
    say "2 of 4: torch, 200 MB as the CPU build"
    # pip itself, so that its own settings choose the build; what torch needs comes hashed from run.lock.
    pip --no-deps --progress-bar on -r requirements/torch.txt || fail "torch could not be installed (see above)"
    say "3 of 4: $(grep -c '^[A-Za-z0-9].*==' requirements/run.lock) locked packages"
    install_lock requirements/run.lock
    check_torch
    stamp run "$wanted"
    rm -f "$stamps/unfinished"
}

check_torch() {
    local version
    version=$("$python" -I -c 'from importlib.metadata import version; print(version("torch"))')
    case $version in
        *+cpu) return ;;
    esac
    if "$python" -I -c 'import sys, torch; sys.exit(torch.version.cuda is not None)' 2>/dev/null; then
        return
    fi
    say "pip chose torch $version, a CUDA build: it works but takes gigabytes; point pip at the CPU build to avoid it"
    pip -r requirements/torch.txt || fail "what torch $version needs could not be installed (see above)"
}

install_project() {
    local wanted
    wanted=$(digest pyproject.toml requirements/torch.txt)
    done_before project "$wanted" && return
    say "4 of 4: the project itself"
    .venv/bin/uv pip install --quiet --no-config --offline --python "$python" --no-deps --no-build-isolation --editable . ||
        fail "the project could not be installed (see above)"
    stamp project "$wanted"
}

install_test() {
    local wanted
    wanted=$(digest requirements/test.lock)
    done_before test "$wanted" && return
    touch "$stamps/unfinished"
    say "the packages of the tests"
    lend_pip_settings
    install_lock requirements/test.lock
    stamp test "$wanted"
    rm -f "$stamps/unfinished"
}

install_rasa() {
    if [ "${ODZEW_RASA:-auto}" = off ] || [ ! -x bot/rasa/setup.sh ]; then
        return
    fi
    local status=0
    ODZEW_UV=$PWD/.venv/bin/uv bot/rasa/setup.sh || status=$?
    # Status 1, no Python 3.10, has said so itself.
    [ "$status" -le 1 ] || say "Rasa's environment could not be made (see above): Odzew runs without Rasa"
}

mkdir -p .setup
exec 9>.setup/lock || fail "cannot write to $PWD"
flock 9    # two set-ups at once would tear .venv apart
make_venv
install_run
install_project
if [ "$goal" = test ]; then
    install_test
fi
install_rasa
if [ "$goal" = test ]; then
    scripts/browser.sh || true    # the browser tests themselves say what they lack
fi
