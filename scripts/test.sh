#!/usr/bin/env bash
# test.sh [STAGE …]: installs what the tests need and runs them all, or only the named stages:
#   build        dist/, and build-asan/ with sanitizers
#   lint         every check that runs none of the code
#   unit         modules alone, and the lifecycle against simulated hosts; no root
#   machine      init with hand-made and hostile plans, and the addon in some commands, under ASAN and UBSAN; the fuzzers for half a minute
#   integration  dist/bin/runt on this machine's kernel, as root
#   node         the same suite with `node dist/cli.js`, but for attacks and interruptions; after `integration` it has run beside it
#   versions     the sources on other versions of Node, in short
#   bench        the short form of the benchmark: dist/bin/runt is not slower than runc
#   daemons      Docker Engine, containerd, Podman and Buildah with runt as their only runtime, what each must do at least
#   images       images that umoci, skopeo, Buildah and Docker Engine made, against what these make of them
#   vm           the suite in a virtual machine with cgroup v2 and all controllers
#   kernel       a part of it on the newest kernel that Debian has, with SELinux, for the code that others do not run
# A stage that fails does not stop the next ones; a stage of tests that runs none has failed.
source "$(dirname "$0")/lib.sh"

all=(build lint unit machine integration node versions bench daemons images vm kernel)
stages=("$@")
[ $# -gt 0 ] || stages=("${all[@]}")

heading 'set-up: system packages and node_modules'
as_root bash scripts/provision.sh test
install_packages

# The stages' output goes through a pipe; ava must not fall back to the signs of a Linux console, which are not counted.
export TERM=dumb
ava=node_modules/.bin/ava
run_lint() { bash scripts/lint.sh; }
run_build() { bash scripts/build.sh && bash scripts/build.sh sanitize; }
run_unit() { "$ava" 'test/{unit,simulated}/**/*.test.ts'; }
run_machine() {
  as_root rm -rf build-asan/reports && mkdir -m 1777 build-asan/reports
  as_root "$ava" 'test/machine/**/*.test.ts' &&
    as_root env RUNT_UNDER_TEST="$PWD/build-asan/runt_sanitized" bash scripts/test-integration.sh \
      test/integration/{run,terminal}.test.ts &&
    no_reports &&
    as_root bash scripts/fuzz.sh 30
}
# A test may expect a command to fail, and not see why it did.
no_reports() {
  if as_root find build-asan/reports -type f -exec cat {} + | grep .; then return 1; fi
}
run_integration() { as_root bash scripts/test-integration.sh; }
run_bench() { as_root bash bench/run.sh --quick; }
# Whoever attacks init, or stops a command at every system call, meets the same code whatever runs the sources: once is enough.
run_node() {
  local files
  mapfile -t files < <(find test/integration -name '*.test.ts' | grep -vE '/(interrupt|matrix|hostile|cve|unpack-killed|faults|soak)[^/]*$' | sort)
  as_root env RUNT_UNDER_TEST="$PWD/dist/cli.js" bash scripts/test-integration.sh "${files[@]}"
}
run_versions() { bash scripts/test-node-versions.sh --short; }
run_daemons() { bash scripts/test-daemons.sh --smoke docker containerd podman buildah; }
run_images() { bash scripts/test-images.sh; }
run_vm() { as_root bash test/vm/suite.sh; }
run_kernel() {
  KERNEL=$(as_root test/vm/newest.sh kernel) || return 1
  as_root env KERNEL="$KERNEL" THREADS=1 APPEND=security=selinux bash test/vm/suite.sh test/integration/{namespaces,mounts,selinux}.test.ts
}

# count PATTERN LOG: how many lines of ava's report match.
count() {
  counted "$2" | grep -cE "$1" || true
}

log=$(mktemp)
beside=$(mktemp)
trap 'rm -f "$log" "$beside"' EXIT
# Both of these take one test after another, on a processor each.
beside_id=''
start_beside() {
  case " ${stages[*]} " in *' integration node '*) ;; *) return ;; esac
  run_node > "$beside" 2>&1 < /dev/null &
  beside_id=$!
}
table=()
total_passed=0
total_failed=0
total_skipped=0
total_repeated=0
total_booted=0

for stage in "${stages[@]}"; do
  declare -F "run_$stage" > /dev/null || fail "unknown stage '$stage': one of ${all[*]}"
  heading "$stage"
  start=$SECONDS
  status=0
  if [ "$stage" = integration ]; then start_beside; fi
  if [ "$stage" = node ] && [ -n "$beside_id" ]; then
    wait "$beside_id" || status=$?
    tee "$log" < "$beside"
  else
    "run_$stage" 2>&1 < /dev/null | tee "$log" || status=$?
  fi
  seconds=$((SECONDS - start))
  result=ok
  [ $status = 0 ] || result="FAILED (status $status)"
  case $stage in
    lint | build | bench)
      tests='-'
      [ $status = 0 ] || total_failed=$((total_failed + 1))
      ;;
    *)
      passed=$(count '^ *✔ ' "$log")
      # A test that was pending when the time was over has failed.
      failed=$(count '^ *(✘ \[fail\]: |◌ )' "$log")
      # A test that notes why it cannot run here ends well.
      skipped=$(count '^ *ℹ skipped: ' "$log")
      passed=$((passed - skipped))
      # One that failed in a loaded virtual machine and passed by itself: test/vm/suite.sh.
      repeated=$(count '^ *↻ passed when repeated: ' "$log")
      failed=$((failed - repeated))
      passed=$((passed + repeated))
      if [ $((passed + failed)) = 0 ]; then result='FAILED (ran no test)'; fi
      # A crash, a time limit or an empty stage has no failed test of its own.
      if [ "$result" != ok ] && [ "$failed" = 0 ]; then failed=1; fi
      if [ "$result" = ok ] && [ "$failed" != 0 ]; then result='FAILED'; fi
      total_passed=$((total_passed + passed))
      total_failed=$((total_failed + failed))
      total_skipped=$((total_skipped + skipped))
      total_repeated=$((total_repeated + repeated))
      tests="$passed passed, $failed failed, $skipped skipped"
      [ "$repeated" = 0 ] || tests+=", $repeated repeated"
      ;;
  esac
  total_booted=$((total_booted + $(grep -cE '^ *↻ booted again' "$log" || true)))
  table+=("$(printf '%-12s %6s s  %-42s %s' "$stage" "$seconds" "$tests" "$result")")
done

heading 'what ran'
printf '%s\n' "${table[@]}"
[ "$total_skipped" = 0 ] || echo "$total_skipped skipped: what this machine cannot run, each with its reason above"
[ "$total_repeated" = 0 ] || echo "$total_repeated passed only when repeated, each named above"
[ "$total_booted" = 0 ] || echo "$total_booted virtual machines failed themselves and were booted again, each named above"
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ]
