#!/usr/bin/env bash
# test-integration.sh [ava's arguments]: the integration tests, as root, on this machine's kernel, one after another.
#   RUNT_UNDER_TEST  the command under test (dist/bin/runt)
#   RUNT_TEST_ENV    vm: this is the project's virtual machine, whose mounts are the tests' own
# Elsewhere they run in a private mount namespace, with cgroup v2 on /sys/fs/cgroup where the machine has the hybrid layout.
source "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || fail 'this needs root'
RUNT_UNDER_TEST=$(realpath "${RUNT_UNDER_TEST:-dist/bin/runt}")
export RUNT_UNDER_TEST
[ -x "$RUNT_UNDER_TEST" ] || fail "$RUNT_UNDER_TEST is not there: run 'npm run build' first"

if [ "${RUNT_TEST_ENV:-host}" != vm ] && [ -z "${RUNT_TEST_NAMESPACE:-}" ]; then
  RUNT_TEST_NAMESPACE=1 exec unshare --mount --propagation slave -- bash "$PWD/scripts/test-integration.sh" "$@"
fi
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  mount -t cgroup2 none /sys/fs/cgroup
fi
[ $# -gt 0 ] || set -- 'test/integration/**/*.test.ts'
exec node_modules/.bin/ava --serial --concurrency 1 "$@"
