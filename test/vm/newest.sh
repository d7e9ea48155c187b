#!/bin/bash
# newest.sh kernel|runtimes|containerd: prints a folder with packages of Debian's newest suite, unpacked and not installed; downloads them once.
#   kernel      its kernel for virtual machines, for KERNEL of test/vm/run
#   runtimes    its runc and crun, with all libraries that they need, from the C library on
#   containerd  its containerd and shim, which need no newer C library
#   SUITES      the suites, of which the first is taken that has them (sid trixie)
set -euo pipefail

cache=$("$(dirname "${BASH_SOURCE[0]}")/cache.sh")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
  echo "newest: $*" >&2
  exit 1
}

# Debian's mirror as this machine knows it; empty where it knows none.
mirror() {
  apt-get indextargets --format '$(REPO_URI) $(SITE)' 'Created-By: Packages' | awk '$1 ~ /\/debian\/?$/ { print $1; exit }'
}

# An apt that knows the newest suite alone, and of no installed package. A mirror's copy of a suite may be older than its signature allows.
newest_apt() {
  local program=$1
  shift
  "$program" -q -o "Dir::Etc::sourcelist=$part/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::lists=$part/lists" -o "Dir::Cache=$part/cache" -o Dir::State::status=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root -o APT::Install-Recommends=false "$@"
}

depends() {
  newest_apt apt-cache depends "$1" | awk '$1 == "Depends:" { print $2 }'
}

# The image is nothing but the sum of its parts: the kernel itself, its modules, and what is common to them.
kernel_packages() {
  local image version
  image=$(depends linux-image-cloud-amd64 | grep -m 1 '^linux-image-')
  version=${image#linux-image-}
  echo "$image"
  depends "$image" | grep -E "^linux-(base|binary|modules)-${version//+/\\+}\$" || true
}

# A mirror may list what it does not have (yet, or any more).
download() {
  local packages uri
  rm -rf "$part"
  mkdir -p "$part/lists/partial" "$part/cache/archives/partial" "$part/root"
  uri=$(mirror)
  [ -n "$uri" ] || fail 'apt knows no mirror of Debian: run apt-get update'
  echo "deb [signed-by=$keyring] $uri $1 main" > "$part/sources.list"
  newest_apt apt-get update || return 1
  if [ "$what" = containerd ]; then
    (cd "$part/cache/archives" && newest_apt apt-get download containerd)
  elif [ "$what" = kernel ]; then
    mapfile -t packages < <(kernel_packages)
    [ ${#packages[@]} -gt 0 ] && (cd "$part/cache/archives" && newest_apt apt-get download "${packages[@]}")
  else
    newest_apt apt-get install --yes --download-only runc crun
  fi
}

fetch() {
  local suite package
  [ -f "$keyring" ] || fail "$keyring is missing: install debian-archive-keyring"
  part=$target.part.$$
  trap 'rm -rf "$part"' EXIT
  for suite in ${SUITES:-sid trixie}; do
    download "$suite" >&2 || continue
    for package in "$part"/cache/archives/*.deb; do dpkg -x "$package" "$part/root"; done
    mv "$part/root" "$target"
    return
  done
  fail "none of ${SUITES:-sid trixie} has the packages"
}

what=${1:-}
[[ $what =~ ^(kernel|runtimes|containerd)$ ]] || {
  echo 'usage: newest.sh kernel|runtimes|containerd' >&2
  exit 2
}
target=$cache/newest-$what
exec 9> "$target.lock"
flock 9
[ -d "$target" ] || fetch
echo "$target"
