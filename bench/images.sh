#!/usr/bin/env bash
# npm run bench:images [-- [ROUNDS] [--docs]]: see images.ts. The other tools' packages are unpacked into the tests' cache.
source "$(dirname "$0")/../scripts/lib.sh"

[ "$(id -u)" = 0 ] || fail 'this needs root'
[ -x dist/bin/runt ] || fail "dist/bin/runt is not there: run 'npm run build' first"
test/daemons/packages.sh > /dev/null
minbase=$(test/minbase.sh)
exec env MINBASE="$minbase" test/daemons/enter.sh runc "$(node -p process.execPath)" --import tsx bench/images.ts "$@"
