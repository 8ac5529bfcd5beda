#!/bin/bash
# A real MariaDB with TLS, for the tests of connectors and discovery:
#   scripts/mysql-target.sh DIR ADDRESS PORT
#
# DIR holds `init.sql`, one statement a line, which runs at the first start and makes the accounts; `root`
# has no way in but what it gives. `cert.pem` and `mysql.log` are written, with every statement in
# `statements.log`; `ready` appears when it is about to listen. With DIE_WITH_PARENT=1 it ends when the
# process that started it does.
set -euo pipefail
dir=$(realpath "$1")
cd "$dir"
rm -f ready
[ -e cert.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:"$2" -keyout key.pem -out cert.pem 2>/dev/null
init=
if [ ! -e data/ready ]; then
    rm -rf data
    mariadb-install-db --no-defaults --user=root --datadir="$dir/data" --auth-root-authentication-method=normal \
        --skip-test-db >install.log 2>&1
    touch data/ready
    init="--init-file=$dir/init.sql"
fi
# Clients that insist on showing a certificate show this one.
export SSL_CERT_FILE=$dir/cert.pem
touch ready
exec ${DIE_WITH_PARENT:+setpriv --pdeathsig KILL} /usr/sbin/mariadbd --no-defaults --user=root --datadir="$dir/data" \
    --port="$3" --bind-address="$2" --socket="$dir/s.sock" --pid-file="$dir/pid" --ssl-cert="$dir/cert.pem" \
    --ssl-key="$dir/key.pem" --require-secure-transport=ON --skip-name-resolve --innodb-flush-log-at-trx-commit=0 \
    --innodb-buffer-pool-size=16M --innodb-log-file-size=8M --performance-schema=OFF --event-scheduler=ON \
    --general-log=1 --general-log-file="$dir/statements.log" $init </dev/null >mysql.log 2>&1
