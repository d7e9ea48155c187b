/** Commands of runt with one of their system calls made to fail, by inject.c; and what a command leaves on the machine. */
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { initsOf, lines, processesOf, type Sandbox } from '../integration/harness.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))

/** Who makes a call: inject.c says what the roles are. */
export type Role = 'loader' | 'runt' | 'child' | 'init' | 'init2' | 'init3' | 'init4' | 'init5'

/** A system call of a command: the n-th of its kind in the process of this role. */
export interface Point {
  role: Role
  call: string
  nth: number
  /** The name that it is given, or ''. */
  name: string
}

/** The name of an errno, SIGKILL for the process that makes the call, or for runt. */
export type Action = keyof typeof os.constants.errno | 'kill' | 'killrunt'

export interface Injected {
  status: number
  stdout: string
  stderr: string
  /** Whether the fault came to pass. */
  hit: boolean
  /** The command did not end by itself. */
  late: boolean
  points: Point[]
  /** Ids of the BPF programs that were loaded. */
  programs: string[]
}

let tool: string | undefined
let numbers: Map<string, number> | undefined
let names: Map<number, string> | undefined

function must(file: string, args: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', input })
  if (status !== 0) throw new Error(`${file}: ${stderr}`)
  return stdout
}

/** The program of inject.c, built once, and the numbers of this machine's system calls. */
function prepared(): { tool: string; numbers: Map<string, number>; names: Map<number, string> } {
  if (tool === undefined) {
    const source = path.join(project, 'test/faults/inject.c')
    const target = path.join(project, 'build/test/inject')
    if (!existsSync(target) || statSync(target).mtimeMs < statSync(source).mtimeMs) {
      mkdirSync(path.dirname(target), { recursive: true })
      must('cc', ['-O2', '-Wall', '-Wextra', '-o', target, source])
    }
    tool = target
  }
  if (numbers === undefined || names === undefined) {
    numbers = new Map()
    for (const line of lines(must('cc', ['-E', '-dM', '-x', 'c', '-'], '#include <asm/unistd.h>\n'))) {
      const found = /^#define __NR_(\w+) (\d+)$/.exec(line)
      if (found !== null) numbers.set(found[1]!, Number(found[2]))
    }
    names = new Map([...numbers].map(([name, number]) => [number, name]))
  }
  return { tool, numbers, names }
}

function parsePoint(line: string, known: Map<number, string>): Point {
  const [, role, number, nth, , , ...rest] = line.split(' ')
  return {
    role: role as Role,
    call: known.get(Number(number)) ?? `call ${number}`,
    nth: Number(nth),
    name: rest.join(' '),
  }
}

/** Seconds for which no command may go on: waits inside of runt end after 10. */
const patience = 120

/**
 * Runs a command; without a fault, `points` has its system calls.
 * @param init a process to look at beside those of the command, as the container's init
 */
export function inject(
  sandbox: Sandbox,
  args: readonly string[],
  fault?: { point: Point; action: Action },
  init?: number,
): Injected {
  const { tool, numbers, names } = prepared()
  const [out, err, report] = ['out', 'err', 'report'].map((name) => path.join(sandbox.dir, `inject.${name}`)) as [
    string,
    string,
    string,
  ]
  const options = ['-s', String(patience), '-o', report]
  if (init !== undefined) options.push('-p', String(init))
  if (fault === undefined) options.push('-t')
  else {
    const { role, call, nth } = fault.point
    const action = fault.action.startsWith('kill')
      ? fault.action
      : os.constants.errno[fault.action as keyof typeof os.constants.errno]
    options.push('-f', [role, numbers.get(call), nth, action].join(':'))
  }
  const streams = [openSync(out, 'w'), openSync(err, 'w')] as const
  const { status, signal } = spawnSync(tool, [...options, '--', ...sandbox.command(...args)], {
    cwd: sandbox.bundle,
    stdio: ['ignore', ...streams],
  })
  for (const fd of streams) closeSync(fd)
  if (status === null || status === 125) throw new Error(`inject ended with ${signal ?? readFileSync(err, 'utf8')}`)
  const reported = lines(readFileSync(report, 'utf8'))
  return {
    status,
    stdout: readFileSync(out, 'utf8'),
    stderr: readFileSync(err, 'utf8'),
    hit: reported.some((line) => line.startsWith('hit ')),
    late: reported.includes('timeout'),
    points: reported.filter((line) => line.startsWith('call ')).map((line) => parsePoint(line, names)),
    programs: reported.filter((line) => line.startsWith('program ')).map((line) => line.slice('program '.length)),
  }
}

/** Names that were in a directory when it was looked at first, but for what commands print. */
function namesIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => !/^(inject\.|stdout$|stderr$|state$)/.test(name))
}

/** What a sandbox's directory and bundle have before any command: everything else was left by one. */
export function filesOf(sandbox: Sandbox): string[] {
  return [sandbox.dir, sandbox.bundle].flatMap((dir) => namesIn(dir).map((name) => path.join(dir, name)))
}

/**
 * What containers of a sandbox have left on this machine: state, cgroups, mounts (of the first process, too), processes, files and
 * BPF programs.
 */
export function leftovers(sandbox: Sandbox, id: string, programs: string[], files: readonly string[]): string[] {
  const found: string[] = []
  if (existsSync(sandbox.stateRoot)) {
    const state = readdirSync(sandbox.stateRoot).filter((name) => name !== '.seccomp~')
    for (const name of state) {
      const below = readdirSync(path.join(sandbox.stateRoot, name))
      found.push(`state of ${name}: ${below.join(', ')}`)
    }
    const cache = path.join(sandbox.stateRoot, '.seccomp~')
    // Temporary files begin with a dot.
    if (existsSync(cache)) {
      const temporary = readdirSync(cache).filter((name) => name.startsWith('.'))
      found.push(...temporary.map((name) => `file ${cache}/${name}`))
    }
  }
  if (existsSync(`/sys/fs/cgroup/${id}`)) found.push(`cgroup ${id}`)
  for (const pid of ['self', '1']) {
    const mounts = lines(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))
    found.push(...mounts.filter((line) => line.includes(sandbox.dir)).map((line) => `mount ${line}`))
  }
  for (const pid of processesOf(sandbox.rootfs)) found.push(`process ${pid}`)
  for (const pid of initsOf(sandbox.dir)) found.push(`init ${pid}`)
  for (const file of filesOf(sandbox)) if (!files.includes(file)) found.push(`file ${file}`)
  if (programs.length > 0)
    found.push(...lines(must(prepared().tool, ['-b', ...programs])).map((program) => `BPF program ${program}`))
  return found
}

/** What the whole machine has that a container may leave: only where nobody else uses the machine can it be compared. */
export function machine(): Record<string, string[]> {
  const dirs = (dir: string): string[] => {
    const below = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return below.flatMap(({ name }) => [`${dir}/${name}`, ...dirs(`${dir}/${name}`)])
  }
  return {
    cgroups: dirs('/sys/fs/cgroup').sort(),
    mounts: lines(readFileSync('/proc/self/mountinfo', 'utf8')).map((line) => line.split(' ').slice(3, 6).join(' ')),
    shared: ['shm', 'sem', 'msg'].flatMap((kind) => lines(readFileSync(`/proc/sysvipc/${kind}`, 'utf8'))),
    files: ['/dev/shm', '/tmp', '/run'].flatMap((dir) => readdirSync(dir).map((name) => `${dir}/${name}`)).sort(),
  }
}
