#!/usr/bin/env bash
# format.sh: formats TypeScript and C++, and mends what eslint can mend.
source "$(dirname "$0")/lib.sh"

export PATH=$PWD/node_modules/.bin:$PATH
eslint --fix . || true
prettier --write --log-level warn .
find native \( -name '*.cpp' -o -name '*.h' \) ! -name '*.gen.h' -print0 |
  xargs -0 "$(command -v clang-format-14 || command -v clang-format)" -i
