#!/bin/bash
# suite.sh [ava's arguments]: the integration tests in the virtual machine, and without arguments those with systemd as well; the exit
# status is theirs. See scripts/test-integration.sh.
#   RUNT_UNDER_TEST  the command line under test, as there
#   TIMEOUT          seconds until the machine is killed (3600)
source "$(dirname "$0")/../../scripts/lib.sh"

# Made here, for the machine has no network.
as_root test/minbase.sh > /dev/null
export TIMEOUT=${TIMEOUT:-3600}
command=(env RUNT_TEST_ENV=vm)
[ -z "${RUNT_UNDER_TEST:-}" ] || command+=("RUNT_UNDER_TEST=$RUNT_UNDER_TEST")
command+=(bash scripts/test-integration.sh)

# in_machine INIT [ava's arguments]: the tests in a machine with that first process.
in_machine() {
  local init=$1
  shift
  as_root env INIT="$init" test/vm/run "$(printf '%q ' "${command[@]}" "$@")"
}

status=0
if [ $# -gt 0 ]; then
  in_machine bash "$@" || status=$?
  exit "$status"
fi

# An emulated machine makes use of little more than one processor, as the tests run one after another: two machines take every
# other file each, and what the second one says follows.
mapfile -t files < <(find test/integration -name '*.test.ts' | sort)
first=()
second=()
for index in "${!files[@]}"; do
  if [ $((index % 2)) = 0 ]; then first+=("${files[index]}"); else second+=("${files[index]}"); fi
done
output=$(mktemp)
trap 'rm -f "$output"' EXIT
in_machine bash "${second[@]}" > "$output" 2>&1 &
other=$!
in_machine bash "${first[@]}" || status=$?
wait "$other" || status=$?
cat "$output"
# What needs systemd, in a machine that has booted it.
in_machine systemd 'test/systemd/**/*.test.ts' || status=$?
exit "$status"
