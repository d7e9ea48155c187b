#!/usr/bin/env bash
# test-images.sh [--short]: images that other tools made and saved, and the roots that containers get of them, against what those tools
# make. Their packages are unpacked into the tests' cache and not installed. See test/images/run.ts.
source "$(dirname "$0")/lib.sh"

[ -x dist/bin/runt ] || fail "dist/bin/runt is not there: run 'npm run build' first"
as_root test/daemons/packages.sh > /dev/null
minbase=$(as_root test/minbase.sh)
as_root env MINBASE="$minbase" test/daemons/enter.sh runt "$(node -p process.execPath)" --import tsx test/images/run.ts "$@"
