#!/bin/bash
# enter.sh RUNTIME COMMAND …: runs a command, as root, in a machine within the machine: the daemons' packages lie over /usr and
# /etc, whatever is written to /etc, /run and /var/lib is gone at its end, and so is every process. Where there is no virtual machine
# around it, it has namespaces of its own for processes, network, IPC and the host's name, and cgroup v2 on /sys/fs/cgroup.
#   RUNTIME  runt: the project's build stands where runc and crun are looked for; runc: the machine's own stay
# In the command's environment DAEMONS_WORK is a folder on a tmpfs, with the propagation that daemons expect of a machine.
set -euo pipefail

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
packages=$("$project/test/daemons/packages.sh")
runtime=$1
shift

own=(--mount)
# The machine's mounts are shared, as any that has systemd shares them: what that mounts later (a user's /run/user/UID) is to be seen.
if [ "${RUNT_TEST_ENV:-host}" = vm ]; then
  mount --make-rshared /
  own+=(--propagation slave)
else
  own+=(--propagation private --net --ipc --uts --pid --fork --kill-child --mount-proc)
fi

# Removes the daemons' cgroups; the kernel takes processes for there until a moment after their namespace has gone.
leave() {
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    ! find "$cgroup" -depth -type d -exec rmdir {} + 2> /dev/null || return 0
    sleep 0.1
  done
  echo "daemons: the cgroup $cgroup stays" >&2
}

# The daemons' cgroups lie below one that goes with them; where cgroup v2 is mounted nowhere, they are at its root.
cgroup=
hierarchy=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET || true)
if [ "${RUNT_TEST_ENV:-host}" != vm ] && [ -n "$hierarchy" ]; then
  cgroup=$hierarchy/runt-daemons.$$
  mkdir "$cgroup"
  trap leave EXIT
fi

# Its first process goes there before the namespace of cgroups is made, whose root that is, and below it afterwards: a cgroup with
# processes of its own passes no controller on.
unshare "${own[@]}" -- bash -euc '
  [ -z "$1" ] || echo 0 > "$1/cgroup.procs"
  shift
  [ "$$" != 1 ] || exec unshare --cgroup -- "$@"
  exec "$@"' bash "$cgroup" bash -euc '
  project=$1 packages=$2 runtime=$3
  shift 3
  if [ "${RUNT_TEST_ENV:-host}" != vm ]; then
    mount -t cgroup2 none /sys/fs/cgroup
    mkdir -p /sys/fs/cgroup/daemons
    echo 0 > /sys/fs/cgroup/daemons/cgroup.procs
    for folder in /run /var/lib; do mount -t tmpfs -o mode=755 "$(basename "$folder")" "$folder"; done
    mkdir /run/lock
    ip link set lo up
    # The daemons reckon with a machine of their own.
    sysctl -qw net.ipv4.ip_forward=1
  fi

  export DAEMONS_WORK=/run/daemons
  mkdir -p "$DAEMONS_WORK"
  mount -t tmpfs -o mode=755 daemons "$DAEMONS_WORK"
  mount --make-rshared "$DAEMONS_WORK"

  links=$DAEMONS_WORK/links
  mkdir -p "$links/bin" "$links/sbin" "$DAEMONS_WORK/etc" "$DAEMONS_WORK/etc-work"
  ln -s "$project/dist/bin/runt" "$links/bin/runt"
  if [ "$runtime" = runt ]; then
    for name in bin/crun sbin/runc bin/runc; do ln -s "$project/dist/bin/runt" "$links/$name"; done
  fi
  # An overlay does not show what is mounted below /usr: there the virtual machine has the modules of its kernel.
  modules=/usr/lib/modules/$(uname -r)
  mountpoint -q "$modules" || modules=
  if [ -n "$modules" ]; then
    mkdir "$DAEMONS_WORK/modules"
    mount --bind "$modules" "$DAEMONS_WORK/modules"
  fi
  mount -t overlay -o "lowerdir=$links:$packages/usr:/usr" overlay /usr
  [ -z "$modules" ] || mount --bind "$DAEMONS_WORK/modules" "$modules"
  mount -t overlay -o "lowerdir=$packages/etc:/etc,upperdir=$DAEMONS_WORK/etc,workdir=$DAEMONS_WORK/etc-work" overlay /etc
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$DAEMONS_WORK"
  unset XDG_RUNTIME_DIR XDG_CACHE_HOME
  # Orphans must be reaped, or the daemons take them for alive.
  init=
  [ "$$" != 1 ] || init="tini --"
  exec $init "$@"' bash "$project" "$packages" "$runtime" "$@"
