#!/bin/sh
# Prints the path of Chromium. Where there is none, installs Debian's, if it may;
# if it may not, says so in one sentence and fails.
find_chromium() {
    command -v "${CHROMIUM:-chromium}" || command -v chromium-browser ||
        command -v google-chrome
}

install_chromium() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get || return 1
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            chromium fonts-dejavu-core
}

find_chromium && exit
if ! install_chromium >/dev/null 2>&1 || ! find_chromium; then
    echo "The end-to-end tests need Chromium: install it, or set CHROMIUM to its path." >&2
    exit 1
fi
