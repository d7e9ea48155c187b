#!/bin/bash
# controls.sh [ava's arguments]: integration tests in the virtual machine against runc and crun of Debian's newest suite, one after the
# other, to see where they do not do what runt does (docs/conformance.md, Differences). The exit status says whether the tests ran.
#   RUNTIMES  which (runc crun)
#   SUITES    as for newest.sh
#   OUT       folder that receives the reports, runc.log and crun.log (printed otherwise)
source "$(dirname "$0")/../../scripts/lib.sh"

read -ra names <<< "${RUNTIMES:-runc crun}"
[ $# -gt 0 ] || set -- test/integration/{run,lifecycle,matrix,exec,process,namespaces,mounts,terminal}.test.ts
runtimes=$(as_root test/vm/newest.sh runtimes)
as_root test/minbase.sh > /dev/null

# Their C library takes the place of the guest's, which is an older one of the same kind: everything else runs on it too. Copied by a
# static program, for no other could start while half of it is new.
for name in "${names[@]}"; do
  command=(env RUNT_TEST_ENV=vm "RUNT_UNDER_TEST=$name" bash scripts/test-integration.sh "$@")
  heading "$name of Debian's newest suite"
  log=/dev/stdout
  [ -z "${OUT:-}" ] || log=$OUT/$name.log
  TIMEOUT=${TIMEOUT:-2400} as_root test/vm/run "
    busybox cp -a $(printf %q "$runtimes")/usr/. /usr/ && hash -r && $name --version | head -n 1
    $(printf '%q ' "${command[@]}")" > "$log" || status=$?
  # Tests that fail are the point; a machine that fails is not.
  [ "${status:=0}" -lt 124 ] || fail "the virtual machine failed with status $status"
done
