#!/usr/bin/env bash
# lint.sh: every check that reads the sources and runs none of them. Warnings are errors. Runs all checks, then says which failed.
source "$(dirname "$0")/lib.sh"

[ -d node_modules ] || fail "node_modules is missing: run 'npm ci' first"
export PATH=$PWD/node_modules/.bin:$PATH
failed=()
check() {
  local name=$1
  shift
  echo "-- $name"
  "$@" || failed+=("$name")
}

native_files() {
  find native -name '*.cpp' -o -name '*.h' | grep -v '\.gen\.h$' | sort
}

# What is generated must be what the generators write now.
generated_is_fresh() {
  local generator status=0
  for generator in scripts/generate*.ts; do node --import tsx "$generator" --check || status=1; done
  return $status
}

shell_syntax() {
  local file status=0
  while read -r file; do bash -n "$file" || status=1; done < <(find scripts test bench .ci -name '*.sh' -o -path .ci/run)
  return $status
}

# docs/api is what the docstrings say now. Slow, as the next one is.
api_reference() {
  local hash stamp=build/.stamp-api
  hash=$(inputs_hash src docs/api typedoc.json)
  [ "$(cat "$stamp" 2> /dev/null)" != "$hash" ] || return 0
  rm -rf build/api
  typedoc --out build/api --logLevel Warn || return 1
  diff -r -q docs/api build/api || { echo "docs/api is stale: run 'npm run docs'"; return 1; }
  echo "$hash" > "$stamp"
}

# The package's entry points, types and content, as its users' tools see them.
package_is_right() {
  [ -e dist/index.js ] || { echo "dist/ is missing: run 'npm run build' first"; return 1; }
  publint --strict
}

# Slow, so it is skipped when it passed before and nothing that it reads has changed.
clang_tidy() {
  local hash stamp=build/.stamp-tidy
  hash=$(inputs_hash native CMakeLists.txt .clang-tidy)
  [ "$(cat "$stamp" 2> /dev/null)" != "$hash" ] || return 0
  bash scripts/build.sh database > /dev/null || return 1
  # Fuzzers are clang's own, and not in the database.
  native_files | grep '\.cpp$' | grep -v '^native/fuzz/' |
    xargs --max-procs="$(nproc)" --max-args=4 "$(tool clang-tidy)" -p build --quiet 2>&1 |
    { grep -v 'warnings\? generated\.$' || true; } || return 1
  echo "$hash" > "$stamp"
}

# clang-format's output changes from version to version: 14, Debian's and Ubuntu's, where it is there.
tool() {
  command -v "$1-14" || command -v "$1" || fail "$1 is missing: scripts/provision.sh test installs it"
}

# The slowest one, on the processor that the others, one after another, leave free.
tidied=$(mktemp)
trap 'rm -f "$tidied"' EXIT
clang_tidy > "$tidied" 2>&1 &
tidying=$!

check types tsc -p .
# What the executable's engine does not have must not be used: nothing of Node's.
check types-of-src tsc -p tsconfig.src.json
check eslint eslint --max-warnings 0 .
check prettier prettier --check --log-level warn .
check layers depcruise --output-type err src
check generated generated_is_fresh
check conformance node --import tsx scripts/conformance.ts --check
check security-cases node --import tsx scripts/security-cases.ts --check
check native-rules node --import tsx scripts/native-rules.ts
check third-party bash -c "cd third_party/quickjs-ng && sha256sum --check --quiet SHA256SUMS"
check shell shell_syntax
check api api_reference
check package package_is_right
check clang-format bash -c 'xargs "$0" --dry-run -Werror' "$(tool clang-format)" < <(native_files)
check clang-tidy eval 'wait "$tidying" || { cat "$tidied"; false; }'

if [ ${#failed[@]} -gt 0 ]; then fail "failed: ${failed[*]}"; fi
echo 'lint: all checks passed'
