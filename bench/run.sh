#!/usr/bin/env bash
# npm run bench [-- OPTION …]: see main.ts, or `npm run bench -- --help`. What a broken run leaves ends with its namespaces of processes
# and mounts; bash is the first process of them, which buries the orphans that containers are.
set -euo pipefail
cd "$(dirname "$0")/.."
for argument in "$@"; do
  # Neither measures anything.
  [[ $argument != --help && $argument != --render ]] || exec node --import=tsx bench/main.ts "$@"
done
[ "$(id -u)" = 0 ] || { echo 'bench: this needs root' >&2; exit 1; }
[ -x dist/bin/runt ] || { echo "bench: dist/bin/runt is not there: run 'npm run build' first" >&2; exit 1; }
exec bash scripts/with-cgroup2.sh unshare --pid --fork --kill-child --mount-proc bash -c '
  node --import=tsx bench/main.ts "$@"
  exit $?' bash "$@"
