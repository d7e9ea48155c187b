#!/bin/bash
# controls.sh [ava's arguments]: integration tests against runc and crun of Debian's newest suite, one after the other, to see where they
# do not do what runt does (docs/conformance.md, Differences). Tests that fail are no failure of this script.
#   RUNTIMES  which command lines ('runc' and 'crun', on this machine without cgroups)
#   VM        1: in the virtual machine, with all controllers
#   SUITES    as for newest.sh
source "$(dirname "$0")/../../scripts/lib.sh"

[ $# -gt 0 ] || set -- test/integration/{run,lifecycle,matrix,conformance,exec,process,namespaces,mounts,terminal}.test.ts
runtimes=$(as_root test/vm/newest.sh runtimes)
if [ -z "${RUNTIMES:-}" ]; then
  RUNTIMES=$'runc\ncrun'
  [ -n "${VM:-}" ] || RUNTIMES+=' --cgroup-manager=disabled'
fi
while read -r runtime <&3; do
  heading "$runtime of Debian's newest suite"
  status=0
  command=(env "RUNT_UNDER_TEST=$runtime" bash test/vm/with-newest.sh "$runtimes" bash scripts/test-integration.sh "$@")
  if [ -n "${VM:-}" ]; then
    command=("${command[0]}" RUNT_TEST_ENV=vm "${command[@]:1}")
    TIMEOUT=${TIMEOUT:-2400} as_root test/vm/run "$(printf '%q ' "${command[@]}")" || status=$?
  else
    as_root timeout "${TIMEOUT:-900}" "${command[@]}" || status=$?
  fi
  [ "$status" -lt 124 ] || fail "the tests did not end by themselves (status $status)"
done 3<<< "$RUNTIMES"
