# The release build of the native parts, by node-gyp: build/Release/runt.node, with init embedded. Sanitizers and tools: CMakeLists.txt.
# The lists of sources are shared with it: native/sources.mjs.
{
  # Of all but init, which is freestanding.
  'variables': {
    'hardened': ['-fstack-protector-strong', '-fstack-clash-protection', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'],
  },
  'target_defaults': {
    'cflags': ['-Wall', '-Wextra', '-Werror', '-Wswitch-enum', '-fvisibility=hidden', '-ffunction-sections', '-fdata-sections'],
    'cflags_cc': ['-std=c++20', '-fvisibility-inlines-hidden'],
    'defines': ['_GNU_SOURCE'],
  },
  'targets': [
    {
      # The machine that runs plans.
      'target_name': 'runt_init',
      'type': 'executable',
      'includes': ['native/freestanding/freestanding.gypi'],
      'sources': ['<!@(node native/sources.mjs init)'],
    },
    {
      # The JavaScript engine of the executable, as its authors publish it.
      'target_name': 'quickjs',
      'type': 'static_library',
      'cflags!': ['-Wall', '-Wextra', '-Werror', '-Wswitch-enum'],
      # NDEBUG as in its own releases: else each read of bytecode also asks whether it is to be printed, and strings are chained up.
      'cflags': ['-w', '<@(hardened)'],
      'configurations': { 'Release': { 'cflags!': ['-O2'], 'cflags': ['-O3'] } },
      'defines': ['QUICKJS_NG_BUILD', 'NDEBUG'],
      'sources': ['<!@(node native/sources.mjs quickjs)'],
    },
    {
      # Compiles modules to bytecode when the executable is built: scripts/build.sh.
      'target_name': 'runt_compile',
      'type': 'executable',
      'dependencies': ['quickjs'],
      'sources': ['native/engine/compile.cpp'],
      'libraries': ['-lm'],
    },
    {
      # What the executable has beside the addon and the modules.
      'target_name': 'runt_engine',
      'type': 'static_library',
      'sources': ['<!@(node native/sources.mjs engine)'],
      'cflags': ['<@(hardened)'],
      'defines': ['NAPI_VERSION=8', 'BUILDING_NODE_EXTENSION'],
      'cflags_cc': ['-isystem', '<!(node -p "require(\'node-api-headers\').include_dir")'],
    },
    {
      'target_name': 'runt',
      'type': 'loadable_module',
      'dependencies': ['runt_init'],
      'sources': ['<!@(node native/sources.mjs addon)'],
      'cflags': ['<@(hardened)'],
      # 8: what Node 20 and Bun both have. Exceptions are node-addon-api's way to JavaScript errors; none crosses Node-API.
      'defines': ['NAPI_VERSION=8', 'NAPI_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      'cflags_cc': [
        '-fexceptions',
        '-isystem', '<!(node -p "require(\'node-api-headers\').include_dir")',
        '-isystem', '<!(node -p "path.dirname(require.resolve(\'node-addon-api\'))")',
      ],
      'ldflags': ['-static-libstdc++', '-static-libgcc', '-Wl,--gc-sections', '-Wl,-z,relro', '-Wl,-z,now', '-Wl,--exclude-libs,ALL', '-s'],
      'actions': [
        {
          'action_name': 'embed_init',
          'inputs': ['native/embed.mjs', '<(PRODUCT_DIR)/runt_init'],
          'outputs': ['<(INTERMEDIATE_DIR)/init_image.S'],
          'action': ['node', 'native/embed.mjs', '--strip', '<(PRODUCT_DIR)/runt_init', 'runt_init_image', '<@(_outputs)'],
          'process_outputs_as_sources': 1,
        },
      ],
    },
  ],
}
