#!/bin/bash
# A real MySQL with TLS, not a MariaDB, for the tests:
#   scripts/mysql-own-target.sh DIR ADDRESS PORT
#
# It is the one that scripts/mysql-server.sh lays. DIR holds `init.sql`, one statement a line, which runs at the
# first start and makes the accounts; they are proved by `caching_sha2_password`. `cert.pem` and `mysql.log` are
# written, `ready` appears when it is about to listen. With DIE_WITH_PARENT=1 it ends when the process that
# started it does.
set -euo pipefail
laid=$(realpath "$(dirname "$0")/../target/mysql-server")
dir=$(realpath "$1")
cd "$dir"
rm -f ready
[ -e cert.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:"$2" -keyout key.pem -out cert.pem 2>/dev/null
mysqld=("$laid/usr/lib64/ld-linux-x86-64.so.2" --library-path "$laid/usr/lib/x86_64-linux-gnu" "$laid/usr/sbin/mysqld"
    --no-defaults --user=root --basedir="$laid/usr" --datadir="$dir/data" --lc-messages-dir="$laid/usr/share/mysql"
    --innodb-buffer-pool-size=16M --performance-schema=OFF --skip-log-bin)
init=
if [ ! -e data/made ]; then
    rm -rf data
    "${mysqld[@]}" --initialize-insecure >install.log 2>&1
    touch data/made
    init="--init-file=$dir/init.sql"
fi
touch ready
exec ${DIE_WITH_PARENT:+setpriv --pdeathsig KILL} "${mysqld[@]}" --port="$3" --bind-address="$2" --mysqlx=OFF \
    --socket="$dir/s.sock" --pid-file="$dir/pid" --ssl-cert="$dir/cert.pem" --ssl-key="$dir/key.pem" \
    --require-secure-transport=ON --skip-name-resolve --innodb-flush-log-at-trx-commit=0 \
    --secure-file-priv="" $init </dev/null >mysql.log 2>&1
