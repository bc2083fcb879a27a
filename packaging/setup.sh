#!/usr/bin/env bash
# Sets up the virtual environment given as the first argument. Asks nothing; names the system packages before
# it installs them, and installs only what is missing.
set -euo pipefail
venv=${1:?"usage: packaging/setup.sh VENV"}

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local name
    for name in "${PYTHON:-}" python3.14 python3.13 python3.12 python3.11 python3; do
        [ -n "$name" ] || continue
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "error: no Python 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3.11 $*"
    return 1
}

# Prints the command that installs system packages without a question, or nothing where there is none.
install_command() {
    command -v apt-get >/dev/null || return 0
    if [ "$(id -u)" = 0 ]; then
        echo "env DEBIAN_FRONTEND=noninteractive apt-get"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get"
    fi
}

# install_packages WHY PACKAGE…: names them, installs them; fails if that is not possible here.
install_packages() {
    local why=$1 apt
    shift
    apt=$(install_command)
    if [ -z "$apt" ]; then
        say "$why needs these system packages, which cannot be installed from here without a password: $*"
        command -v apt-get >/dev/null && say "  sudo apt-get install --no-install-recommends $*"
        return 1
    fi
    say "$why: installing the system packages $*"
    $apt install --yes --quiet --no-install-recommends "$@" >/dev/null 2>&1 && return
    $apt update --quiet >/dev/null
    $apt install --yes --quiet --no-install-recommends "$@" >/dev/null
}

make_environment() {
    local python version
    python=$(find_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_packages "The virtual environment" "python$version-venv"
    fi
    say "Making $venv with $python (Python $version)"
    "$python" -m venv "$venv"
}

# Prints the packages whose library is not there. Qt opens these by name when a window or a plot is made.
missing_qt_packages() {
    "$venv/bin/python" - "$@" <<'PYTHON'
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
    QT_QPA_PLATFORM=offscreen "$venv/bin/python" -c '
from PySide6.QtGui import QGuiApplication, QOpenGLContext
QGuiApplication([])' >/dev/null 2>&1
}

check_qt() {
    local missing=()
    local wanted=(libgl1=libGL.so.1 libegl1=libEGL.so.1 libxkbcommon0=libxkbcommon.so.0
        libglib2.0-0=libglib-2.0.so.0 libfontconfig1=libfontconfig.so.1 libdbus-1-3=libdbus-1.so.3)
    # A screen needs more than a test does.
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
        wanted+=(libxcb-cursor0=libxcb-cursor.so.0 libxcb-icccm4=libxcb-icccm.so.4 libxcb-keysyms1=libxcb-keysyms.so.1
            libxcb-shape0=libxcb-shape.so.0 libxcb-xkb1=libxcb-xkb.so.1 libxkbcommon-x11-0=libxkbcommon-x11.so.0)
    fi
    [ "$(uname -s)" = Linux ] || return 0
    mapfile -t missing < <(missing_qt_packages "${wanted[@]}")
    if [ ${#missing[@]} -gt 0 ] && ! install_packages "The window (Qt)" "${missing[@]}"; then
        qt_loads || { say "error: Qt does not load without them; install them and run this again"; return 1; }
        say "Qt loads all the same; going on without them."
    fi
    qt_loads || { say "error: Qt does not load; run: $venv/bin/python -c 'import PySide6.QtGui' to see why"; return 1; }
}

"$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_environment
say "Installing the Python packages into $venv (the first time takes a minute)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e '.[dev]'
check_qt
say "Ready."
