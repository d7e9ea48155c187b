#!/bin/bash
# Prints the folder in which the tests keep what is expensive to make (a kernel, a Debian root); makes it where it is missing.
set -euo pipefail
cache=${XDG_CACHE_HOME:-/var/cache}/runt-vm
mkdir -p "$cache"
realpath "$cache"
