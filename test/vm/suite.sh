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

# in_machine INIT [ava's arguments]: the tests in a machine with that first process. A machine that failed itself, because an emulated
# processor lost its way, is booted once more: what tells the log is not hidden, and counts once (counted in scripts/lib.sh).
in_machine() {
  local init=$1 status=0
  shift
  heading "in a machine with ${init}: $*"
  once_in_machine "$init" "$@" || status=$?
  [ $status = 125 ] || return $status
  echo '  ↻ booted again, for the machine itself failed'
  once_in_machine "$init" "$@"
}
once_in_machine() {
  local init=$1
  shift
  as_root env INIT="$init" test/vm/run "$(printf '%q ' "${command[@]}" "$@")" 2>&1
}

if [ $# -gt 0 ]; then
  in_machine bash "$@"
  exit
fi

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# failures LOG: the tests that failed, or never ended, as ava writes them: "file › title".
failures() {
  counted "$1" | sed -nE 's/^ *(✘ \[fail\]:|◌) //p'
}

# repeat INIT FOLDER LOG: runs the files of a few failed tests again, in a machine that has nothing else to do. Two emulated
# machines on a small computer can keep any process waiting for seconds. What passes now is named on a line of its own, never hidden.
# What they print is marked, so that nobody counts a test twice.
repeat() {
  local init=$1 folder=$2 log=$3 name files=()
  local titles
  titles=$(failures "$log")
  if [ -z "$titles" ] || [ "$(wc -l <<< "$titles")" -gt 4 ]; then return 1; fi
  for name in $(sed 's/ › .*//' <<< "$titles" | sort -u); do
    [ ! -f "$folder/$name.test.ts" ] || files+=("$folder/$name.test.ts")
  done
  [ ${#files[@]} -gt 0 ] || return 1
  heading "once more, by themselves: ${files[*]}"
  in_machine "$init" "${files[@]}" 2>&1 | sed 's/^/again | /' || return 1
  sed 's/^/  ↻ passed when repeated: /' <<< "$titles"
}

# An emulated machine makes use of little more than one processor, as the tests run one after another: two machines take every
# other file each, and what the second one says follows.
# Files that say so are left out: what is emulated takes 20 times as long.
left_out='^// Not in the virtual machine: '
mapfile -t files < <(find test/integration -name '*.test.ts' -exec grep -LE "$left_out" {} + | sort)
find test/integration -name '*.test.ts' -exec grep -E "$left_out" {} + | sed -E "s|^([^:]*):// N|  left out: \1, n|" | sort
first=()
second=()
for index in "${!files[@]}"; do
  if [ $((index % 2)) = 0 ]; then first+=("${files[index]}"); else second+=("${files[index]}"); fi
done
first_status=0
second_status=0
in_machine bash "${second[@]}" > "$logs/second" 2>&1 &
other=$!
in_machine bash "${first[@]}" 2>&1 | tee "$logs/first" || first_status=$?
wait "$other" || second_status=$?
cat "$logs/second"
# What needs systemd, in a machine that has booted it.
systemd_status=0
in_machine systemd 'test/systemd/**/*.test.ts' 2>&1 | tee "$logs/systemd" || systemd_status=$?

status=0
if [ $first_status != 0 ]; then repeat bash test/integration "$logs/first" || status=$first_status; fi
if [ $second_status != 0 ]; then repeat bash test/integration "$logs/second" || status=$second_status; fi
if [ $systemd_status != 0 ]; then repeat systemd test/systemd "$logs/systemd" || status=$systemd_status; fi
exit "$status"
