#!/usr/bin/env bash
# build.sh [STAGE …]: builds what changed; without stages the first four:
#   generate   the sources that are made from tables
#   native     dist/runt.node, and what the executable is linked of (node-gyp)
#   library    dist/*.js and *.d.ts (tsc)
#   binary     dist/bin/runt: the command as one executable
#   database   build/compile_commands.json for clang's tools, and build-asan/ configured (CMake by cmake-js)
#   sanitize   build-asan/: the native parts with sanitizers
# A stage is skipped when nothing it reads has changed and its output is there. RUNT_REBUILD=1 skips none.
source "$(dirname "$0")/lib.sh"

[ -d node_modules ] || fail "node_modules is missing: run 'npm ci' first"
mkdir -p build dist/bin
export PATH=$PWD/node_modules/.bin:$PATH
# One build at a time: two would write the same files.
exec 9> build/.lock
flock 9

# stage NAME OUTPUT INPUT… : runs build_NAME unless nothing changed.
stage() {
  local name=$1 output=$2 stamp=build/.stamp-$1 hash
  shift 2
  hash=$(inputs_hash "$@")
  if [ -z "${RUNT_REBUILD:-}" ] && [ -e "$output" ] && [ "$(cat "$stamp" 2> /dev/null)" = "$hash" ]; then
    echo "$name: up to date"
    return
  fi
  echo "$name: building $output"
  local start=$SECONDS
  rm -f "$stamp"
  "build_$name"
  # What a stage generates may be among its own inputs.
  inputs_hash "$@" > "$stamp"
  echo "$name: done in $((SECONDS - start)) s"
}

# Puts a file in its place at once: whoever runs or maps the old one keeps it.
place() {
  cp "$1" "$2.new"
  chmod 755 "$2.new"
  mv -f "$2.new" "$2"
}

build_generate() {
  local generator
  for generator in scripts/generate*.ts; do node --import tsx "$generator"; done
}

# node-gyp takes its settings from npm's environment before its arguments: native/gyp stands in for node's headers.
build_native() {
  npm_config_nodedir=$PWD/native/gyp JOBS=max node node_modules/node-gyp/bin/node-gyp.js --loglevel=warn configure build
  place build/Release/runt.node dist/runt.node
}

build_library() {
  rm -rf build/library
  node_modules/.bin/tsc -p tsconfig.build.json --outDir build/library
  chmod 755 build/library/cli.js
  # Remove what has no source any more, then put the new files over the old.
  local file
  while read -r file; do
    [ -e "build/library/$file" ] || rm -f "dist/$file"
  done < <(cd dist && find . \( -name '*.js' -o -name '*.d.ts' -o -name '*.json' \) -type f)
  find dist -mindepth 1 -type d -empty ! -path dist/bin -delete
  cp -a --remove-destination build/library/. dist/
}

# dist/bin/runt: QuickJS, the addon, and the modules of src as bytecode, linked to one file that needs libc alone (native/engine).
# --splitting: a command reads only the modules that it needs.
build_binary() {
  local objects=build/Release/obj.target out=build/binary chunks
  rm -rf "$out"
  mkdir -p "$out/modules"
  esbuild src/cli.ts --bundle --splitting --format=esm --platform=neutral --main-fields=module,main --target=es2023 --minify-syntax --minify-whitespace \
    --log-level=warning --define:RUNT_COMMIT="'$(cat build/commit)'" --outdir="$out/modules"
  mapfile -t chunks < <(cd "$out/modules" && find . -name '*.js' -printf '%P\n' | sort)
  build/Release/runt_compile "$out/modules.bin" "$out/modules" "${chunks[@]}"
  node native/embed.mjs "$out/modules.bin" runt_modules "$out/modules.S"
  "${CC:-cc}" -c -o "$out/modules.o" "$out/modules.S"
  "${CXX:-c++}" -o "$out/runt" -pie -s -static-libstdc++ -static-libgcc \
    -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--exclude-libs,ALL \
    "$out/modules.o" $(node native/sources.mjs addon | sed "s|^|$objects/runt/|; s|\.cpp$|.o|") $objects/runt/geni/init_image.o \
    "$objects/runt_engine.a" "$objects/quickjs.a"
  place "$out/runt" dist/bin/runt
}

build_database() {
  node node_modules/cmake-js/bin/cmake-js configure --out build-asan --config Debug --log-level error > build/cmake.log 2>&1 ||
    { cat build/cmake.log >&2; return 1; }
  # A flag of gcc's that clang's tools refuse.
  sed 's/ -fno-tree-loop-distribute-patterns//' build-asan/compile_commands.json > build/compile_commands.json
}

build_sanitize() {
  build_database
  cmake --build build-asan --parallel "$(nproc)"
}

# What `runt --version` tells.
{ git describe --always --dirty --abbrev=12 --match=- 2> /dev/null || echo unknown; } > build/commit

[ $# -gt 0 ] || set -- generate native library binary
for name; do
  case $name in
    generate) stage generate native/common/steps.gen.h scripts/generate*.ts src/plan src/spec src/cgroups native/common docs/resources.md ;;
    native) stage native dist/runt.node binding.gyp native third_party ;;
    library) stage library dist/index.js src tsconfig.json tsconfig.build.json package.json ;;
    binary) stage binary dist/bin/runt src native third_party binding.gyp tsconfig.json package.json build/commit ;;
    database) stage database build/compile_commands.json CMakeLists.txt native ;;
    sanitize) stage sanitize build-asan/runt_sanitized CMakeLists.txt native third_party src ;;
    *) fail "unknown stage '$name'" ;;
  esac
done
