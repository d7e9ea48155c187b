#!/usr/bin/env bash
# package-deb.sh [FOLDER]: makes a Debian package of the command, runt_VERSION_ARCHITECTURE.deb, in a folder (build/), and prints its path.
# The package has no scripts: it starts nothing, registers nothing, and removing it removes all of it.
#   NO_BUILD  take dist/ as it is
#   SOURCE_DATE_EPOCH  time of the files in it (that of the last commit): the same sources give the same package
source "$(dirname "$0")/lib.sh"

folder=${1:-build}
[ -d "$folder" ] || fail "'$folder' is no folder"
[ -n "${NO_BUILD:-}" ] || bash scripts/build.sh >&2

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || date +%s)}
version=$(node --print 'require("./package.json").version')
architecture=$(dpkg --print-architecture)

DESTDIR=$tree PREFIX=/usr NO_BUILD=1 bash scripts/install-system.sh > /dev/null
documents=$tree/usr/share/doc/runt
install -d -m 755 "$documents"
gzip -9n "$tree/usr/share/man/man8/runt.8"
gzip -9nc CHANGELOG.md > "$documents/changelog.gz"
cat > "$documents/copyright" << 'TEXT'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: runt

Files: *
Copyright: the authors of runt
License: Apache-2.0
 On Debian systems the full text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.
TEXT
chmod 644 "$documents"/*

# libseccomp, libsystemd and newuidmap are used only by containers that ask for what they do. The dashes of a version before a
# release count less than nothing there.
install -d -m 755 "$tree/DEBIAN"
cat > "$tree/DEBIAN/control" << TEXT
Package: runt
Version: ${version/-/\~}
Architecture: $architecture
Maintainer: the authors of runt <maintainers@runt.invalid>
Section: admin
Priority: optional
Installed-Size: $(du -sk --apparent-size "$tree/usr" | cut -f 1)
Depends: libc6 (>= 2.35)
Recommends: libseccomp2 (>= 2.5), libarchive13t64 | libarchive13
Suggests: libsystemd0, uidmap
Description: OCI container runtime
 Runs containers as the OCI runtime specification describes them, for Docker,
 containerd, Podman and CRI-O in the place of runc or crun, or by itself.
 Every error names the line of config.json that caused it.
TEXT

package=$folder/runt_${version}_$architecture.deb
# Times of the files: dpkg-deb takes none that is later than SOURCE_DATE_EPOCH.
find "$tree" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz -z1 --build "$tree" "$package.new" > /dev/null
mv -f "$package.new" "$package"
echo "$package"
