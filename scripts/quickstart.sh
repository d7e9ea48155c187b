#!/usr/bin/env bash
# quickstart.sh: from a clean clone to a container that runs. Installs what is missing, builds, makes a bundle in demo/ from
# Debian's static busybox, and runs it. Needs Node, apt-get, and root or sudo. A second run does only what is left to do.
source "$(dirname "$0")/lib.sh"

heading 'system packages'
as_root bash scripts/provision.sh build
busybox=$(command -v busybox)

heading 'node_modules'
install_packages

heading 'build'
bash scripts/build.sh

heading 'a bundle in demo/'
runt=$PWD/dist/bin/runt
mkdir -p demo/rootfs/{bin,dev,etc,proc,sys,tmp,root}
cp "$busybox" demo/rootfs/bin/busybox
"$busybox" --list | while read -r applet; do
  [ "$applet" = busybox ] || ln -sf busybox "demo/rootfs/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\n' > demo/rootfs/etc/passwd
printf 'root:x:0:\n' > demo/rootfs/etc/group
rm -f demo/config.json
"$runt" spec --bundle demo
node - demo/config.json << 'EDIT'
const { readFileSync, writeFileSync } = require('node:fs')
const file = process.argv[2]
const config = JSON.parse(readFileSync(file, 'utf8'))
config.process.terminal = false
config.process.args = ['sh', '-c', 'echo "hello from $(hostname)"; echo; id; echo; ps; echo; mount']
config.hostname = 'demo'
writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`)
EDIT
echo 'demo/config.json, demo/rootfs'

heading 'runt run demo'
as_root dist/bin/runt run --bundle demo demo

heading 'what to try next'
cat << 'NEXT'
dist/bin/runt explain --bundle demo   every step that makes this container, beside the field of config.json that it serves
change demo/config.json (make a mistake!), then as root: dist/bin/runt run --bundle demo demo
dist/bin/runt --help                  every command; 'npm test' runs every test
NEXT
