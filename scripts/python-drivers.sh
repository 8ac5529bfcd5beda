#!/bin/sh
# Lays Python's drivers of databases, a client that is written in it, and the validator of OCSF's schema, in the versions that the tests are known to pass with, under
# target/drivers. The tests that need them say SKIPPED where this could not be done.
set -eu
cd "$(dirname "$0")/.."

wanted="psycopg[binary]==3.3.9 pgcli==4.7.1 PyMySQL==1.2.4 redis==8.1.0 mysql-connector-python==26.10.0 ocsf-json-schema==1.2.0 jsonschema==4.26.0 moto[s3,server]==5.2.5"
target=target/drivers
[ "$(cat "$target/.laid" 2>/dev/null || true)" = "$wanted" ] && exit 0
echo "fetching the drivers that the tests use: $wanted"
rm -rf "$target"
mkdir -p target
python3 -m venv "$target"
# shellcheck disable=SC2086
"$target/bin/pip" install --quiet --disable-pip-version-check $wanted
echo "$wanted" >"$target/.laid"
