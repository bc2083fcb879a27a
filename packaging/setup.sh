#!/usr/bin/env bash
# Sets up the virtual environment given as the first argument, or what its windows need on a screen.
#   packaging/setup.sh VENV [screen]
# Asks nothing; names the system packages before it gets them, and gets only those that are missing.
set -euo pipefail
venv=${1:?"usage: packaging/setup.sh VENV [screen]"}
part=${2:-all}
here=$(dirname "$0")

say() { printf '%s\n' "$*" >&2; }

# shellcheck source=packaging/system_packages.sh
source "$here/system_packages.sh"

find_python() {
    local name
    for name in "${PYTHON:-}" python3.11 python3.12 python3.13 python3.14 python3; do
        if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "error: no Python 3.11 or newer was found; install one, or name it: make setup PYTHON=/path/to/python3.11"
    return 1
}

make_environment() {
    local python version
    python=$(find_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "Making $venv with $python (Python $version)"
    # Debian keeps pip's part of venv in a package of its own.
    if "$python" -c 'import ensurepip, venv' 2>/dev/null || [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || get_packages "The virtual environment" "python$version-venv"
        "$python" -m venv "$venv"
        return
    fi
    "$python" -m venv --without-pip "$venv"
    get_packages "The virtual environment" python3-pip-whl
    local wheel
    for wheel in "$own_folder"/usr/share/python-wheels/pip-*.whl; do
        "$venv/bin/python" "$wheel/pip" install --quiet --no-index "$wheel"
    done
}

# missing_libraries PACKAGE=LIBRARY…: prints the packages whose library does not open.
missing_libraries() {
    "$here/with_libraries.sh" "$venv" "$venv/bin/python" - "$@" <<'PYTHON'
import ctypes
import sys

for pair in sys.argv[1:]:
    package, library = pair.split("=")
    try:
        ctypes.CDLL(library)
    except OSError:
        print(package)
PYTHON
}

qt_loads() {
    QT_QPA_PLATFORM=offscreen "$here/with_libraries.sh" "$venv" "$venv/bin/python" -c '
from PySide6.QtWidgets import QApplication
QApplication([])'
}

# get_libraries PACKAGE=LIBRARY…
get_libraries() {
    local missing=()
    mapfile -t missing < <(missing_libraries "$@")
    if [ ${#missing[@]} -gt 0 ] && ! get_packages "The window (Qt)" "${missing[@]}"; then
        say "Going on without them, in the hope that Qt loads all the same."
    fi
}

get_qt_libraries() {
    [ "$(uname -s)" = Linux ] || return 0
    get_libraries libgl1=libGL.so.1 libegl1=libEGL.so.1 libxkbcommon0=libxkbcommon.so.0 \
        libglib2.0-0=libglib-2.0.so.0 libfontconfig1=libfontconfig.so.1 libdbus-1-3=libdbus-1.so.3
    qt_loads || { say "error: Qt does not load (see above); install what it names and run this again"; return 1; }
}

# A screen needs more than a test does.
get_screen_libraries() {
    [ "$(uname -s)" = Linux ] || return 0
    get_libraries libxcb-cursor0=libxcb-cursor.so.0 libxcb-icccm4=libxcb-icccm.so.4 \
        libxcb-keysyms1=libxcb-keysyms.so.1 libxcb-shape0=libxcb-shape.so.0 libxcb-xkb1=libxcb-xkb.so.1 \
        libxkbcommon-x11-0=libxkbcommon-x11.so.0 libxcb-image0=libxcb-image.so.0 \
        libxcb-render-util0=libxcb-render-util.so.0 libxcb-randr0=libxcb-randr.so.0 \
        libxcb-xinerama0=libxcb-xinerama.so.0 libx11-xcb1=libX11-xcb.so.1
}

if [ "$part" = screen ]; then
    get_screen_libraries
    exit
fi
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_environment
say "Installing the Python packages into $venv (the first time takes a minute)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'
get_qt_libraries
say "Ready."
