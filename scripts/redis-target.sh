#!/bin/bash
# A real Redis with ACL users and TLS, for the tests of connectors and discovery:
#   scripts/redis-target.sh DIR ADDRESS PORT
#
# DIR holds `users.acl`, the users that it begins with and saves to; `cert.pem` and `redis.log` are
# written, `ready` appears when it is about to listen. With DIE_WITH_PARENT=1 it ends when the process
# that started it does.
set -euo pipefail
dir=$(realpath "$1")
cd "$dir"
rm -f ready
[ -e cert.pem ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:"$2" -keyout key.pem -out cert.pem 2>/dev/null
touch ready
exec ${DIE_WITH_PARENT:+setpriv --pdeathsig KILL} redis-server --bind "$2" --port 0 --tls-port "$3" \
    --tls-cert-file cert.pem --tls-key-file key.pem --tls-ca-cert-file cert.pem --tls-auth-clients no \
    --dir "$dir" --aclfile users.acl --save '' --daemonize no --logfile redis.log </dev/null >/dev/null 2>&1
