#!/usr/bin/env bash
# Sees to it that the browser tests find a browser: the system's Chromium, else Playwright's own where it can be
# downloaded, else Debian's when root. Exit status: 0 there is one, 1 there is none.
set -u
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

say() { echo "set-up: $*" >&2; }
found() { .venv/bin/python -m tests.browser >/dev/null 2>&1; }

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1 && exit 0
done
found && exit 0

say "no Chromium on this machine: trying Playwright's own (up to 3 minutes)"
timeout 180 .venv/bin/playwright install --only-shell chromium >/dev/null 2>&1 && found && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Playwright's own could not be had: installing Debian's (up to 10 minutes)"
    export DEBIAN_FRONTEND=noninteractive
    timeout 180 apt-get -qq update >/dev/null
    timeout 600 apt-get -qq install -y --no-install-recommends chromium >/dev/null && found && exit 0
fi

say "no browser could be had: the browser tests cannot run (install chromium and run this again)"
exit 1
