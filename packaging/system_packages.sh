# Sourced by setup.sh: get Debian packages without a question, as root or not. Expects $venv and say.
# shellcheck shell=bash

# Where a user who may not install packages keeps their files.
own_folder="$venv/system"

# Prints the command that installs system packages without a question, or nothing where there is none.
_install_command() {
    if [ "$(id -u)" = 0 ]; then
        echo "env DEBIAN_FRONTEND=noninteractive apt-get"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get"
    fi
}

# get_packages WHY PACKAGE…: names them, then installs them; without the right to, keeps their files in own_folder.
get_packages() {
    local why=$1 apt
    shift
    if ! command -v apt-get >/dev/null; then
        say "$why needs what Debian calls $*; install it with this system's package manager."
        return 1
    fi
    apt=$(_install_command)
    if [ -z "$apt" ]; then
        say "$why: this user may not install packages, so the files of these stay in $own_folder: $*"
        say "  (to install them instead: sudo apt-get install --no-install-recommends $*)"
        _unpack "$@"
        return
    fi
    say "$why: installing the system packages $*"
    # The list of packages is fetched only where there is none, or an old one that does not do.
    $apt install --yes -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
    $apt update -qq >/dev/null && $apt install --yes -qq --no-install-recommends "$@" >/dev/null
}

# Unpacks packages, and those that they need and the system lacks, into own_folder; installs nothing.
_unpack() {
    local fetched deb
    fetched=$(mktemp -d)
    mkdir -p "$own_folder" "$fetched/lists/partial" "$fetched/cache/archives/partial"
    local apt=(apt-get -qq -o Debug::NoLocking=1 -o "Dir::State::Lists=$fetched/lists" -o "Dir::Cache=$fetched/cache")
    "${apt[@]}" update >/dev/null &&
        "${apt[@]}" install --yes --download-only --no-install-recommends "$@" >/dev/null || return 1
    for deb in "$fetched"/cache/archives/*.deb; do
        dpkg-deb --extract "$deb" "$own_folder" || return 1
    done
    rm -rf "$fetched"
    _write_fonts_conf
}

# The unpacked fontconfig looks for fonts where the system has none.
_write_fonts_conf() {
    cat >"$own_folder/fonts.conf" <<XML
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>$(realpath "$own_folder")/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
XML
}
