#!/bin/bash
# The command on Node with the addon of build-asan/, whose sanitizers end it at the first fault: for RUNT_UNDER_TEST.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cc=$(command -v cc)
export LD_PRELOAD ASAN_OPTIONS=detect_leaks=0
LD_PRELOAD=$("$cc" -print-file-name=libasan.so)
exec "$(command -v node)" --import "$here/sanitized-addon.mjs" "$here/../../dist/cli.js" "$@"
