#!/usr/bin/env bash
# test-daemons.sh [--smoke] [DAEMON …]: real daemons with runt as their only runtime, feature by feature, and with runc as a control. Writes
# docs/compatibility.md. The daemons' packages are unpacked into the tests' cache and not installed. See test/daemons/run.ts.
source "$(dirname "$0")/lib.sh"

[ -x dist/bin/runt ] || fail "dist/bin/runt is not there: run 'npm run build' first"
as_root test/daemons/packages.sh > /dev/null
as_root node --import tsx test/daemons/run.ts "$@"
