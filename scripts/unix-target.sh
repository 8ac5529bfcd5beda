#!/bin/bash
# A real Unix-like server with sudo, for the tests of connectors and discovery:
#   scripts/unix-target.sh DIR ADDRESS PORT [HOSTNAME]
#
# OpenSSH, sudo, useradd, passwd and chpasswd of this machine run in mount, host name, IPC and process
# namespaces whose /etc, /home, /root, /var/log, /var/lib, /run and /tmp are their own and empty but for
# what a server needs: nothing that is done in there reaches the machine's account files. It shares the
# network, and listens on ADDRESS:PORT only.
#
# DIR holds what it is told: `setup`, a shell script that runs as root in there before the server starts
# and makes accounts, sudo rules and keys. `host_key` is made when it is missing; `sshd.log` is written;
# `ready` appears when the server is about to listen.
#
# With DIE_WITH_PARENT=1 it ends when the process that started it does. Needs root.
set -euo pipefail

outside() {
    local dir
    dir=$(realpath "$1")
    rm -f "$dir/ready"
    [ -e "$dir/host_key" ] || ssh-keygen -q -t ed25519 -N '' -C "${4:-unix-1}" -f "$dir/host_key"
    chmod 600 "$dir/host_key"
    exec 3<"$(realpath "$0")" 4>>"$dir/sshd.log"
    exec ${DIE_WITH_PARENT:+setpriv --pdeathsig KILL} \
        unshare --mount --propagation private --uts --ipc --pid --fork --kill-child=KILL \
        bash -c 'source /dev/fd/3 --inside "$@"' unix "$dir" "$2" "$3" "${4:-unix-1}" 2>&4 >&4
}

# As root of the small machine, its first process.
inside() {
    local dir=$1 address=$2 port=$3 name=$4 file
    hostname "$name"
    mount --bind "$dir" /mnt
    mount -t proc proc /proc
    mkdir -p /mnt/.etc
    mount -t tmpfs -o mode=755 tmpfs /mnt/.etc
    for file in ld.so.cache ld.so.conf ld.so.conf.d login.defs pam.conf pam.d security shells default/useradd \
        skel nsswitch.conf services protocols localtime ssh/moduli alternatives bash.bashrc profile; do
        [ -e "/etc/$file" ] || continue
        mkdir -p "/mnt/.etc/$(dirname "$file")"
        cp -a "/etc/$file" "/mnt/.etc/$file"
    done
    mount --move /mnt/.etc /etc
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t tmpfs -o mode=755 tmpfs /home
    mount -t tmpfs -o mode=700 tmpfs /root
    mount -t tmpfs -o mode=755 tmpfs /var/log
    mount -t tmpfs -o mode=755 tmpfs /var/lib
    mount -t tmpfs -o mode=1777 tmpfs /tmp
    mkdir -p /run/sshd /etc/sudoers.d /etc/ssh /var/lib/sudo
    : >/var/log/lastlog
    : >/var/log/wtmp
    printf '127.0.0.1 localhost %s\n' "$name" >/etc/hosts
    printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' >/etc/nsswitch.conf
    cat >/etc/passwd <<'C'
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sshd:x:100:65534::/run/sshd:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
C
    printf 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nsudo:x:27:\nshadow:x:42:\nusers:x:100:\nnogroup:x:65534:\n' >/etc/group
    printf 'root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nsshd:!:19000::::::\nnobody:*:19000:0:99999:7:::\n' \
        >/etc/shadow
    sed 's/:x:.*/:*::/' /etc/group >/etc/gshadow
    chown root:shadow /etc/shadow /etc/gshadow
    chmod 640 /etc/shadow /etc/gshadow
    printf 'Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n' >/etc/sudoers
    chmod 440 /etc/sudoers
    cat >/etc/ssh/sshd_config <<C
Port $port
ListenAddress $address
HostKey /mnt/host_key
PidFile none
UsePAM no
PermitRootLogin yes
PasswordAuthentication yes
PermitEmptyPasswords yes
StrictModes yes
PrintMotd no
UseDNS no
Subsystem sftp internal-sftp
MaxStartups 500:30:1000
MaxSessions 200
LogLevel VERBOSE
C
    [ ! -e /mnt/sshd_config ] || cat /mnt/sshd_config >>/etc/ssh/sshd_config
    cd /
    bash -eu /mnt/setup
    touch /mnt/ready
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        /usr/sbin/sshd -D -e -f /etc/ssh/sshd_config </dev/null 3<&- 4>&-
}

case "$1" in
--inside) shift && inside "$@" ;;
*) outside "$@" ;;
esac
