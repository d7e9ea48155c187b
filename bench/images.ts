/**
 * `npm run bench:images [-- [ROUNDS] [--docs]]`, as root: how long `unpack` of an image of some 300 MB takes, against `umoci unpack` and
 * `docker load`, each with an empty store, by turns; and how long `run` of a program that does nothing takes with a root of 1, 10 and 100
 * layers, against runc and crun with such a root mounted by mount(8) beforehand, and all of them with a plain directory. Prints
 * tables, writes build/bench-images.json, and with --docs docs/images.md. bench/images.sh gives it the other tools.
 *   RUNT_BENCH_DIR  on what filesystem (/var/tmp); a tmpfs leaves the disk out of it
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultSpec } from '../src/spec/default.ts'
import { Docker } from '../test/daemons/docker.ts'
import { call, intoPage, makeTrue, summary, table, Timer, type Run, type Summary } from './measure.ts'

const project = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const rounds = Number(words.find((word) => /^\d+$/.test(word)) ?? 7)
const startRounds = rounds * 10
const restMs = 20
const runt = realpathSync('/usr/bin/runt')
// A disk, to which all goes that is unpacked, unless another place is named.
const dir = mkdtempSync(path.join(process.env.RUNT_BENCH_DIR ?? '/var/tmp', 'runt-bench-'))
const timer = new Timer(dir)

/** Files of an application: text that gzip makes a third of, and large ones. */
const generate = `
import os, random, sys
root, small, large = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(7)
os.makedirs(f'{root}/app')
words = [bytes(random.choices(range(97, 123), k=random.randint(2, 12))) for _ in range(4000)]
text = b' '.join(random.choices(words, k=400000))
for i in range(small):
    folder = f'{root}/app/{i % 40}/{i % 97}'
    os.makedirs(folder, exist_ok=True)
    at = random.randrange(len(text) - 20000)
    with open(f'{folder}/{i}', 'wb') as file:
        file.write(text[at:at + int(random.expovariate(1 / 3500)) % 20000])
for i in range(large):
    with open(f'{root}/app/large{i}', 'wb') as file:
        for _ in range(8):
            file.write(random.randbytes(1 << 20) + text[:3 << 19])
`

interface Images {
  readonly layout: string
  readonly archive: string
  readonly megabytes: number
  readonly files: number
}

/** An image of Debian and two layers upon it, as a layout compressed by gzip, and as `docker save` writes it. */
function makeImage(docker: (...args: string[]) => string): Images {
  const [layout, archive] = [path.join(dir, 'layout'), path.join(dir, 'saved.tar')]
  const roots = [process.env.MINBASE!, path.join(dir, 'small'), path.join(dir, 'large')]
  const count = roots.map((root, index) => {
    if (index > 0) {
      mkdirSync(root)
      call('python3', ['-c', generate, root, ...(index === 1 ? ['20000', '0'] : ['0', '3'])])
    }
    return call('find', [root, '-printf', '%s %y\\n'])
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
  })
  call('umoci', ['init', '--layout', layout])
  call('umoci', ['new', '--image', `${layout}:web`])
  const tar = path.join(dir, 'layer.tar')
  for (const root of roots) {
    call('tar', ['-C', root, '--numeric-owner', '-cf', tar, '.'])
    call('umoci', ['raw', 'add-layer', '--image', `${layout}:web`, tar])
  }
  call('umoci', ['config', '--image', `${layout}:web`, '--config.cmd', '/bin/true'])
  const copied = path.join(dir, 'copied.tar')
  call('skopeo', ['--insecure-policy', 'copy', '--quiet', `oci:${layout}:web`, `docker-archive:${copied}:web:1`])
  docker('load', '--input', copied)
  docker('save', '--output', archive, 'web:1')
  docker('rmi', 'web:1')
  call('rm', ['-rf', tar, copied, ...roots.slice(1)])
  const all = count.flat()
  const bytes = all.reduce((sum, [size, type]) => sum + (type === 'f' ? Number(size) : 0), 0)
  return { layout, archive, megabytes: bytes / 2 ** 20, files: all.length }
}

/** One way to unpack, into an empty store. */
interface Way {
  readonly name: string
  readonly source: string
  readonly command: string
  /** Before and after each run, and not measured. */
  readonly clean: () => void
  /** Of a daemon that does the work: its most memory since `clean`, in MB. */
  readonly daemon?: () => number
}

function waysOf(images: Images, docker: Docker, client: (...args: string[]) => string): Way[] {
  const target = path.join(dir, 'target')
  const empty = () => call('rm', ['-rf', target, path.join(dir, 'store')])
  const withRunt = (image: string) => `${runt} unpack --store ${path.join(dir, 'store')} --image ${image} ${target}`
  const [layout, archive] = ['a layout, gzip', 'docker save']
  const dockerd = () => `/proc/${readFileSync(path.join(docker.dir, 'pid'), 'utf8').trim()}`
  return [
    { name: 'runt', source: layout, command: withRunt(`${images.layout}:web`), clean: empty },
    { name: 'umoci', source: layout, command: `umoci unpack --image ${images.layout}:web ${target}`, clean: empty },
    { name: 'runt', source: archive, command: withRunt(images.archive), clean: empty },
    {
      name: 'docker load',
      source: archive,
      command: `docker --host ${docker.address} load --input ${images.archive}`,
      clean: () => {
        if (client('images', '--quiet') !== '') client('rmi', 'web:1')
        // proc(5): the most memory counts from now on.
        writeFileSync(`${dockerd()}/clear_refs`, '5')
      },
      daemon: () => Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(`${dockerd()}/status`, 'utf8'))![1]) / 1024,
    },
  ]
}

interface Unpacked extends Summary {
  readonly name: string
  readonly source: string
  /** Milliseconds until what the command left in memory is on the disk: sync(1) right after it. */
  readonly sync: number
}

/** By turns; the first round fills the page cache and does not count. */
function measureUnpacking(ways: readonly Way[]): Unpacked[] {
  const runs = ways.map((): Run[] => [])
  const syncs = ways.map((): Run[] => [])
  for (let round = 0; round <= rounds; round++) {
    ways.forEach(({ command, clean, daemon }, index) => {
      clean()
      call('sync', ['-f', dir])
      const [run] = timer.run(1, restMs, [command])[0]!
      const memory = Math.max(run!.memory, daemon?.() ?? 0)
      const [sync] = timer.run(1, 0, [`sync -f ${dir}`])[0]!
      clean()
      if (round === 0) return
      runs[index]!.push({ ...run!, memory })
      syncs[index]!.push(sync!)
    })
  }
  return ways.map(({ name, source }, index) => {
    return { name, source, ...summary(runs[index]!), sync: summary(syncs[index]!).median }
  })
}

const counts = [1, 10, 100]

/** Layers, each with files of its own; the lowest has the program. */
function makeLayers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const layer = path.join(dir, 'layers', String(index))
    mkdirSync(path.join(layer, 'etc', String(index)), { recursive: true })
    writeFileSync(path.join(layer, 'etc/layer'), String(index))
    return layer
  })
}

function makeBundle(name: string, rootfs: string, annotations?: Record<string, string>): string {
  const bundle = path.join(dir, 'bundles', name)
  mkdirSync(bundle, { recursive: true })
  const spec = defaultSpec()
  // Older runtimes refuse a version that they do not know.
  spec.ociVersion = '1.0.2'
  spec.root = { path: rootfs }
  spec.process!.terminal = false
  spec.process!.args = ['/bin/true']
  if (annotations !== undefined) spec.annotations = annotations
  writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec))
  return bundle
}

interface Started extends Summary {
  readonly name: string
  /** 0: a plain directory. */
  readonly layers: number
}

function measureStart(): Started[] {
  const layers = makeLayers(Math.max(...counts))
  const base = layers[0]!
  for (const name of ['bin', 'proc', 'sys', 'dev']) mkdirSync(path.join(base, name))
  makeTrue(path.join(base, 'bin/true'))
  const plain = makeBundle('plain', base)
  const mounted: string[] = []
  const rows: { name: string; layers: number; command: string }[] = []
  const runtimes = Object.entries({ runt, runc: 'runc', crun: 'crun --cgroup-manager=disabled' })
  const add = (name: string, command: string, count: number, bundle: string) => {
    const state = path.join(dir, `state-${name}`)
    rows.push({ name, layers: count, command: `${command} --root ${state} run --bundle ${bundle} bench-{}` })
  }
  try {
    for (const [name, command] of runtimes) add(name, command, 0, plain)
    for (const count of counts) {
      const used = layers.slice(0, count)
      const own = path.join(dir, 'mounted', String(count))
      for (const part of ['root', 'upper', 'work']) mkdirSync(path.join(own, part), { recursive: true })
      const lower = used.map((_, index) => index).reverse()
      const options = `lowerdir=${lower.join(':')},upperdir=${own}/upper,workdir=${own}/work`
      const script = 'cd "$1" && exec mount -t overlay overlay -o "$2" "$3"'
      call('sh', ['-c', script, 'sh', path.join(dir, 'layers'), options, `${own}/root`])
      mounted.push(`${own}/root`)
      const annotations = { 'io.runt.layers': JSON.stringify(used), 'io.runt.store': path.join(dir, 'store') }
      const layered = makeBundle(`layers-${count}`, 'empty', annotations)
      mkdirSync(path.join(layered, 'empty'))
      const before = makeBundle(`mounted-${count}`, `${own}/root`)
      for (const [name, command] of runtimes) add(name, command, count, name === 'runt' ? layered : before)
    }
    const runs = timer.run(
      startRounds + 1,
      restMs,
      rows.map(({ command }) => command),
    )
    return rows.map(({ name, layers: count }, index) => ({ name, layers: count, ...summary(runs[index]!.slice(1)) }))
  } finally {
    for (const root of mounted) call('umount', [root])
  }
}

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(2)

function unpackTable(rows: readonly Unpacked[]): string {
  const cells = rows.map(({ name, source, median, low, high, memory, sync }) => {
    const ours = rows.find((row) => row.name === 'runt' && row.source === source)!
    const spread = `${seconds(low)} … ${seconds(high)}`
    const ratio = (ours.median / median).toFixed(2)
    return [
      `${source}: ${name}`,
      seconds(median),
      spread,
      name === 'runt' ? '' : ratio,
      seconds(sync),
      memory.toFixed(0),
    ]
  })
  return table(['source: command', 'median s', '10 % … 90 %', 'runt takes ×', 'sync after it, s', 'peak MB'], cells)
}

function startTable(rows: readonly Started[]): string {
  const of = (name: string, layers: number) => rows.find((row) => row.name === name && row.layers === layers)!
  const names = [...new Set(rows.map(({ name }) => name))]
  const cells = [0, ...counts].map((count) => {
    const each = names.map((name) => {
      const { median, low, high } = of(name, count)
      return `${median.toFixed(1)} (${low.toFixed(1)} … ${high.toFixed(1)})`
    })
    const ratios = [
      of('runt', count).median / of('runt', 0).median,
      of('runt', count).median / of('runc', count).median,
    ]
    const root = count === 0 ? 'a directory' : `${count} layer${count === 1 ? '' : 's'}`
    return [root, ...each, ...ratios.map((ratio) => ratio.toFixed(2))]
  })
  const head = names.map((name) => `${name} ms${name === 'runt' ? '' : ', mounted before'}`)
  return table(['root', ...head, 'runt × its directory', 'runt × runc'], cells)
}

const setting = { runtime: 'runt', executable: runt, where: 'host', smoke: true, work: dir } as const
const docker = new Docker(setting, 'docker', { args: ['--bridge=none', '--iptables=false'] })
const client = (...args: string[]) => call('docker', ['--host', docker.address, ...args])
try {
  await docker.start()
  const images = makeImage(client)
  const unpacked = measureUnpacking(waysOf(images, docker, client))
  await docker.stop()
  const started = measureStart()
  const { megabytes, files } = images
  const results = { megabytes, files, unpacked, started }
  mkdirSync(path.join(project, 'build'), { recursive: true })
  writeFileSync(path.join(project, 'build/bench-images.json'), `${JSON.stringify(results, null, 2)}\n`)
  const text = [
    `Unpacking an image of three layers, ${megabytes.toFixed(0)} MB in ${files} files, with an empty store; ${rounds} rounds:`,
    unpackTable(unpacked),
    `\`run\` of a program that does nothing, ${startRounds} rounds:`,
    startTable(started),
  ].join('\n\n')
  console.log(`\n${text}`)
  if (words.includes('--docs')) intoPage(path.join(project, 'docs/images.md'), 'npm run bench:images', text)
} finally {
  await docker.stop()
  rmSync(dir, { recursive: true, force: true })
}
process.exit(0)
