#!/bin/bash
# The executable of build-asan/, whose sanitizers end it at the first fault: for RUNT_UNDER_TEST. All ends at once with a command: leaks
# are none.
#   RUNT_SANITIZER_REPORTS  a directory for what they say, instead of standard error
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export ASAN_OPTIONS=detect_leaks=0
if [ -n "${RUNT_SANITIZER_REPORTS:-}" ]; then
  ASAN_OPTIONS+=:log_path=$RUNT_SANITIZER_REPORTS/report
  export UBSAN_OPTIONS=log_path=$RUNT_SANITIZER_REPORTS/report
fi
exec "$here/../../build-asan/runt_sanitized" "$@"
