#!/usr/bin/env bash
# provision.sh ROLE: makes a Debian or Ubuntu machine ready, as root or through sudo. Installs only what is missing, asks nothing.
#   build    what `npm run build` and the quickstart need
#   test     what `npm test` needs: build, other runtimes as controls, clang's tools, and the virtual machine
#   vagrant  a machine that uses runt: installs Node and Docker, builds runt, and registers it with Docker
source "$(dirname "$0")/lib.sh"

# A requirement is a package or, where releases differ, several: the first that apt knows. It is met where one of them is installed;
# with a probe in front, `probe=packages`, where the probe is found: a command, or a pattern of absolute paths.
build_requirements=(g++ make python3 busybox-static)
test_requirements=(
  "${build_requirements[@]}"
  runc crun strace
  cmake 'clang-14|clang' 'clang-format-14|clang-format' 'clang-tidy-14|clang-tidy'
  '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a=libclang-rt-14-dev|libclang-rt-dev'
  qemu-system-x86 'virtiofsd=virtiofsd|qemu-system-common' cpio kmod xz-utils zstd mmdebstrap 'libarchive13t64|libarchive13'
  iproute2 procps util-linux systemd libpam-systemd dbus uidmap debian-archive-keyring apparmor secilc zsh fish groff-base
)
vagrant_requirements=("${build_requirements[@]}" docker.io 'docker=docker-cli|docker.io' apparmor)
node_least=20.19.0

# virtiofsd is in none of the folders for commands.
find_probe() {
  case $1 in
    /*) compgen -G "$1" > /dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin:/usr/libexec:/usr/lib/qemu command -v "$1" > /dev/null ;;
  esac
}

# Prints those of the given requirements that are not met.
unmet() {
  local requirement package installed
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' | tr ' ' '\n' | sed -n 's/^installed://p' | tr '\n' ' ')"
  for requirement; do
    if [[ $requirement = *=* ]]; then
      find_probe "${requirement%%=*}" || echo "$requirement"
      continue
    fi
    for package in ${requirement//|/ }; do
      if [[ $installed = *" $package "* ]]; then continue 2; fi
    done
    echo "$requirement"
  done
}

# choose REQUIREMENT: prints the first of its packages that apt can install.
choose() {
  local package packages=${1#*=}
  for package in ${packages//|/ }; do
    if [[ $(LC_ALL=C apt-cache policy "$package") = *'Candidate: '[!\(]* ]]; then
      echo "$package"
      return
    fi
  done
  fail "apt offers no package for '$packages'"
}

updated=
# install REQUIREMENT…
install() {
  local requirement missing packages=()
  mapfile -t missing < <(unmet "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
  if [ -z "$updated" ]; then
    echo 'updating the lists of packages'
    # A foreign source that fails is none of our business; what we miss for it, the installation says.
    apt-get update -q || echo 'apt-get update failed; going on with the lists that are there' >&2
    updated=1
  fi
  for requirement in "${missing[@]}"; do packages+=("$(choose "$requirement")"); done
  echo "installing ${packages[*]}"
  apt-get install -q --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "${packages[@]}"
}

# Met where node is new enough and npm is beside it.
has_node() {
  command -v npm > /dev/null && command -v node > /dev/null &&
    [ "$(printf '%s\n' "$node_least" "$(node --version | tr -d v)" | sort -V | head -n 1)" = "$node_least" ]
}

require_node() {
  has_node || fail "Node $node_least or newer, with npm, is needed (here: $(node --version 2> /dev/null || echo none)).
  Debian 13, Ubuntu 25.04 or newer: apt-get install nodejs npm
  older releases:                   see https://nodejs.org/en/download, or \`$0 vagrant\` on a machine that is yours to change"
}

# Where the distribution's Node is too old, its npm still installs a newer one: npm has Node's executables as packages.
install_node() {
  local machine prefix=/usr/local/lib/runt-node
  if has_node; then return; fi
  install nodejs npm
  hash -r
  if has_node; then return; fi
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64) machine=arm64 ;;
    *) fail "no Node for $(uname -m)" ;;
  esac
  echo 'installing Node 22'
  npm install --prefix "$prefix" --no-fund --no-audit "node-linux-$machine@22"
  ln -sf "$prefix/node_modules/node-linux-$machine/bin/node" /usr/local/bin/node
  hash -r
  has_node || fail "Node $(node --version) was installed, but it is not the one in PATH: $PATH"
}

# Adds runt to the runtimes in Docker's configuration and leaves the rest of it alone. Status 3: it was there already.
register_with_docker() {
  mkdir -p /etc/docker
  node - /etc/docker/daemon.json "$1" << 'MERGE'
const fs = require('node:fs')
const [file, runt] = process.argv.slice(2)
const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
let config = {}
try {
  if (text.trim() !== '') config = JSON.parse(text)
} catch (error) {
  console.error(`${file} is not JSON: ${error.message}`)
  process.exit(1)
}
if (config.runtimes?.runt?.path === runt) process.exit(3)
config.runtimes = { ...config.runtimes, runt: { ...config.runtimes?.runt, path: runt } }
fs.writeFileSync(`${file}.new`, `${JSON.stringify(config, null, 2)}\n`)
fs.renameSync(`${file}.new`, file)
MERGE
}

provision_build() {
  require_node
  install "${build_requirements[@]}"
}

provision_test() {
  require_node
  install "${test_requirements[@]}"
}

provision_vagrant() {
  local status=0
  heading 'system packages'
  install "${vagrant_requirements[@]}"
  install_node
  heading 'runt'
  install_packages
  npm run build
  ln -sf "$PWD/dist/bin/runt" /usr/local/bin/runt
  runt --version
  heading 'Docker'
  register_with_docker /usr/local/bin/runt || status=$?
  case $status in
    0) restart_docker ;;
    3) echo 'runt is registered with Docker' ;;
    *) fail '/etc/docker/daemon.json could not be changed' ;;
  esac
}

restart_docker() {
  if [ ! -d /run/systemd/system ]; then
    echo 'runt is registered with Docker; restart dockerd to use it'
    return
  fi
  systemctl restart docker
  [[ $(docker info --format '{{json .Runtimes}}') = *'"runt"'* ]] || fail 'Docker does not list runt among its runtimes'
  echo 'runt is registered with Docker: docker run --runtime runt …'
}

case ${1:-} in
  build | test | vagrant) ;;
  *) fail 'the role is one of build, test, vagrant' ;;
esac
command -v apt-get > /dev/null || fail 'only Debian and Ubuntu are supported: apt-get is missing'
if [ "$(id -u)" != 0 ]; then
  as_root bash "scripts/${0##*/}" "$1"
  exit
fi
"provision_$1"
