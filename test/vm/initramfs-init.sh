#!/bin/busybox sh
# The first process of the guest: makes its root out of the host's, and hands over to guest.sh or to systemd.
set -eu
export PATH=/bin
/bin/busybox --install -s /bin
trap 'echo "vm: the root could not be made"; poweroff -f' EXIT

root=/upper/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done < /modules/order
mount -t virtiofs host /lower
mount -t virtiofs share /share

mount -t tmpfs -o size=70% tmpfs /upper
mkdir /upper/data /upper/work "$root"
mount -t overlay -o lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work overlay "$root"

# mount_at TARGET ARGUMENTS: mounts at a folder of the new root, and makes the folder.
mount_at() {
  target=$root$1
  shift
  mkdir -p "$target"
  mount "$@" "$target"
}
mount_at /proc -t proc proc
mount_at /sys -t sysfs sysfs
mount_at /sys/fs/cgroup -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2
mount_at /sys/kernel/security -t securityfs securityfs
mount_at /sys/fs/bpf -t bpf bpf
mount_at /dev -t devtmpfs dev
mount_at /dev/pts -t devpts -o mode=620,ptmxmode=666,gid=5 devpts
mount_at /dev/shm -t tmpfs -o mode=1777,nosuid,nodev shm
mount_at /run -t tmpfs -o mode=755,nosuid,nodev run
mount_at /tmp -t tmpfs -o mode=1777 tmp
mount_at /mnt --bind /share
# An upper layer cannot be put on an overlay: the daemons that make overlays of their own get a tmpfs.
for store in docker containerd containers runt; do mount_at "/var/lib/$store" -t tmpfs "$store"; done
mount_at "/lib/modules/$(uname -r)" --bind "/lower$(cat /share/modules)"
ln -sf /proc/self/fd "$root/dev/fd"
ln -sf fd/0 "$root/dev/stdin"
ln -sf fd/1 "$root/dev/stdout"
ln -sf fd/2 "$root/dev/stderr"

# Folders that the guest's own /tmp or /run hides come back, writable like the rest of the root.
layer=0
sort -u /share/visible | while read -r folder; do
  [ ! -d "$root$folder" ] || continue
  layer=$((layer + 1))
  mkdir "/upper/data.$layer" "/upper/work.$layer"
  mount_at "$folder" -t overlay -o "lowerdir=/lower$folder,upperdir=/upper/data.$layer,workdir=/upper/work.$layer" overlay
done

# As other machines' initramfs do. What stays mounted here lies below the root of every mount namespace for good, and with a procfs
# in sight there the kernel lets user namespaces mount another, whatever hides the files of the container's own.
umount -l /proc
umount -l /sys

trap - EXIT
if [ "$(cat /share/init)" = systemd ]; then
  mkdir -p "$root/run/systemd/system"
  cp /share/guest.service "$root/run/systemd/system/"
  exec switch_root "$root" /lib/systemd/systemd --unit=guest.service --show-status=no
fi
exec switch_root "$root" /bin/bash /mnt/guest.sh
