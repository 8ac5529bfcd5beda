#!/bin/bash
# A real PostgreSQL with a database cluster of its own, for the demo and the tests:
#   scripts/pg-target.sh DIR PORT
#
# The cluster lies in DIR and is made at the first start, with one database `shop` and the roles
# `postgres` and `app_admin`, whose passwords are in DIR/passwords (lines of role:password, which the
# caller writes first). It listens on 127.0.0.1 only, with TLS and SCRAM, and is gone, without a loss,
# when this process gets SIGINT. DIR/pg.log is written. With DIE_WITH_PARENT=1 it ends when the process
# that started it does. Needs root; the servers run as Debian's user `postgres`.
set -euo pipefail

programs=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

outside() {
    local dir
    dir=$(realpath "$1")
    exec unshare --mount --propagation private bash "$(realpath "$0")" --inside "$dir" "$2"
}

# In a mount namespace of its own: DIR is brought to a place that `postgres` can reach, wherever the
# checkout lies.
inside() {
    local dir=$1 port=$2
    mount --bind "$dir" /mnt
    cd /mnt
    if [ ! -e /mnt/cluster/ready ]; then
        make "$port" >/mnt/pg.log 2>&1
    fi
    exec setpriv --reuid postgres --regid postgres --init-groups ${DIE_WITH_PARENT:+--pdeathsig INT} \
        "$programs/postgres" -D /mnt/cluster -p "$port" </dev/null >>/mnt/pg.log 2>&1
}

as_postgres() {
    setpriv --reuid postgres --regid postgres --init-groups "$@"
}

password_of() {
    sed -n "s/^$1://p" /mnt/passwords
}

make() {
    local port=$1
    rm -rf /mnt/cluster
    install -d -m 700 -o postgres -g postgres /mnt/cluster
    install -m 600 -o postgres /dev/null /mnt/pwfile
    password_of postgres >/mnt/pwfile
    as_postgres "$programs/initdb" -D /mnt/cluster -U postgres -A scram-sha-256 --encoding UTF8 --locale C.UTF-8 \
        --no-sync --pwfile /mnt/pwfile
    rm /mnt/pwfile
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout /mnt/cluster/server.key -out /mnt/cluster/server.crt
    chown postgres: /mnt/cluster/server.key /mnt/cluster/server.crt
    chmod 600 /mnt/cluster/server.key
    cat >>/mnt/cluster/postgresql.conf <<C
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
password_encryption = 'scram-sha-256'
C
    printf 'hostssl all all 127.0.0.1/32 scram-sha-256\n' >/mnt/cluster/pg_hba.conf
    as_postgres "$programs/postgres" --single -D /mnt/cluster postgres <<C
create role app_admin login createdb createrole password '$(password_of app_admin)'
create database shop owner app_admin
C
    as_postgres "$programs/postgres" --single -D /mnt/cluster shop <<C
set role app_admin; create table customer (id int primary key, name text not null); insert into customer values (1, 'Ada'), (2, 'Ben')
C
    touch /mnt/cluster/ready
}

case "$1" in
--inside) shift && inside "$@" ;;
*) outside "$@" ;;
esac
