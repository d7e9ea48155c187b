#!/bin/bash
# initramfs.sh KERNEL VERSION: writes to stdout an initramfs that mounts the guest's root: busybox, three modules with those they
# need, and initramfs-init.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
kernel=$1
version=$2
root=$(mktemp -d /tmp/runt-initramfs.XXXXXX)
trap 'rm -rf "$root"' EXIT

# Prints the files of a module and of all it needs, in the order of loading. Built-in ones have none.
module_files() {
  modprobe --dirname "$kernel" --set-version "$version" --show-depends "$1" | awk '$1 == "insmod" { print $2 }'
}

mkdir -p "$root"/{bin,proc,sys,dev,lower,upper,share,modules}
cp "$(command -v busybox)" "$root/bin/busybox"
install -m 755 "$here/initramfs-init.sh" "$root/init"
for module in virtio_pci virtiofs overlay; do module_files "$module"; done | awk '!seen[$0]++' | while read -r file; do
  name=$(basename "$file" | sed 's/\.ko.*/.ko/')
  case $file in
    *.xz) xz -dc "$file" ;;
    *.zst) zstd -dcq "$file" ;;
    *.gz) gzip -dc "$file" ;;
    *) cat "$file" ;;
  esac > "$root/modules/$name"
  echo "$name" >>"$root/modules/order"
done
cd "$root"
find . | cpio -o -H newc --quiet | gzip -1
