#!/bin/bash
# Makes the new namespaces it was started in look like a host of its own, then runs that host's sshd.
# Arguments: host name, address with prefix length, the host's directory, dockerd's directory.
set -e
name=$1 address=$2 dir=$3 docker=$4
source "$(dirname "$0")/private-root.sh"
private_root "$dir/root" "$0" "$@"

mount -t proc proc /proc
hostname "$name"
ip link set lo up

# The other end of the cable is plugged in from outside.
for ((i = 0; i < 200; i++)); do
  ip link show eth0 >/dev/null 2>&1 && break
  sleep 0.05
done
ip addr add "$address" dev eth0
ip link set eth0 up

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd /run/lock /run/lab-docker /run/lab-ssh /run/lab-host
mount --bind "$dir" /run/lab-host # what is bound below may hide the directory's own place
mount --bind "$docker" /run/lab-docker
ln -s lab-docker/docker.sock /run/docker.sock
mount --bind "$dir/ssh" /run/lab-ssh
for f in passwd group hosts hostname; do
  [[ -e /etc/$f ]] || : >"/etc/$f" # a bare root may lack some
  mount --bind "$dir/etc/$f" "/etc/$f"
done
for d in srv home tmp; do mount --bind "/run/lab-host/$d" "/$d"; done
umount /run/lab-host
cd /

exec tini -- /usr/sbin/sshd -D -e -f /run/lab-ssh/sshd_config
