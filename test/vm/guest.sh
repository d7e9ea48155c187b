#!/bin/bash
# Runs the command in the guest and ends the machine; started as the first process, or by systemd as guest.service.
# /mnt is the folder shared with the host: command and cwd come from there, output, status and out/ go there.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
ip link set lo up
# As a systemd host does; root's processes may stay where they are, the rule against inner processes spares the root cgroup.
sed 's/\(^\| \)/\1+/g' /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control

# virtiofsd holds a descriptor for every file that the guest remembers, and without CAP_SYS_RESOURCE it cannot raise its limit:
# forget some before the limit makes every open fail with EMFILE.
bound_open_files() {
  local inodes remembered
  while sleep 3; do
    read -r inodes _ < /proc/sys/fs/inode-nr
    [ "$inodes" -gt 10000 ] || continue
    remembered=$(awk '$1 == "fuse_inode" { print $2 }' /proc/slabinfo)
    [ "${remembered:-0}" -lt 10000 ] || echo 2 > /proc/sys/vm/drop_caches
  done
}
bound_open_files &

mkfifo /run/vm-output
cat /run/vm-output > /mnt/output &
writer=$!
cd "$(cat /mnt/cwd)" || exit
setsid --wait bash /mnt/command < /dev/null > /run/vm-output 2>&1
status=$?
# What the command left running may hold the pipe open for ever.
for _ in {1..20}; do
  kill -0 "$writer" 2> /dev/null || break
  sleep 0.1
done
echo "$status" > /mnt/status
sync
echo o > /proc/sysrq-trigger
sleep 60
