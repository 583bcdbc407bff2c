# shellcheck shell=bash
# For a script that was started in a new mount namespace: mounts made from here on stay in it.

# In a chroot "/" is no mount point: propagation cannot be set there, and runc cannot pivot out of it. Make it one at
# the directory given and enter the script again there.
private_root() { # directory that may become the root; the script and its arguments
  local dir=$1
  shift
  if awk '$5 == "/" {found = 1} END {exit !found}' /proc/self/mountinfo; then
    mount --make-rslave /
    return
  fi
  mkdir -p "$dir"
  mount --rbind / "$dir"
  mount --make-rprivate "$dir"
  exec chroot "$dir" /bin/bash "$@"
}
