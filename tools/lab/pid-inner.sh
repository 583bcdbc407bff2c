#!/bin/bash
# Runs a command inside the pid and mount namespaces that were just made, so that whatever it starts ends with it.
# Arguments: a directory that may become the root (see private-root.sh), the command.
set -e
source "$(dirname "$0")/private-root.sh"
private_root "$1" "$0" "$@"
shift
mount -t proc proc /proc
exec tini -- "$@"
