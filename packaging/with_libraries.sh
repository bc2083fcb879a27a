#!/usr/bin/env bash
# Runs a command with the libraries that setup.sh keeps in the virtual environment, if there are any.
#   packaging/with_libraries.sh VENV COMMAND…
set -euo pipefail
system="$1/system"
shift
for folder in "$system"/usr/lib/*-linux-gnu "$system"/lib/*-linux-gnu; do
    if [ -d "$folder" ]; then
        LD_LIBRARY_PATH="$(realpath "$folder")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        export LD_LIBRARY_PATH
        # The system's own settings for fonts are better, where it has any.
        [ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE="$(realpath "$system")/fonts.conf"
    fi
done
exec "$@"
