#!/usr/bin/env bash
# test-integration.sh [ava's arguments]: the integration tests, as root, on this machine's kernel, one after another.
#   RUNT_UNDER_TEST  the command line under test (dist/bin/runt); 'node dist/cli.js', or as a control runc, 'crun --cgroup-manager=disabled'
#   RUNT_TEST_ENV    vm: this is the project's virtual machine, whose mounts are the tests' own
source "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || fail 'this needs root'
[ -n "${RUNT_UNDER_TEST:-}" ] || [ -x dist/bin/runt ] || fail "dist/bin/runt is not there: run 'npm run build' first"

# The virtual machine's TERM is that of a Linux console, for which ava writes other signs than scripts/test.sh counts.
[ -t 1 ] || export TERM=dumb
[ $# -gt 0 ] || set -- 'test/integration/**/*.test.ts'
set -- node_modules/.bin/ava --serial --concurrency 1 "$@"
# The emulated machine is some twenty times slower than this one.
if [ "${RUNT_TEST_ENV:-host}" = vm ]; then set -- "$@" --timeout 10m; else set -- bash scripts/with-cgroup2.sh "$@"; fi
exec "$@"
