#!/bin/sh
# Lays test suites that others wrote under target/suites: psycopg2's from PyPI, and MariaDB's of its client
# library from the Debian package, unpacked and not installed.
set -eu
cd "$(dirname "$0")/.."

psycopg2=2.9.13
target=$PWD/target/suites
wanted="psycopg2 $psycopg2, mariadb-test"
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
echo "$wanted" >"$target/.laid"
