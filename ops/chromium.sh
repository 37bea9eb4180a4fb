#!/bin/sh
# Print the path of a Chromium for the browser tests; install one when there is none. First choice is the headless shell:
# the same engine without a window, so pages open in two thirds of the time.
set -eu
cd "$(dirname "$0")/.."

find_chromium() {
    for candidate in "${PORTAL_CHROMIUM:-}" chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
        if [ -n "$candidate" ] && found=$(command -v "$candidate") && "$found" --version >/dev/null 2>&1; then
            echo "$found"
            exit 0
        fi
    done
    .venv/bin/python - 2>/dev/null <<'SCRIPT' && exit 0
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    path = playwright.chromium.executable_path
    print(path) if pathlib.Path(path).exists() else sys.exit(1)
SCRIPT
    return 0
}

find_chromium
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "portal: installing chromium with apt-get, once" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq chromium-headless-shell >/dev/null 2>&1 || {
        apt-get update -qq
        apt-get install -y -qq chromium-headless-shell || apt-get install -y -qq chromium
    } >&2 || true
    find_chromium
fi
echo "portal: downloading Playwright's chromium, once" >&2
.venv/bin/python -m playwright install chromium >&2 || true
find_chromium
echo "portal: The browser tests need Chromium. Install it (Debian: apt-get install chromium), or name one: PORTAL_CHROMIUM=/path/to/chrome make test" >&2
exit 1
