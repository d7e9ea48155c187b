/** What is measured: to add a scenario, add a row to `scenarios`; where its figures stand is report.ts's and picture.ts's. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Bench } from './bench.ts'
import { configs, withMounts } from './configs.ts'

export interface Scenario {
  readonly name: string
  readonly doc: string
  /** Part of the short form. */
  readonly quick: boolean
  readonly measure: (bench: Bench) => void
}

/** The configurations of the latency scenarios. */
const chosen = (bench: Bench): string[] => (bench.quick ? ['default'] : Object.keys(configs))

function run(bench: Bench): void {
  for (const config of chosen(bench)) {
    const bundle = bench.bundle(config, configs[config]!, '/bin/true')
    const peers = config === 'default' && !bench.quick ? bench.allPeers : bench.peers
    bench.alternate(peers, bench.rounds(60), (program, peer, tag) => {
      program.time(tag({ what: 'run', config }), peer, [...bench.state(peer), 'run', '--bundle', bundle, bench.id()])
    })
  }
}

function lifecycle(bench: Bench): void {
  const pid = bench.file('pid')
  const steps = ['create', 'start', 'kill', 'delete']
  for (const config of chosen(bench)) {
    const bundle = bench.bundle(config, configs[config]!, '/bin/pause')
    const found = bench.alternate(bench.peers, bench.rounds(30), (program, peer, tag) => {
      const id = bench.id()
      const state = bench.state(peer)
      program.time(tag({ what: 'create', config }), peer, [
        ...state,
        'create',
        '--bundle',
        bundle,
        '--pid-file',
        pid,
        id,
      ])
      program.watch(pid).memory(tag({ what: 'init', config }), pid)
      program.time(tag({ what: 'start', config }), peer, [...state, 'start', id])
      program.time(tag({ what: 'kill', config }), peer, [...state, 'kill', id, 'KILL']).gone()
      program.time(tag({ what: 'delete', config }), peer, [...state, 'delete', id])
    })
    for (const peer of bench.peers) {
      const samples = steps.map((what) => found(peer, what).milliseconds)
      const sums = samples[0]!.map((_, round) => samples.reduce((sum, list) => sum + list[round]!, 0))
      bench.derive({ what: 'lifecycle', config, peer: peer.name }, sums)
    }
  }
}

/** A command on a container that runs meanwhile. */
function onContainer(what: string, rounds: number, args: (id: string) => string[]): (bench: Bench) => void {
  return (bench) => {
    for (const config of chosen(bench)) {
      const bundle = bench.bundle(config, configs[config]!, '/bin/pause')
      // Each has its own: a cgroup is called as its container.
      const ids = new Map(bench.peers.map(({ name }) => [name, bench.id()]))
      bench.alternate(
        bench.peers,
        bench.rounds(rounds),
        (program, peer, tag) => {
          program.time(tag({ what, config }), peer, [...bench.state(peer), ...args(ids.get(peer.name)!)])
        },
        (program, peer) =>
          program.run(peer, [...bench.state(peer), 'run', '--detach', '--bundle', bundle, ids.get(peer.name)!]),
        (program, peer) => program.run(peer, [...bench.state(peer), 'delete', '--force', ids.get(peer.name)!]),
      )
    }
  }
}

function throughput(bench: Bench): void {
  const bundle = bench.bundle('default', configs.default!, '/bin/true')
  const program = bench.program()
  const tags = new Map<string, { what: string; at: number; peer: string }>()
  for (let round = 0; round < 3; round++) {
    for (const at of [1, 2, 8, 32]) {
      for (const peer of bench.peers) {
        const tag = `${peer.name.replaceAll(' ', '-')}/${at}`
        tags.set(tag, { what: 'throughput', at, peer: peer.name })
        program.burst(tag, peer, at, 1000, [...bench.state(peer), 'run', '--bundle', bundle, `${bench.prefix}{}`])
      }
    }
  }
  bench.run(program, tags)
}

function mounts(bench: Bench): void {
  for (const at of [0, 100, 250, 500]) {
    const bundle = bench.bundle(`mounts-${at}`, withMounts(at), '/bin/true')
    bench.alternate(bench.peers, bench.rounds(11), (program, peer, tag) => {
      program.time(tag({ what: 'mounts', at }), peer, [...bench.state(peer), 'run', '--bundle', bundle, bench.id()])
    })
  }
}

/** One runtime after another: each has its own containers, and the others' would be a load for it too. */
function containers(bench: Bench): void {
  const pausing = bench.bundle('default', configs.default!, '/bin/pause')
  const ending = bench.bundle('default', configs.default!, '/bin/true')
  const rounds = bench.rounds(11)
  for (const peer of bench.newestPeers) {
    const state = bench.state(peer)
    const program = bench.program()
    const tags = new Map<string, { what: string; at: number; peer: string }>()
    const one = bench.id()
    const many = `${bench.id()}-{}`
    program.run(peer, [...state, 'run', '--detach', '--bundle', pausing, one])
    let last = 0
    for (const at of [0, 100, 250, 500]) {
      program.fill(peer, 2, last + 1, at, [...state, 'run', '--detach', '--bundle', pausing, many]).rest(500)
      last = at
      for (const what of ['containers', 'containers-state']) tags.set(`${what}-${at}`, { what, at, peer: peer.name })
      for (let round = 0; round <= rounds; round++) {
        const tag = (what: string): string => (round === 0 ? '-' : `${what}-${at}`)
        program.time(tag('containers'), peer, [...state, 'run', '--bundle', ending, bench.id()])
        program.time(tag('containers-state'), peer, [...state, 'state', one])
      }
    }
    program.fill(peer, 8, 1, last, [...state, 'delete', '--force', many])
    program.run(peer, [...state, 'delete', '--force', one]).rest(1000)
    bench.run(program, tags)
  }
}

/** runt mounts the layers itself; the others, and runt once more, are given the overlay. */
function layers(bench: Bench): void {
  const most = 100
  const all = Array.from({ length: most }, (_, index) => {
    if (index === 0) return bench.file('rootfs')
    const layer = bench.file(`layers/${index}`)
    mkdirSync(layer, { recursive: true })
    writeFileSync(path.join(layer, `file-${index}`), '')
    return layer
  })
  const own = bench.peers.filter(({ family }) => family === 'runt')
  for (const at of [1, 10, 50, most]) {
    const merged = bench.overlay(String(at), all.slice(0, at))
    const given = bench.bundle(`overlay-${at}`, configs.default!, '/bin/true', (spec) => {
      spec.root!.path = merged
    })
    const mounting = bench.bundle(`layers-${at}`, configs.default!, '/bin/true', (spec) => {
      spec.root!.path = 'empty'
      spec.annotations = { 'io.runt.layers': JSON.stringify(all.slice(0, at)), 'io.runt.upper': 'tmpfs' }
    })
    mkdirSync(path.join(mounting, 'empty'))
    bench.alternate(bench.peers, bench.rounds(15), (program, peer, tag) => {
      const start = [...bench.state(peer), 'run', '--bundle']
      program.time(tag({ what: 'overlay', at }), peer, [...start, given, bench.id()])
      if (own.includes(peer)) program.time(tag({ what: 'layers', at }), peer, [...start, mounting, bench.id()])
    })
  }
}

export const scenarios: readonly Scenario[] = [
  { name: 'run', doc: '`run` of a program that does nothing', quick: true, measure: run },
  {
    name: 'lifecycle',
    doc: '`create`, `start`, `kill` and `delete`, and the memory of init between',
    quick: true,
    measure: lifecycle,
  },
  {
    name: 'exec',
    doc: '`exec` of that program',
    quick: true,
    measure: onContainer('exec', 40, (id) => ['exec', id, '/bin/true']),
  },
  {
    name: 'state',
    doc: '`state` of a container that runs',
    quick: true,
    measure: onContainer('state', 40, (id) => ['state', id]),
  },
  { name: 'throughput', doc: '`run` by 1, 2, 8 and 32 at once', quick: false, measure: throughput },
  { name: 'mounts', doc: '`run` with up to 500 more mounts', quick: false, measure: mounts },
  { name: 'containers', doc: '`run` and `state` beside up to 500 containers', quick: false, measure: containers },
  { name: 'layers', doc: '`run` on up to 100 layers', quick: false, measure: layers },
]
