/** What the comparisons of images have in common: images made with umoci, and trees told and compared entry by entry. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('.', import.meta.url))
const most = 1 << 30

/** One file of a tree, as tree.py tells it. */
export type Entry = Readonly<Record<string, unknown>>
/** By path, '' being the root. */
export type Tree = ReadonlyMap<string, Entry>

/** Runs a program, which must succeed. @returns standard output */
export function call(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: most, env: { ...process.env, ...env } })
  if (result.status === 0) return result.stdout
  throw new Error(
    `${[file, ...args].join(' ')}: ${result.error?.message ?? `status ${result.status}`}\n${result.stdout}${result.stderr}`,
  )
}

/** A directory, a tar, or the root of a container that has this process id. */
export function treeOf(how: 'directory' | 'container' | 'tar', what: string): Tree {
  return new Map(
    Object.entries(JSON.parse(call('python3', [path.join(folder, 'tree.py'), how, what])) as Record<string, Entry>),
  )
}

/** The steps of change.py, each of which is a layer. */
export const steps = ['one', 'two', 'three'] as const

/** @param simple for layers of umoci that Docker loads, see there */
export function change(root: string, step: (typeof steps)[number], simple = false): void {
  call('python3', [path.join(folder, 'change.py'), root, step, ...(simple ? ['simple'] : [])])
}

/** A difference that is right, and why. */
export interface Allowed {
  readonly why: string
  readonly covers: (difference: Difference) => boolean
}

export interface Difference {
  readonly path: string
  /** Of the entry; `there` where only one of the trees has it. */
  readonly field: string
  readonly runt: unknown
  readonly other: unknown
}

/** What is not the same, and is not allowed to be. */
export function differences(runt: Tree, other: Tree, allowed: readonly Allowed[] = []): Difference[] {
  const found: Difference[] = []
  for (const name of new Set([...runt.keys(), ...other.keys()])) {
    const [ours, theirs] = [runt.get(name), other.get(name)]
    if (ours === undefined || theirs === undefined) {
      found.push({ path: name, field: 'there', runt: ours !== undefined, other: theirs !== undefined })
      continue
    }
    for (const field of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      if (canonical(ours[field]) === canonical(theirs[field])) continue
      found.push({ path: name, field, runt: ours[field], other: theirs[field] })
    }
  }
  return found.filter((difference) => !allowed.some(({ covers }) => covers(difference)))
}

/** JSON with the keys in order. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

const shown = 10

/** The differences for people. */
export function told(list: readonly Difference[]): string {
  const lines = list.slice(0, shown).map(({ path: name, field, runt, other }) => {
    const value = (what: unknown) => (what === undefined ? 'nothing' : JSON.stringify(what).slice(0, 300))
    return `${JSON.stringify(`/${name}`)} ${field}: runt ${value(runt)}, other ${value(other)}`
  })
  return [...lines, ...(list.length > shown ? [`… ${list.length} in all`] : [])].join('\n')
}

/**
 * An OCI layout with an image `web` of three layers, made by `umoci repack`.
 * @param fill puts into the root what the lowest layer has, beside what change.py makes
 * @param layers the steps that make one each
 */
export function makeWithUmoci(
  umoci: string,
  directory: string,
  fill: (root: string) => void,
  simple: boolean,
  layers: readonly (typeof steps)[number][] = steps,
): string {
  const [layout, bundle] = [path.join(directory, 'umoci-layout'), path.join(directory, 'umoci-work')]
  const image = `${layout}:web`
  mkdirSync(directory, { recursive: true })
  call(umoci, ['init', '--layout', layout])
  call(umoci, ['new', '--image', image])
  call(umoci, ['unpack', '--image', image, bundle])
  fill(path.join(bundle, 'rootfs'))
  for (const step of layers) {
    change(path.join(bundle, 'rootfs'), step, simple)
    call(umoci, ['repack', '--refresh-bundle', '--image', image, bundle])
  }
  call(umoci, ['config', '--image', image, '--config.cmd', '/bin/sleep', '--config.cmd', '1000000'])
  call('rm', ['-rf', bundle])
  return layout
}

/** What umoci makes of an image in a layout. */
export function unpackedByUmoci(umoci: string, directory: string, layout: string): Tree {
  const bundle = path.join(directory, 'umoci-unpacked')
  call(umoci, ['unpack', '--image', `${layout}:web`, bundle])
  const tree = treeOf('directory', path.join(bundle, 'rootfs'))
  call('rm', ['-rf', bundle])
  return tree
}

/**
 * What a container sees as its root whose bundle runt makes of an image.
 * @param image as `unpack --image` takes it; `- <FILE` for a file on standard input
 */
export function seenWithRunt(runt: string, directory: string, image: string): Tree {
  return withContainer(runt, directory, image, (pid) => treeOf('container', pid))
}

/**
 * What a container sees in the end that makes changes to the root of an image, which `runt export --layer` writes to a file.
 * @param by the steps of change.py that it makes
 */
export function exportedByRunt(
  runt: string,
  directory: string,
  image: string,
  { by, layer }: { by: readonly (typeof steps)[number][]; layer: string },
): Tree {
  return withContainer(runt, directory, image, (pid, command) => {
    for (const step of by) change(`/proc/${pid}/root`, step)
    call(runt, command('export', '--layer', '--output', layer))
    return treeOf('container', pid)
  })
}

/** Makes a container of what `unpack --image` makes of an image, and removes all of it afterwards. */
function withContainer<T>(
  runt: string,
  directory: string,
  image: string,
  use: (pid: string, command: (name: string, ...args: string[]) => string[]) => T,
): T {
  const work = path.join(directory, 'runt')
  mkdirSync(work, { recursive: true })
  const global = ['--root', path.join(work, 'state')]
  const id = `image-${process.pid}`
  try {
    const [source, input] = image.split(' <')
    const unpack = ['unpack', '--store', path.join(work, 'store'), '--image', source!, path.join(work, 'bundle')]
    if (input === undefined) call(runt, unpack)
    else call('sh', ['-c', 'file=$1; shift; exec "$@" < "$file"', 'sh', input, runt, ...unpack])
    create(runt, [...global, 'create', '--bundle', path.join(work, 'bundle'), id], path.join(work, 'told'))
    const { pid } = JSON.parse(call(runt, [...global, 'state', id])) as { pid: number }
    return use(String(pid), (name, ...args) => [...global, name, ...args, id])
  } finally {
    spawnSync(runt, [...global, 'delete', '--force', id])
    call('rm', ['-rf', work])
  }
}

/** The container keeps the descriptors that it is given, so that none may be a pipe to whose end somebody reads. */
function create(file: string, args: readonly string[], log: string): void {
  const out = openSync(log, 'w')
  try {
    const { status } = spawnSync(file, args, { stdio: ['ignore', out, out] })
    if (status !== 0) throw new Error(`${[file, ...args].join(' ')}: status ${status}\n${readFileSync(log, 'utf8')}`)
  } finally {
    closeSync(out)
  }
}
