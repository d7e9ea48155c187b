# The release build of the native parts, by node-gyp: build/Release/runt.node, with init embedded. Sanitizers and tools: CMakeLists.txt.
# The lists of sources are shared with it: native/sources.mjs.
{
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
      # dist/bin/runt.
      'target_name': 'runt_launcher',
      'type': 'executable',
      'includes': ['native/freestanding/freestanding.gypi'],
      'sources': ['<!@(node native/sources.mjs launcher)'],
    },
    {
      'target_name': 'runt',
      'type': 'loadable_module',
      'dependencies': ['runt_init'],
      'sources': ['<!@(node native/sources.mjs addon)'],
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
          'action': ['node', 'native/embed.mjs', '<(PRODUCT_DIR)/runt_init', '<(PRODUCT_DIR)/runt_init.stripped', '<@(_outputs)'],
          'process_outputs_as_sources': 1,
        },
      ],
    },
  ],
}
