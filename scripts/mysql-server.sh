#!/bin/sh
# Lays MySQL's own server, which Debian has in `unstable` only, under target/mysql-server: unpacked with the
# libraries that it needs, not installed. The tests that need it say SKIPPED where this could not be done.
set -eu
cd "$(dirname "$0")/.."

target=$PWD/target/mysql-server
[ -e "$target/.laid" ] && exit 0
echo "fetching the MySQL server that the tests use"
rm -rf "$target"
mkdir -p "$target/apt/lists/partial" "$target/apt/cache/archives/partial" "$target/apt/parts" "$target/packages"

# apt by itself: another release of the archive that this machine knows, and nothing installed.
from=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/$')
cat >"$target/apt/sources.sources" <<S
Types: deb
URIs: $from
Suites: unstable
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
S
: >"$target/apt/status"
cat >"$target/apt/apt.conf" <<C
Dir::Etc::sourcelist "$target/apt/sources.sources";
Dir::Etc::sourceparts "$target/apt/parts";
Dir::State "$target/apt";
Dir::State::lists "$target/apt/lists";
Dir::State::status "$target/apt/status";
Dir::Cache "$target/apt/cache";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Debug::NoLocking "true";
C
export APT_CONFIG="$target/apt/apt.conf"
apt-get -qq update
# Perl is for the server's scripts, which nothing runs.
wanted=$(apt-get -qq --print-uris install mysql-server-core | sed 's/^[^ ]* \([^ _]*\)_.*/\1/' | grep -v perl)
cd "$target/packages"
# shellcheck disable=SC2086
apt-get -qq download $wanted
for package in *.deb; do dpkg-deb -x "$package" "$target"; done
cd "$target"
rm -r packages apt
usr/lib64/ld-linux-x86-64.so.2 --library-path "$target/usr/lib/x86_64-linux-gnu" usr/sbin/mysqld --version
touch .laid
