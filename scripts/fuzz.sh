#!/usr/bin/env bash
# fuzz.sh [SECONDS [FUZZER …]]: runs the fuzzers of native/fuzz under ASAN and UBSAN, one after the other, SECONDS in all (default 40). Needs
# root, for owners and devices. Each begins with its corpus in test/fuzz; what it finds beyond stays in build-fuzz/corpus, so that
# the next run goes on from there. An input that fails is left in build-fuzz/failed.
# With `merge` for SECONDS: takes from build-fuzz/corpus into test/fuzz what reaches code that nothing there does.
source "$(dirname "$0")/lib.sh"

seconds=${1:-40}
shift || true
compiler=$(command -v clang++-14 || command -v clang++) || fail "clang++ is missing: scripts/provision.sh test installs it"
mkdir -p build-fuzz/corpus build-fuzz/failed
if [ ! -e build-fuzz/CMakeCache.txt ]; then
  cmake -S . -B build-fuzz -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER="${compiler/clang++/clang}" -DCMAKE_CXX_COMPILER="$compiler" > build-fuzz/cmake.log 2>&1 ||
    { cat build-fuzz/cmake.log >&2; exit 1; }
fi
[ -x build-fuzz/fuzz_plan ] || echo 'fuzz: compiling with sanitizers, which takes some minutes the first time (build-fuzz/build.log)'
cmake --build build-fuzz --target fuzzers --parallel "$(nproc)" > build-fuzz/build.log 2>&1 || { cat build-fuzz/build.log >&2; exit 1; }

fuzzers=("$@")
[ $# -gt 0 ] || mapfile -t fuzzers < <(cd native/fuzz && printf '%s\n' *.cpp | sed 's/\.cpp$//')
# libFuzzer ends a second late, and 0 would mean never. Also the memory and the time of a single input are bounded.
each=1
[ "$seconds" = merge ] || each=$((seconds / ${#fuzzers[@]} - 1))
[ "$each" -gt 0 ] || each=1
failed=()
for name in "${fuzzers[@]}"; do
  program=build-fuzz/fuzz_$name
  [ -x "$program" ] || fail "there is no fuzzer '$name': one of native/fuzz"
  mkdir -p "build-fuzz/corpus/$name" "test/fuzz/$name"
  options=(-rss_limit_mb=1024 -malloc_limit_mb=512 -timeout=20 -max_len=65536 -artifact_prefix="$PWD/build-fuzz/failed/$name-")
  if [ "$seconds" = merge ]; then
    timeout -s KILL 600 "$program" -merge=1 "${options[@]}" "test/fuzz/$name" "build-fuzz/corpus/$name" > "build-fuzz/$name.log" 2>&1 || failed+=("$name")
    continue
  fi
  started=$SECONDS
  if timeout -s KILL $((each + 60)) unshare --pid --fork --kill-child --mount-proc \
    "$program" -max_total_time="$each" -print_final_stats=1 "${options[@]}" "build-fuzz/corpus/$name" "test/fuzz/$name" > "build-fuzz/$name.log" 2>&1; then
    echo "  ✔ fuzzing $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$name.log") inputs in $((SECONDS - started)) s"
  else
    echo "  ✘ [fail]: fuzzing $name"
    tail -n 60 "build-fuzz/$name.log"
    failed+=("$name")
  fi
done
[ ${#failed[@]} = 0 ] || fail "failed: ${failed[*]}"
