#!/usr/bin/env bash
# test-soak.sh [OPTION …]: see test/soak/main.ts, or --help. What a broken run leaves ends with its namespaces of processes and mounts, and
# its cgroups are removed here; bash is the first process of them, which buries the orphans that containers are.
#   RUNT_UNDER_TEST  the command line under test, as for scripts/test-integration.sh
#   PATIENCE         seconds until all is ended (3600)
source "$(dirname "$0")/lib.sh"

for argument in "$@"; do
  [ "$argument" != --help ] || exec node --import=tsx test/soak/main.ts --help
done
[ "$(id -u)" = 0 ] || fail 'this needs root'
[ -n "${RUNT_UNDER_TEST:-}" ] || [ -x dist/bin/runt ] || fail "dist/bin/runt is not there: run 'npm run build' first"
SOAK_PREFIX=soak-$$-$(od -An -N3 -tx1 /dev/urandom | tr -d ' ')-
PATIENCE=${PATIENCE:-3600}
export SOAK_PREFIX PATIENCE
exec bash scripts/with-cgroup2.sh bash -c '
  status=0
  timeout -s KILL "$PATIENCE" unshare --pid --fork --kill-child --mount-proc bash -c "node --import=tsx test/soak/main.ts \"\$@\"; exit" bash "$@" || status=$?
  find /sys/fs/cgroup -depth -mindepth 1 -maxdepth 3 -type d -path "/sys/fs/cgroup/$SOAK_PREFIX*" -exec rmdir {} + 2> /dev/null
  exit "$status"' bash "$@"
