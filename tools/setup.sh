#!/bin/sh
# Installs the Debian packages that a purpose needs: tools/setup.sh build [demo] [test] [bench].
# Says what it installs; does nothing when all are there. Without root it uses sudo, and without
# sudo it prints the one line to run.
set -eu
cd "$(dirname "$0")/.."

want=
for purpose in "$@"; do
    want="$want $(awk -v p="$purpose" '$1 == p { $1 = ""; print }' tools/packages.txt)"
done
missing=
for entry in $want; do
    package=${entry%%=*}
    [ "$package" = "$entry" ] || ! command -v "${entry#*=}" >/dev/null 2>&1 || continue
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
[ -n "${missing% }" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=sudo
else
    echo "These Debian packages are missing. Please run, as root:" >&2
    echo "    apt-get update && apt-get install -y --no-install-recommends $missing" >&2
    exit 1
fi
echo "Installing Debian packages: $missing"
log=$(mktemp)
for attempt in 1 2 3; do
    if $as_root apt-get update -q >"$log" 2>&1 &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; then
        rm -f "$log"
        touch meson.build # a build folder that was set up without them looks again
        exit 0
    fi
    echo "apt-get failed (attempt $attempt of 3)." >&2
done
tail -n 20 "$log" >&2
exit 1
