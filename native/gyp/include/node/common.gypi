# What node-gyp expects of a directory with node's headers (`--nodedir native/gyp`), without those headers:
# the addon uses Node-API alone, whose headers are a pinned npm package. So the build is the same for every node, finds its
# headers however node was installed, and downloads nothing.
{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': {
      'Release': { 'cflags': ['-O2'] },
      'Debug': { 'cflags': ['-O0', '-g'] },
    },
  },
}
