#!/bin/sh
# Installs the Debian packages that a target of the Makefile needs and that are missing:
#   scripts/packages.sh build|run|test
# As root; anybody else is told the exact line to run. Nothing that is installed here is started or
# left enabled as a service of the machine: Postern runs servers of its own.
set -eu

build="gcc libc6-dev mold patch"
run="curl openssh-server openssh-client postgresql postgresql-client openssl"
test="chromium expect libfaketime openssh-tests pgbouncer rsync x11-utils xauth xvfb sudo procps mariadb-server mariadb-client redis-server redis-tools sysbench slapd ldap-utils python3-venv openjdk-17-jdk-headless libpostgresql-jdbc-java libmariadb-java rsyslog rsyslog-gnutls rsyslog-relp poppler-utils"

case "${1:-}" in
build) wanted=$build ;;
run) wanted="$build $run" ;;
test) wanted="$build $run $test" ;;
*) echo "usage: scripts/packages.sh build|run|test" >&2 && exit 2 ;;
esac

for tool in cargo git node npm; do
    command -v "$tool" >/dev/null && continue
    echo "$tool is missing: install Rust 1.95 (https://rustup.rs), Node 20.19 or newer, and git first" >&2
    exit 1
done

missing=
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "some packages are missing; install them with:" >&2
    echo "  sudo apt-get update && sudo apt-get install --no-install-recommends --yes$missing" >&2
    exit 1
fi

echo "installing:$missing"
# While this file says 101, the package manager starts no service.
guard=/usr/sbin/policy-rc.d
if [ ! -e "$guard" ]; then
    trap 'rm -f "$guard"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$guard"
    chmod 755 "$guard"
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update && apt-get install --no-install-recommends --yes $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi
rm -f "$log"
if command -v systemctl >/dev/null; then
    case "$missing " in *" openssh-server "*) systemctl --quiet disable ssh 2>/dev/null || true ;; esac
    case "$missing " in *" postgresql "*) systemctl --quiet disable postgresql 2>/dev/null || true ;; esac
    for service in mariadb redis-server redis-tools sysbench slapd rsyslog; do
        case "$missing " in *" $service"*) systemctl --quiet disable "$service" 2>/dev/null || true ;; esac
    done
fi
