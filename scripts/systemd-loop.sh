#!/usr/bin/env bash
# systemd-loop.sh [IN TURN] [AT ONCE]: makes and removes containers with the systemd manager, 200 one after the other and 32 at the same time
# unless told, and fails if a unit, a cgroup or a device filter is left. As root, where systemd runs: the machine of test/vm/run with
# INIT=systemd.
source "$(dirname "$0")/lib.sh"

in_turn=${1:-200}
at_once=${2:-32}
runt=$PWD/dist/bin/runt
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir -p "$dir/bundle/rootfs/bin"
for name in proc sys dev; do mkdir "$dir/bundle/rootfs/$name"; done
cp "$(command -v busybox)" "$dir/bundle/rootfs/bin/sh"
"$runt" spec --bundle "$dir/bundle"
python3 - "$dir/bundle/config.json" << 'PYTHON'
import json
import sys

with open(sys.argv[1]) as file:
    spec = json.load(file)
spec['process']['terminal'] = False
spec['process']['args'] = ['/bin/sh', '-c', 'exit 0']
spec['linux']['resources'] = {
    'devices': [{'allow': False, 'access': 'rwm'}],
    'memory': {'limit': 64 << 20},
    'pids': {'limit': 20},
}
with open(sys.argv[1], 'w') as file:
    json.dump(spec, file)
PYTHON

# All that a container may leave with systemd and the kernel, each on a line.
remains() {
  systemctl list-units --all --plain --no-legend --full 'runt-loop*' 'loop*' | sed 's/ .*//'
  find /sys/fs/cgroup -depth -name 'runt-loop*'
  "$runt" --root "$dir/state" list --quiet
}

# How many programs of BPF the kernel has: BPF_PROG_GET_NEXT_ID of bpf(2), which is system call 321 on x86_64 and 280 on aarch64.
programs() {
  python3 - << 'PYTHON'
import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
number = {'x86_64': 321, 'aarch64': 280}[platform.machine()]
attr = (ctypes.c_uint32 * 32)()
count = 0
while libc.syscall(number, 11, attr, ctypes.sizeof(attr)) == 0:
    count += 1
    attr[0] = attr[1]
print(count)
PYTHON
}

# one ID: a whole life by separate commands, as daemons do it.
one() {
  local run=("$runt" --root "$dir/state") id=$1
  "${run[@]}" --systemd-cgroup create --bundle "$dir/bundle" "$id" < /dev/null > /dev/null
  "${run[@]}" start "$id"
  "${run[@]}" delete --force "$id"
}

before=$(programs)
for ((i = 0; i < in_turn; i++)); do one "loop-$i"; done
pids=()
for ((i = 0; i < at_once; i++)); do
  one "loop-at-once-$i" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done

# systemd and the kernel tidy up a moment later.
for ((try = 0; try < 100; try++)); do
  left=$(remains)
  after=$(programs)
  [ -n "$left" ] || [ "$after" -gt "$before" ] || break
  sleep 0.2
done
[ -z "$left" ] || fail "left: $left"
[ "$after" -le "$before" ] || fail "$((after - before)) more programs of BPF than before"
echo "$((in_turn + at_once)) containers left nothing"
