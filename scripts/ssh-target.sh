#!/bin/bash
# A real OpenSSH server on a small machine of its own, for the demo, the tests and the measurements:
#   scripts/ssh-target.sh DIR PORT [HOSTNAME]
#
# It runs in namespaces: its own users, host name, processes and home folders. Its root is nobody on
# this machine (user ids are mapped), its account files exist nowhere else, and all of it is gone when
# this process is killed. It shares only the network and, read-only in effect, the installed programs.
#
# DIR holds what it is told: `accounts` (lines of user:password, an empty password for none),
# `authorized_keys`, `user_ca.pub` (certificates that it trusts), `sshd_config` (lines that go before
# the usual ones); all but `accounts` may be left out or be changed while it runs. `host_key` is made
# when it is missing, and `sshd.log` is written.
#
# With DIE_WITH_PARENT=1 it ends when the process that started it does.
# Needs root, and a kernel and container that let root make namespaces.
set -euo pipefail

first_uid=300000

outside() {
    local dir port name
    dir=$(realpath "$1") port=$2 name=${3:-web-1}
    for file in authorized_keys user_ca.pub sshd_config; do
        [ -e "$dir/$file" ] || : >"$dir/$file"
    done
    [ -e "$dir/host_key" ] || ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$dir/host_key"
    chown "$first_uid:$first_uid" "$dir/host_key" "$dir/accounts"
    chmod 600 "$dir/host_key" "$dir/accounts"
    exec unshare --mount --propagation private bash "$(realpath "$0")" --map "$dir" "$port" "$name"
}

# In a mount namespace of its own, still as root: brings DIR to a place that the mapped root can
# reach, wherever the checkout lies, then becomes that root.
map() {
    local dir=$1 port=$2 name=$3 script holder
    script=$(realpath "$0")
    mount --bind "$dir" /mnt
    exec 3<"$script" 4>>"$dir/sshd.log"
    # A user namespace lives as long as a process in it; this one is needed until the next has joined.
    unshare --user setpriv --pdeathsig KILL sleep 60 &
    holder=$!
    while [ "$(readlink "/proc/$holder/ns/user")" = "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
    echo "0 $first_uid 65536" >"/proc/$holder/uid_map"
    echo "0 $first_uid 65536" >"/proc/$holder/gid_map"
    exec nsenter --user="/proc/$holder/ns/user" --setuid 0 --setgid 0 \
        ${DIE_WITH_PARENT:+setpriv --pdeathsig KILL} \
        unshare --mount --uts --ipc --pid --fork --kill-child=KILL \
        bash -c 'source /dev/fd/3 --inside "$@"' web "$port" "$name" 2>&4
}

# As the mapped root, the first process of the small machine.
inside() {
    local port=$1 name=$2
    local uid=1000 user password hash home
    hostname "$name"
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t tmpfs -o mode=755 tmpfs /home
    mount -t tmpfs -o mode=700 tmpfs /root
    mount -t tmpfs -o mode=1777 tmpfs /tmp
    mount -t proc proc /proc
    mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts /dev/pts
    mount --bind /dev/pts/ptmx /dev/ptmx
    mkdir -p /run/sshd /run/etc
    {
        echo 'sshd:x:100:65534::/run/sshd:/usr/sbin/nologin'
        echo 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin'
    } >/run/etc/passwd
    printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >/run/etc/group
    echo 'sshd:!:19000::::::' >/run/etc/shadow
    chmod 640 /run/etc/shadow
    while IFS=: read -r user password; do
        [ -n "$user" ] || continue
        hash='*'
        [ -z "$password" ] || hash=$(openssl passwd -6 -stdin <<<"$password")
        home=/home/$user
        if [ "$user" = root ]; then
            echo "root:x:0:0:root:/root:/bin/bash" >>/run/etc/passwd
        else
            echo "$user:x:$uid:$uid::$home:/bin/bash" >>/run/etc/passwd
            echo "$user:x:$uid:" >>/run/etc/group
            mkdir "$home" && chown "$uid:$uid" "$home" && chmod 700 "$home"
            uid=$((uid + 1))
        fi
        echo "$user:$hash:19000:0:99999:7:::" >>/run/etc/shadow
    done </mnt/accounts
    for file in passwd group shadow; do mount --bind "/run/etc/$file" "/etc/$file"; done
    [ ! -e /etc/motd ] || mount --bind /dev/null /etc/motd
    cat /mnt/sshd_config - >/run/sshd_config <<C
Port $port
ListenAddress 127.0.0.1
HostKey /mnt/host_key
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication yes
PermitUserEnvironment no
AcceptEnv LANG LC_*
AuthorizedKeysFile /mnt/authorized_keys
TrustedUserCAKeys /mnt/user_ca.pub
AllowAgentForwarding yes
AllowTcpForwarding yes
X11Forwarding yes
PrintMotd no
PrintLastLog no
UseDNS no
Subsystem sftp internal-sftp
MaxStartups 500:30:1000
MaxSessions 200
LogLevel VERBOSE
C
    cd /
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        /usr/sbin/sshd -D -e -f /run/sshd_config </dev/null 3<&- 4>&-
}

case "$1" in
--map) shift && map "$@" ;;
--inside) shift && inside "$@" ;;
*) outside "$@" ;;
esac
