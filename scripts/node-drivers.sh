#!/bin/sh
# Lays Node's drivers of databases, in the versions that the tests are known to pass with, under
# target/node-drivers. The tests that need them say SKIPPED where this could not be done.
set -eu
cd "$(dirname "$0")/.."

wanted="pg@8.23.1 mysql2@3.24.6 redis@6.3.1"
target=target/node-drivers
[ "$(cat "$target/.laid" 2>/dev/null || true)" = "$wanted" ] && exit 0
echo "fetching the drivers that the tests use: $wanted"
rm -rf "$target"
mkdir -p "$target"
# shellcheck disable=SC2086
npm install --silent --no-audit --no-fund --prefix "$target" $wanted
echo "$wanted" >"$target/.laid"
