#!/bin/bash
# The executable of build-asan/, whose sanitizers end it at the first fault: for RUNT_UNDER_TEST. All ends at once with a command: leaks
# are none.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
export ASAN_OPTIONS=detect_leaks=0
exec "$here/../../build-asan/runt_sanitized" "$@"
