#!/usr/bin/env bash
# test-faults.sh [sweep.ts's arguments]: every system call of runt's commands made to fail in turn (docs/reliability.md), as root.
#   RUNT_TEST_ENV    vm: this is the project's virtual machine
source "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || fail 'this needs root'
[ -x dist/bin/runt ] || fail "dist/bin/runt is not there: run 'npm run build' first"

set -- node --import tsx test/faults/sweep.ts "$@"
if [ "${RUNT_TEST_ENV:-host}" != vm ]; then set -- bash scripts/with-cgroup2.sh "$@"; fi
exec "$@"
