#!/bin/bash
# with-newest.sh FOLDER COMMAND …: runs a command, as root, in a mount namespace whose /usr has the programs and libraries of an unpacked
# suite (newest.sh runtimes) over this machine's. The newer C library serves the older programs too.
set -euo pipefail
exec unshare --mount --propagation slave -- bash -c '
  mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr
  shift
  exec "$@"' bash "$@"
