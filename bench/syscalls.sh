#!/usr/bin/env bash
# npm run bench:syscalls: see syscalls.ts.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo 'bench: this needs root' >&2; exit 1; }
[ -x dist/bin/runt ] || { echo "bench: dist/bin/runt is not there: run 'npm run build' first" >&2; exit 1; }
exec bash scripts/with-cgroup2.sh node --import=tsx bench/syscalls.ts "$@"
