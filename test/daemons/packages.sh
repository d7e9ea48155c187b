#!/bin/bash
# Prints a folder with the distribution's packages of the daemons, unpacked and not installed, so that nothing is started or
# registered on this machine. They are downloaded once into the tests' cache, with those of their dependencies that are missing here.
set -euo pipefail

cache=$("$(dirname "${BASH_SOURCE[0]}")/../vm/cache.sh")
packages=(docker.io docker-compose docker-registry containerd containernetworking-plugins podman buildah conmon netavark aardvark-dns)
packages+=(catatonit iptables tini umoci skopeo)
# Another list has another folder.
target=$cache/daemons-$(. /etc/os-release && echo "$VERSION_CODENAME")-$(cksum <<< "${packages[*]}" | cut -d ' ' -f 1)

fail() {
  echo "daemons: $*" >&2
  exit 1
}

# The packages that apt has, and what an installation of them would bring.
needed() {
  local package known=()
  for package in "${packages[@]}"; do
    ! apt-cache show "$package" > /dev/null 2>&1 || known+=("$package")
  done
  [ ${#known[@]} -gt 0 ] || return 1
  {
    printf '%s\n' "${known[@]}"
    LC_ALL=C apt-get install --simulate --no-install-recommends "${known[@]}" 2> /dev/null | awk '$1 == "Inst" { print $2 }'
  } | sort -u
}

download() {
  local list
  list=$(needed) || return 1
  (cd "$1" && xargs apt-get -q -o APT::Sandbox::User=root download <<< "$list") >&2
}

# What the packages' scripts would do: iptables is a link that update-alternatives makes.
complete() {
  local name suffix
  for name in iptables ip6tables; do
    for suffix in '' -save -restore; do
      [ -e "$1/usr/sbin/$name$suffix" ] || ln -s xtables-legacy-multi "$1/usr/sbin/$name$suffix"
    done
  done
}

exec 9> "$target.lock"
flock 9
if [ ! -d "$target" ]; then
  [ "$(id -u)" = 0 ] || fail 'root is needed to fill the cache'
  part=$target.part.$$
  trap 'rm -rf "$part"' EXIT
  mkdir -p "$part/deb" "$part/root"
  download "$part/deb" || {
    echo 'daemons: updating the lists of packages' >&2
    apt-get update -q >&2
    rm -f "$part/deb"/*
    download "$part/deb" || fail 'apt-get offers no packages of the daemons'
  }
  for package in "$part"/deb/*.deb; do dpkg -x "$package" "$part/root"; done
  complete "$part/root"
  mv "$part/root" "$target"
fi
echo "$target"
