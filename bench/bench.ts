/** What scenarios work with: bundles, state directories, and rounds in which the peers alternate. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Spec } from '../src/spec/schema.gen.ts'
import type { Config } from './configs.ts'
import { type Findings, Program } from './driver.ts'
import { type Peer, runOnce } from './peers.ts'
import type { Row } from './results.ts'
import { rounded, summarize } from './statistics.ts'

/** What a figure tells, but for whose it is. */
export type Key = Pick<Row, 'what' | 'config' | 'at'>

/** The steps of one peer in one round; `tag` names what an instruction measures. */
export type Step = (program: Program, peer: Peer, tag: (key: Key) => string) => void

/** Programs of containers: files of the rootfs. */
export type Ends = '/bin/true' | '/bin/pause'

export class Bench {
  readonly rows: Row[] = []
  readonly quick: boolean
  /** What the names of its containers begin with: cgroups are called as these, and others may do the same meanwhile. */
  readonly prefix: string
  private readonly dir: string
  private readonly everyone: readonly Peer[]
  private readonly givenRounds: number | undefined
  private numbers = 0

  /**
   * @param dir where bundles and states are made; has `driver`, and `rootfs` and `shared` as `prepare` leaves them
   * @param rounds instead of those that each scenario has
   * @param prefix what no other's containers are called by
   */
  constructor(
    dir: string,
    peers: readonly Peer[],
    quick: boolean,
    rounds: number | undefined,
    prefix = `bench-${randomBytes(3).toString('hex')}-`,
  ) {
    this.prefix = prefix
    this.dir = dir
    this.everyone = peers
    this.quick = quick
    this.givenRounds = rounds
  }

  get peers(): Peer[] {
    return this.everyone.filter(({ extra }) => !extra)
  }

  /** Those that take part in few scenarios too. */
  get allPeers(): readonly Peer[] {
    return this.everyone
  }

  /** The newest of each family: for what takes long. */
  get newestPeers(): Peer[] {
    return this.peers.filter(
      ({ family }, index) => this.peers.findLastIndex((peer) => peer.family === family) === index,
    )
  }

  /** How often a scenario measures, which would do so `usual` times. */
  rounds(usual: number): number {
    return this.givenRounds ?? usual
  }

  /** A name that no other container has. */
  id(): string {
    return `${this.prefix}${++this.numbers}`
  }

  file(name: string): string {
    return path.join(this.dir, name)
  }

  /** The global options that keep a peer's containers apart. */
  state(peer: Peer): string[] {
    return ['--root', this.file(`state/${peer.name.replaceAll(' ', '-')}`)]
  }

  program(): Program {
    return new Program(this.file('driver'))
  }

  /** Makes a bundle. `rootfs` is an absolute path, the common root by default. */
  bundle(name: string, config: Config, program: Ends, change: (spec: Spec) => void = () => undefined): string {
    const bundle = this.file(`bundles/${name}-${path.basename(program)}`)
    mkdirSync(bundle, { recursive: true })
    const spec = config(this.file('shared'))
    spec.process!.args = [program]
    spec.root = { ...spec.root, path: this.file('rootfs') }
    change(spec)
    writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec))
    return bundle
  }

  /** Runs programs of instructions and keeps the rows of what they measured; the samples come back by tag. */
  run(program: Program, tags: ReadonlyMap<string, Key & { peer: string }>): Map<string, Findings> {
    const found = program.execute()
    for (const [tag, key] of tags) {
      const findings = found.get(tag)
      if (findings !== undefined) this.keep(key, findings)
    }
    return found
  }

  private keep(key: Key & { peer: string }, found: Findings): void {
    const { milliseconds, perSecond, peakKib, cpuMilliseconds } = found
    if (perSecond.length > 0) {
      this.rows.push({ ...key, unit: 'per second', ...summarize(perSecond) })
    } else if (milliseconds.length > 0) {
      const cpuMs = rounded(summarize(cpuMilliseconds).median)
      this.rows.push({ ...key, unit: 'ms', ...summarize(milliseconds), peakKib: Math.max(...peakKib), cpuMs })
    } else {
      this.rows.push({ ...key, unit: 'KiB', ...summarize(peakKib) })
    }
  }

  /**
   * Peers take turns, `rounds` times after one round that fills caches and does not count. `before` and `after` are done once for
   * each peer. Rows are kept; samples come back by peer and `what`.
   */
  alternate(
    peers: readonly Peer[],
    rounds: number,
    step: Step,
    before?: Step,
    after?: Step,
  ): (peer: Peer, what: string) => Findings {
    const program = this.program()
    const tags = new Map<string, Key & { peer: string }>()
    const names = new Map<string, string>()
    const tagger =
      (peer: Peer, counts: boolean) =>
      (key: Key): string => {
        if (!counts) return '-'
        const text = JSON.stringify([peer.name, key])
        const tag = names.get(text) ?? String(names.size)
        names.set(text, tag)
        tags.set(tag, { ...key, peer: peer.name })
        return tag
      }
    for (const peer of peers) before?.(program, peer, tagger(peer, false))
    for (let round = 0; round <= rounds; round++) {
      for (const peer of peers) step(program, peer, tagger(peer, round > 0))
    }
    for (const peer of peers) after?.(program, peer, tagger(peer, false))
    const found = this.run(program, tags)
    return (peer, what) => {
      const tag = [...tags].find(([, key]) => key.peer === peer.name && key.what === what)
      return found.get(tag![0])!
    }
  }

  /** A row that is computed from samples. */
  derive(key: Key & { peer: string }, milliseconds: readonly number[]): void {
    this.rows.push({ ...key, unit: 'ms', ...summarize(milliseconds) })
  }

  /** Mounts an overlay of directories, the lowest first, at a new directory. */
  overlay(name: string, layers: readonly string[]): string {
    const target = this.file(`overlays/${name}`)
    for (const folder of ['merged', 'upper', 'work']) mkdirSync(path.join(target, folder), { recursive: true })
    // Relative paths: all of them have to fit on one page.
    const relative = layers.map((layer) => path.relative(this.file('layers'), layer)).reverse()
    const options = `lowerdir=${relative.join(':')},upperdir=${target}/upper,workdir=${target}/work`
    const { status, stderr } = spawnSync('mount', ['-t', 'overlay', '-o', options, 'overlay', `${target}/merged`], {
      cwd: this.file('layers'),
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`cannot mount an overlay: ${stderr}`)
    return path.join(target, 'merged')
  }

  /** Removes the containers that a scenario which failed has left. */
  clean(): void {
    for (const peer of this.everyone) {
      const state = this.state(peer)[1]!
      const left = existsSync(state) ? readdirSync(state) : []
      for (const id of left.filter((name) => name.startsWith(this.prefix))) {
        runOnce(peer, [...this.state(peer), 'delete', '--force', id])
      }
    }
  }
}
