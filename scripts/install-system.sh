#!/usr/bin/env bash
# install-system.sh [uninstall]: puts the command where people and daemons find it, and prints how each daemon of this machine is told
# of it; registers nothing itself. Repeated, it replaces what is there at once: what runs meanwhile keeps its files. As root.
#   PREFIX    where to (/usr/local)
#   DESTDIR   a folder that stands for the root of the machine, for packages
#   NO_BUILD  take dist/ as it is
source "$(dirname "$0")/lib.sh"

prefix=${PREFIX:-/usr/local}
[[ $prefix = /* ]] || fail "PREFIX must be an absolute path, not '$prefix'"
prefix=${prefix%/}
root=${DESTDIR:-}$prefix

# Beside the command, what comes from its table: below $root. Debian's zsh looks for what packages bring in a folder of its own.
manual=share/man/man8/runt.8
zsh_functions=share/zsh/site-functions
[ "$prefix" != /usr ] || zsh_functions=share/zsh/vendor-completions
completions=(
  "bash share/bash-completion/completions/runt"
  "zsh $zsh_functions/_runt"
  "fish share/fish/vendor_completions.d/runt.fish"
)

# As whoever called sudo, so that what is built belongs to them.
as_caller() {
  if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ]; then
    sudo --preserve-env --user "$SUDO_USER" env "PATH=$PATH" "$@"
  else
    "$@"
  fi
}

# Makes folders, whatever the umask is. One that is there keeps its mode: PREFIX may be anybody's own, or sticky.
folders() {
  (umask 022 && mkdir -p -- "$@")
}

# put MODE FILE: standard input becomes a file below $root, all at once.
put() {
  local file=$root/$2
  folders "${file%/*}"
  install -m "$1" /dev/stdin "$file.new"
  mv -fT "$file.new" "$file"
}

install_command() { put 755 bin/runt < dist/bin/runt; }

install_texts() {
  local each
  node --import tsx scripts/manual.ts | put 644 "$manual"
  for each in "${completions[@]}"; do dist/bin/runt completion "${each%% *}" | put 644 "${each#* }"; done
}

uninstall() {
  local each
  rm -f "$root/bin/runt" "$root/$manual"
  for each in "${completions[@]}"; do rm -f "$root/${each#* }"; done
}

case ${1:-install} in
  install) ;;
  uninstall)
    uninstall
    echo "$root: runt is gone. What daemons were told of it has to be taken out by hand."
    exit
    ;;
  *) fail "unknown argument '$1': install or uninstall" ;;
esac

if [ -z "${NO_BUILD:-}" ]; then
  as_caller bash scripts/build.sh
fi
[ -x dist/bin/runt ] || fail "dist/bin/runt is not there: run 'npm ci' and 'npm run build' first"
if ! folders "$root" 2> /dev/null || [ ! -w "$root" ]; then
  fail "$root cannot be written to: run it as root, or set PREFIX to a folder of yours"
fi
install_command
install_texts
echo "$root/bin/runt is installed, with its manual page runt(8) and completions for bash, zsh and fish."
if [ -z "${DESTDIR:-}" ]; then
  echo
  dist/bin/runt doctor --registration "$prefix/bin/runt"
fi
