// Imports point one way: cli → runtime → compiler → (rootfs, process, cgroups, seccomp, images) → (plan, spec).
// host, errors.ts and bytes.ts are leaves, which all but spec (and plan, for host) may use; spec imports only bytes.ts.

/** Each part of src, and the parts that it may import besides itself. */
const layers = {
  spec: ['bytes'],
  plan: ['errors', 'bytes', 'spec'],
  host: ['errors', 'bytes'],
  rootfs: ['errors', 'bytes', 'plan', 'spec', 'host'],
  process: ['errors', 'bytes', 'plan', 'spec', 'host'],
  cgroups: ['errors', 'bytes', 'plan', 'spec', 'host'],
  seccomp: ['errors', 'bytes', 'plan', 'spec', 'host'],
  images: ['errors', 'bytes', 'spec', 'host'],
  compiler: ['errors', 'bytes', 'plan', 'spec', 'rootfs', 'process', 'cgroups', 'host'],
  runtime: ['errors', 'bytes', 'plan', 'spec', 'compiler', 'rootfs', 'process', 'cgroups', 'seccomp', 'images', 'host'],
  trace: ['errors', 'bytes', 'host'],
  cli: ['errors', 'bytes', 'runtime', 'host', 'spec', 'trace'],
}

/** Files of src itself. */
const files = ['errors', 'bytes']

const of = (name) => (files.includes(name) ? `src/${name}\\.ts$` : `src/${name}/`)

const layerRules = Object.entries(layers).map(([name, allowed]) => ({
  name: `layer-${name}`,
  comment: `src/${name} may import ${[name, ...allowed].join(', ')}`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: `^(${[name, ...allowed].map(of).join('|')})` },
}))

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'files-of-all-are-leaves',
      severity: 'error',
      from: { path: '^src/(errors|bytes)\\.ts$' },
      to: { path: '^src/' },
    },
    { name: 'no-cycle-of-files', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-cycle-of-folders', severity: 'error', scope: 'folder', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'src-imports-only-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench|dist|build)/' },
    },
    {
      name: 'only-declared-packages',
      comment: 'what ships imports only what package.json lists under dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
}
