#!/usr/bin/env bash
# Prints the path of a CPython 3.10 that runs, or exits 1 with one line on standard error.
# Rasa 3.6 does not run on anything newer. Order: ODZEW_RASA_PYTHON (binding when set), the pyenv version folders,
# every python3.10 on PATH, what uv knows. Nothing is downloaded.
set -u

works() {
    [ -n "${1:-}" ] && [ -x "$1" ] && "$1" -I -c '
import ctypes, sqlite3, ssl, sys, venv, zlib
sys.exit(sys.implementation.name != "cpython" or sys.version_info[:2] != (3, 10))' >/dev/null 2>&1
}

take_first_working() {
    local candidate
    for candidate in "$@"; do
        if works "$candidate"; then
            "$candidate" -I -c 'import sys; print(sys.executable)'
            exit 0
        fi
    done
}

if [ -n "${ODZEW_RASA_PYTHON:-}" ]; then
    take_first_working "$ODZEW_RASA_PYTHON" "$(command -v -- "$ODZEW_RASA_PYTHON" 2>/dev/null)"
    echo "ODZEW_RASA_PYTHON is $ODZEW_RASA_PYTHON, which is no working CPython 3.10" >&2
    exit 1
fi

# A pyenv shim on PATH may answer "command not found", so the interpreters themselves come first, newest patch first.
for root in "${PYENV_ROOT:-}" "${HOME:-}/.pyenv"; do
    [ -d "$root/versions" ] || continue
    mapfile -t installed < <(find "$root/versions" -maxdepth 3 -path '*/3.10.*/bin/python3.10' 2>/dev/null | sort -rV)
    take_first_working "${installed[@]}"
done

IFS=: read -r -a folders <<<"${PATH:-}"
take_first_working "${folders[@]/%//python3.10}"

uv="${ODZEW_UV:-$(command -v uv 2>/dev/null)}"
if [ -n "$uv" ]; then
    # uv gives up at the first shim that fails, so it is asked with the shims taken off PATH.
    clean=$(tr ':' '\n' <<<"${PATH:-}" | grep -v '/shims/*$' | paste -sd: -)
    take_first_working "$(PATH="$clean" "$uv" python find --no-python-downloads 3.10 2>/dev/null)"
fi

echo "no working CPython 3.10 found: install one or set ODZEW_RASA_PYTHON to it; Odzew runs without Rasa until then" >&2
exit 1
