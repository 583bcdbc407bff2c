#!/bin/bash
# Runs dockerd inside the pid and mount namespaces that docker.sh made for it. Argument: the daemon's directory.
set -e
dir=$1
source "$(dirname "$0")/private-root.sh"
private_root "$dir/root" "$0" "$@"

mount -t proc proc /proc

mount_cgroups() {
  mountpoint -q /sys || mount -t sysfs sysfs /sys
  # Controllers with a hierarchy number are in use as version 1.
  if awk '!/^#/ && $2 != 0 {v1 = 1} END {exit !v1}' /proc/cgroups; then
    mount -t tmpfs cgroup /sys/fs/cgroup
    local c
    for c in $(awk '!/^#/ && $4 == 1 && $2 != 0 {print $1}' /proc/cgroups); do
      mkdir -p "/sys/fs/cgroup/$c"
      mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c" || rmdir "/sys/fs/cgroup/$c"
    done
  else
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
  fi
}
grep -q ' /sys/fs/cgroup' /proc/self/mountinfo || mount_cgroups

# dockerd reads registries' certificates from a fixed place: give it ours without touching the machine's.
mount -t tmpfs tmpfs /etc/docker
ln -s "$dir/certs.d" /etc/docker/certs.d

exec tini -- dockerd --config-file "$dir/daemon.json"
