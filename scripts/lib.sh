# What the scripts share: sourced, never run. Sets the working directory to the root of the project.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A heading, so that progress is visible.
heading() {
  if [ -t 1 ]; then printf '\n\033[1m== %s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi
}

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Runs a command as root: at once, or through sudo with the environment kept.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo --preserve-env env "PATH=$PATH" "$@"
  else
    fail "this needs root: run it as root, or install sudo"
  fi
}

# Installs the packages of package-lock.json, unless that was done since it last changed.
install_packages() {
  local stamp=node_modules/.runt-lock
  if cmp -s package-lock.json "$stamp"; then return; fi
  npm ci --no-fund --no-audit
  cp package-lock.json "$stamp"
}

# inputs_hash PATH…: the content of files and folders, of the lock file and the build scripts, and node's version, as one hash.
inputs_hash() {
  {
    node --version
    find package-lock.json scripts/lib.sh scripts/build.sh "$@" -type f -print0 | sort -z | xargs -0 sha256sum
  } | sha256sum
}

# counted LOG: the lines of a log that count, without colours. What a virtual machine ran before it failed itself does not: it was booted
# again, and ran all of it once more (test/vm/suite.sh).
counted() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^== in a machine/ { printf "%s", lines; lines = "" }
    /^ *↻ booted again/ { lines = "" }
    { lines = lines $0 "\n" }
    END { printf "%s", lines }'
}
