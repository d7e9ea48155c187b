#!/usr/bin/env bash
# test-sanitized.sh [FILE …]: the integration tests with the whole executable under ASAN and UBSAN (build-asan/runt_sanitized), one file
# at a time, each in a pid namespace of its own, with which all that it left behind ends. Without files: all of test/integration.
#   PATIENCE  seconds until a file is ended (1800)
# A file that fails does not stop the next ones; those that failed are named at the end. What a sanitizer found is in build/sanitized, in the
# directory of its file.
source "$(dirname "$0")/lib.sh"

for file; do [ -f "$file" ] || fail "$file is no test's file: npm run test:sanitized [-- FILE …]"; done
[ "$(id -u)" = 0 ] || fail 'this needs root'
bash scripts/build.sh
bash scripts/build.sh sanitize
[ $# -gt 0 ] || set -- test/integration/*.test.ts
mkdir -p build/sanitized
start=$SECONDS
failed=()
for file; do
  name=$(basename "$file" .test.ts)
  log=build/sanitized/$name.log
  reports=build/sanitized/$name
  rm -rf "$reports" build-asan/reports
  # For every user: some tests run commands as others than root.
  mkdir -m 1777 build-asan/reports
  began=$SECONDS
  status=0
  # The shell stays, and reaps what has lost its parent.
  RUNT_UNDER_TEST=$PWD/build-asan/runt_sanitized TERM=dumb \
    timeout -s KILL "${PATIENCE:-1800}" unshare --pid --fork --kill-child --mount-proc \
    bash -c 'bash scripts/test-integration.sh "$@"; exit' bash "$file" --timeout 10m > "$log" 2>&1 || status=$?
  # A test may expect a command to fail, and not see why it did.
  mv build-asan/reports "$reports"
  found=$(find "$reports" -type f | wc -l)
  passed=$(grep -c '^ *✔ ' "$log" || true)
  printf '%-28s %4s s  %3s passed  %s\n' "$name" $((SECONDS - began)) "$passed" "$([ "$status" = 0 ] && echo ok || echo "status $status")$([ "$found" = 0 ] || echo ", $found reports in $reports")"
  if [ "$status" != 0 ] || [ "$found" != 0 ]; then failed+=("$name ($log)"); fi
done
echo "$# files in $((SECONDS - start)) s"
[ ${#failed[@]} = 0 ] || fail "failed: ${failed[*]}"
