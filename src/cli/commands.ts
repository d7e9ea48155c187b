/**
 * The table of commands: their flags, arguments and texts. The parser (parse.ts) and the help (help.ts) both come from it.
 * Plain data, so that a command's own code is loaded only when it is run.
 */
import { bundle, config, globalOptions, helpOption, id, lifecycle, makes } from './lifecycle.ts'
import type { OptionRow } from './parse.ts'
import type { Command } from './table.ts'

const format: OptionRow = {
  name: 'format',
  short: 'f',
  value: 'table|json',
  choices: ['table', 'json'],
  doc: 'form of the output (default: table)',
}

const maxEntries: OptionRow = {
  name: 'max-entries',
  value: 'count',
  number: true,
  doc: 'most files that are looked at (default: 1000000)',
}

const store: OptionRow = {
  name: 'store',
  value: 'dir',
  doc: 'directory of the layers (default: /var/lib/runt, or $XDG_DATA_HOME/runt without root)',
}

const others: readonly Command[] = [
  {
    name: 'completion',
    doc: 'print what bash, zsh or fish needs to complete the commands of runt',
    args: { list: [{ name: 'shell' }], min: 1, max: 1 },
    options: [],
    load: async () => (await import('./completion.ts')).completionOf({ commands, globalOptions, helpOption }),
  },
  {
    name: 'diff',
    doc: 'list what a container changed in the layers of its root',
    args: { list: [id], min: 1, max: 1 },
    options: [
      { ...format, value: 'text|json', choices: ['text', 'json'], doc: 'form of the output (default: text)' },
      maxEntries,
    ],
    load: () => import('./diff.ts'),
  },
  {
    name: 'doctor',
    doc: 'examine what this machine and its daemons offer containers, and say what to mend; does nothing',
    args: { list: [], min: 0, max: 0 },
    options: [
      { ...format, value: 'text|json', choices: ['text', 'json'], doc: 'form of the output (default: text)' },
      {
        name: 'registration',
        value: 'path',
        doc: 'print how each daemon here is told of the runt at this path, no more',
      },
    ],
    load: () => import('./doctor.ts'),
  },
  {
    name: 'events',
    doc: 'print what a container uses, and its OOM kills, as JSON lines, until it ends',
    args: { list: [id], min: 1, max: 1 },
    options: [
      { name: 'interval', value: 'duration', doc: 'time between statistics, as 500ms or 1m30s (default: 5s)' },
      { name: 'stats', doc: 'print the statistics once' },
    ],
    load: () => import('./events.ts'),
  },
  {
    name: 'explain',
    doc: 'print what create would do with a bundle, step by step; does nothing and needs no root',
    args: { list: [{ name: 'container-id', optional: true }], min: 0, max: 1 },
    options: [
      bundle,
      config,
      { name: 'json', doc: 'print the plan as JSON' },
      ...makes.filter(({ name }) => name.startsWith('no-') || name === 'tmpfs-upper'),
    ],
    load: () => import('./explain.ts'),
  },
  {
    name: 'export',
    doc: 'write what a container changed in the layers of its root as a layer of an image',
    args: { list: [id], min: 1, max: 1 },
    options: [
      { name: 'layer', doc: 'as a layer of an image: there is no other form' },
      { name: 'output', short: 'o', value: 'file', doc: 'file to write, or - for standard output (default: -)' },
      {
        name: 'compress',
        value: 'none|gzip|zstd',
        choices: ['none', 'gzip', 'zstd'],
        doc: 'how the layer is compressed (default: none)',
      },
      {
        ...format,
        value: 'text|json',
        choices: ['text', 'json'],
        doc: 'form in which digest and diffID are told (default: text)',
      },
      maxEntries,
      { name: 'max-size', value: 'size', doc: 'most bytes of the layer, uncompressed, as 512m (default: 64g)' },
    ],
    load: () => import('./export.ts'),
  },
  {
    name: 'features',
    doc: 'print what runt carries out of the OCI specification, as JSON; needs no root',
    args: { list: [], min: 0, max: 0 },
    options: [],
    load: () => import('./features.ts'),
  },
  {
    name: 'layers',
    doc: 'list the layers of images in the store, and who uses them',
    args: { list: [], min: 0, max: 0 },
    options: [format, store],
    load: () => import('./layers.ts'),
  },
  {
    name: 'list',
    doc: 'list the containers',
    args: { list: [], min: 0, max: 0 },
    options: [format, { name: 'quiet', short: 'q', doc: 'print only the ids' }],
    load: () => import('./list.ts'),
  },
  {
    name: 'pause',
    doc: 'stop all processes of a container, until resume',
    args: { list: [id], min: 1, max: 1 },
    options: [],
    load: () => import('./pause.ts'),
  },
  {
    name: 'prune',
    doc: 'remove the layers that no bundle and no container uses',
    args: { list: [], min: 0, max: 0 },
    options: [{ name: 'dry-run', doc: 'tell what would be removed, and remove nothing' }, store],
    load: () => import('./prune.ts'),
  },
  {
    name: 'ps',
    doc: 'list the processes of a container',
    args: { list: [id, { name: 'ps options', optional: true, many: true }], min: 1 },
    stopAtArgument: true,
    options: [format],
    load: () => import('./ps.ts'),
  },
  {
    name: 'resume',
    doc: 'let the processes of a paused container go on',
    args: { list: [id], min: 1, max: 1 },
    options: [],
    load: () => import('./resume.ts'),
  },
  {
    name: 'spec',
    doc: 'write a config.json to begin with',
    args: { list: [], min: 0, max: 0 },
    options: [
      { name: 'bundle', short: 'b', value: 'dir', doc: 'directory to write it to (default: the working directory)' },
      { name: 'rootless', doc: 'for a container of a user other than root' },
    ],
    load: () => import('./spec.ts'),
  },
  {
    name: 'top',
    doc: 'show what the containers use, on a terminal again and again',
    args: { list: [{ name: 'container-id', optional: true, many: true }], min: 0 },
    options: [
      { name: 'interval', value: 'duration', doc: 'time between two looks, as 500ms or 1m30s (default: 2s)' },
      {
        name: 'sort',
        value: 'cpu|memory|pids|io|name',
        choices: ['cpu', 'memory', 'pids', 'io', 'name'],
        doc: 'what comes first (default: cpu)',
      },
      {
        name: 'count',
        value: 'number',
        number: true,
        doc: 'print so many tables one below the other; 0: without end (default: 1 where the output is no terminal)',
      },
      format,
    ],
    load: () => import('./top.ts'),
  },
  {
    name: 'unpack',
    doc: 'make a bundle of an image, whose layers go to the store',
    args: { list: [{ name: 'bundle' }], min: 1, max: 1 },
    options: [
      {
        name: 'image',
        value: 'source[:ref]',
        doc: 'OCI layout (a directory or a tar) or archive of "docker save"; - for standard input',
      },
      store,
      { name: 'platform', value: 'os/arch[/variant]', doc: "which of an image's variants (default: this machine's)" },
      { name: 'tty', short: 't', doc: 'give the program a terminal' },
      { name: 'max-entries', value: 'count', number: true, doc: 'most files of a layer (default: 1000000)' },
      { name: 'max-size', value: 'size', doc: 'most bytes of a layer, unpacked, as 512m (default: 64g)' },
    ],
    load: () => import('./unpack.ts'),
  },
  {
    name: 'update',
    doc: 'change the limits of a container',
    args: { list: [id], min: 1, max: 1 },
    options: [
      {
        name: 'resources',
        short: 'r',
        value: 'file',
        doc: 'file with an object as linux.resources of config.json; - for standard input; the other limits are ignored then',
      },
      { name: 'blkio-weight', value: 'weight', doc: 'weight of block devices, 10 to 1000' },
      { name: 'cpu-period', value: 'us', doc: 'microseconds of a period' },
      { name: 'cpu-quota', value: 'us', doc: 'microseconds of processor time in a period; -1: no limit' },
      { name: 'cpu-burst', value: 'us', doc: 'microseconds that may be saved up from earlier periods' },
      { name: 'cpu-share', value: 'shares', doc: 'share of the processors, 1024 being the usual one' },
      { name: 'cpu-rt-period', value: 'us', doc: '', hidden: true },
      { name: 'cpu-rt-runtime', value: 'us', doc: '', hidden: true },
      { name: 'cpuset-cpus', value: 'list', doc: 'processors to run on: 0-3,7' },
      { name: 'cpuset-mems', value: 'list', doc: 'memory nodes to take memory from' },
      { name: 'kernel-memory', value: 'bytes', doc: '', hidden: true },
      { name: 'kernel-memory-tcp', value: 'bytes', doc: '', hidden: true },
      { name: 'memory', value: 'bytes', doc: 'limit of memory, as 512m; -1: none' },
      { name: 'cpu-idle', value: '0|1', doc: '1: run only when nothing else wants to' },
      { name: 'memory-reservation', value: 'bytes', doc: 'memory that is kept for the container' },
      { name: 'memory-swap', value: 'bytes', doc: 'limit of memory and swap together; -1: none' },
      { name: 'pids-limit', value: 'count', doc: 'tasks at most; -1: no limit' },
      { name: 'l3-cache-schema', value: 'schema', doc: 'L3 line of the class of service (Intel RDT)' },
      { name: 'mem-bw-schema', value: 'schema', doc: 'MB line of the class of service (Intel RDT)' },
    ],
    load: () => import('./update.ts'),
  },
  {
    name: 'validate',
    doc: 'tell all problems of a configuration at once, with their lines; does nothing and needs no root',
    args: { list: [{ name: 'bundle-or-file', optional: true }], min: 0, max: 1 },
    options: [
      bundle,
      { ...config, doc: 'configuration to use instead of config.json of the bundle; - for standard input' },
      { name: 'process', short: 'p', value: 'file', doc: 'process object, as of exec --process, to validate instead' },
      { name: 'json', doc: 'print the problems as JSON' },
      { name: 'format', value: 'text|json', choices: ['text', 'json'], doc: '', hidden: true },
    ],
    load: () => import('./validate.ts'),
  },
]

/** All of them, by name. */
export const commands: readonly Command[] = [...lifecycle, ...others].sort((one, other) =>
  one.name < other.name ? -1 : 1,
)

/** What other commands start in a user namespace: nobody else's, so no help lists it. */
export const worker: Command = {
  name: 'inside-user-namespace',
  doc: 'a part of other commands',
  args: { list: [{ name: 'job' }], min: 1, max: 1 },
  options: [],
  load: () => import('./inside.ts'),
}
