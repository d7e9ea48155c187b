#!/bin/bash
# Prints the path of a Debian (or Ubuntu) root file system, of the same release as this machine: what is essential, and apt. It is made
# with mmdebstrap on the first call, as root, and kept in the tests' cache; it is shared, so copy it before you write into it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cache=$("$here/vm/cache.sh")
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
root=$cache/minbase-$codename

fail() {
  echo "minbase: $*" >&2
  exit 1
}

# This machine's own sources of the release, whatever mirror they name and however they are written; not those of other projects.
sources() {
  apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' "Architecture: $(dpkg --print-architecture)" |
    awk -v codename="$codename" '
      $3 != codename && $3 != codename "-updates" && $3 != codename "-security" { next }
      $4 == "main" || $4 == "universe"' | sort -u
}

# How this machine reaches its mirror: proxies, and whether the mirror's signatures may be old.
apt_settings() {
  apt-config dump --no-empty | grep -E '^Acquire::(Check-|Retries|https?::)' || true
}

make() {
  local list
  command -v mmdebstrap > /dev/null || fail 'mmdebstrap is missing: scripts/provision.sh test installs it'
  list=$(sources)
  [ -n "$list" ] || fail "apt knows no source of $codename"
  part=$(mktemp -d "$root.part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  trap 'exit 130' INT TERM HUP
  echo "minbase: making $root" >&2
  apt_settings > "$part/apt.conf"
  mmdebstrap --mode=root --variant=minbase --aptopt="$part/apt.conf" "$codename" "$part/root" - <<< "$list" >&2
  chmod 755 "$part/root"
  mv "$part/root" "$root"
}

[ ! -d "$root" ] || {
  echo "$root"
  exit
}
[ "$(id -u)" = 0 ] || fail 'root is needed to make a root file system'
exec 9> "$root.lock"
flock 9
[ -d "$root" ] || make
echo "$root"
