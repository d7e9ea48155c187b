#!/bin/bash
# Prints the folder of an unpacked kernel package, ready to boot: $KERNEL, or one of this distribution that is downloaded once.
set -euo pipefail

cache=$("$(dirname "${BASH_SOURCE[0]}")/cache.sh")
kernel=$cache/kernel

# The image that a meta package stands for, as apt knows it now. Debian's is small and made for virtual machines; Ubuntu has
# another name for the same.
image_package() {
  local meta
  for meta in linux-image-cloud-amd64 linux-image-virtual; do
    apt-cache depends "$meta" 2> /dev/null | awk '/^ *Depends: linux-image-/ { print $2; found = 1; exit } END { exit !found }' && return
  done
  return 1
}

# Into a folder of its own: nothing of this is installed. Ubuntu keeps the modules in packages beside the image.
download() {
  local image package
  image=$(image_package) || return 1
  for package in "$image" "${image/image/modules}" "${image/image/modules-extra}"; do
    [ "$package" = "$image" ] || apt-cache show "$package" > /dev/null 2>&1 || continue
    (cd "$1" && apt-get -o APT::Sandbox::User=root download -q "$package") >&2 || return 1
  done
}

# What dpkg -x leaves out. Newer packages keep modules under /usr/lib, where depmod and modprobe, which look into lib of the folder they are
# given, do not look, and the kernel itself beside them.
index_modules() {
  local version
  [ -d "$1/lib/modules" ] || ln -s usr/lib "$1/lib"
  version=$(ls "$1/lib/modules")
  if [ ! -d "$1/boot" ] && [ -f "$1/lib/modules/$version/vmlinuz" ]; then
    mkdir "$1/boot"
    ln -s "../lib/modules/$version/vmlinuz" "$1/boot/vmlinuz-$version"
  fi
  [ -f "$1/lib/modules/$version/modules.dep" ] || depmod -b "$1" "$version"
}

fetch() {
  local package
  part=$kernel.part.$$
  trap 'rm -rf "$part"' EXIT
  mkdir -p "$part/deb" "$part/kernel"
  # The lists may be missing, or older than the mirror: then they are brought up to date, once.
  download "$part/deb" || {
    echo 'vm: updating the package lists to find a kernel' >&2
    apt-get update -q >&2
    download "$part/deb" || {
      echo 'vm: apt-get offers no kernel for virtual machines' >&2
      exit 1
    }
  }
  for package in "$part"/deb/*.deb; do dpkg -x "$package" "$part/kernel"; done
  index_modules "$part/kernel"
  mv "$part/kernel" "$kernel"
}

exec 9> "$cache/kernel.lock"
flock 9
if [ -n "${KERNEL:-}" ]; then
  kernel=$KERNEL
  index_modules "$kernel"
elif [ ! -d "$kernel/boot" ]; then
  fetch
fi
realpath "$kernel"
