import test from 'ava'
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SystemError } from '../../../src/errors.ts'
import { addonCandidates, loadAddon, type Addon } from '../../../src/host/addon.ts'

const project = fileURLToPath(new URL('../../..', import.meta.url))

test('the addon is looked for beside its module, above it, and in the build of a working tree', (t) => {
  t.deepEqual(addonCandidates('/w/src/host'), [
    '/w/src/host/runt.node',
    '/w/src/runt.node',
    '/w/build/Release/runt.node',
  ])
})

/** Runs a line of JavaScript in a new process that has loaded nothing yet. */
function inNewProcess(script: string, options: { cwd?: string; env?: Record<string, string> } = {}): string {
  const module = path.join(project, 'src/host/addon.ts')
  const loader = path.join(project, 'node_modules/tsx/dist/loader.mjs')
  const code = `import { loadAddon } from ${JSON.stringify(module)}; ${script}`
  return execFileSync(process.execPath, ['--import', loader, '--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
}

test('the error for a missing addon names every path that was tried and how to build it', (t) => {
  const output = inNewProcess(`
    try { loadAddon('/nowhere/src/host') }
    catch (error) { console.log(error.code, error.message, error.hint) }`)
  t.regex(output, /^ADDON load native addon: /)
  for (const place of ['src/host', 'src', 'build/Release'])
    t.true(output.includes(`/nowhere/${place}/runt.node`), place)
  t.regex(output, /npm run build/)
})

test('the addon loads from any directory with an empty environment', (t) => {
  t.is(inNewProcess('console.log(typeof loadAddon().euid())', { cwd: '/' }), 'number\n')
})

test('standard streams that were closed are open on the null device once the addon is loaded', (t) => {
  const script = `
    import { loadAddon } from ${JSON.stringify(path.join(project, 'src/host/addon.ts'))}
    const addon = loadAddon()
    const place = process.argv[1]
    addon.writeAtomic(place, [0, 1, 2].map((fd) => addon.readLink('/proc/self/fd/' + fd)).join(), 0o600, false)`
  const directory = mkdtempSync(path.join(tmpdir(), 'runt-host-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const result = path.join(directory, 'result')
  const loader = path.join(project, 'node_modules/tsx/dist/loader.mjs')
  execFileSync('/bin/sh', [
    '-c',
    'exec "$0" --import "$1" --input-type=module -e "$2" "$3" <&- >&- 2>&-',
    process.execPath,
    loader,
    script,
    result,
  ])
  t.is(loadAddon().readText(result, 1000, false), '/dev/null,/dev/null,/dev/null')
})

test('root refuses an addon that every user may write', (t) => {
  if (process.geteuid?.() !== 0) {
    t.log('skipped: needs root')
    t.pass()
    return
  }
  const directory = mkdtempSync(path.join(tmpdir(), 'runt-host-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const built = addonCandidates(path.join(project, 'src/host')).find(existsSync)
  mkdirSync(path.join(directory, 'bin'))
  const copy = path.join(directory, 'bin/runt.node')
  copyFileSync(built!, copy)
  const script = `
    try { console.log(typeof loadAddon(${JSON.stringify(path.dirname(copy))})) }
    catch (error) { console.log(error.message) }`
  chmodSync(copy, 0o757)
  t.regex(inNewProcess(script), /writable by every user.*EPERM/)
  chmodSync(copy, 0o755)
  t.is(inNewProcess(script), 'object\n')
})

// ——— arguments ———

const wrong: readonly unknown[] = [
  undefined,
  null,
  {},
  [],
  [undefined],
  ['a\0b'],
  'a\0b',
  '',
  NaN,
  1.5,
  -2,
  2 ** 53,
  -Infinity,
  1n << 64n,
  -1n,
  Symbol('s'),
  () => 1,
  new ArrayBuffer(8),
  new Float64Array(3),
  new Proxy([], {}),
]

/** An archive without anything, and so without any effect. */
const work = loadAddon().spoolOpen(openSync('/dev/null', 'r'), '/', 1, 1)

/** Arguments of each function that it would take; none of them has an effect here. */
const right: { readonly [Name in keyof Addon]: readonly unknown[] } = {
  netDevice: [1 << 30, 'eth0'],
  moveNetDevice: [1 << 30, 1, 1 << 30, 'eth0'],
  setUpNetDevice: [1 << 30, 1, 'eth0', new Uint8Array(4), true],
  unpackOpen: [1 << 30, [], '/nowhere', 1, 1, 0],
  spoolOpen: [1 << 30, '/nowhere', 1, 1],
  unpackStep: [work, 1],
  unpackFinish: [work],
  unpackClose: [work],
  imageFiles: [['/proc/nowhere'], ['/file'], 1, 0],
  changesOpen: ['/nowhere', ['/proc/nowhere'], 1],
  changesStep: [1 << 30, 1],
  changesClose: [1 << 30],
  exportOpen: ['/nowhere', '/nowhere/file', -1, 'none', 1, 1],
  exportStep: [1 << 30, 1],
  exportFinish: [1 << 30],
  exportClose: [1 << 30],
  readText: ['/nowhere/file', 10, false],
  writeExisting: ['/nowhere/file', 'text'],
  writeAtomic: ['/nowhere/file', 'text', 0o600, true],
  writeNew: ['/nowhere/file', 'text', 0o600],
  append: ['/nowhere/file', 'text', 0o600],
  open: ['/nowhere/file', 1],
  close: [1 << 30],
  read: [1 << 30, 10],
  write: [1 << 30, new Uint8Array(1)],
  writeStream: [1 << 30, 'text'],
  lock: [1 << 30, false],
  lockShared: [1 << 30],
  lockWithin: [1 << 30, -1, 0],
  rename: ['/nowhere/file', '/nowhere/other'],
  status: ['/nowhere/file', true],
  readLink: ['/nowhere/file'],
  realPath: ['/nowhere/file'],
  list: ['/nowhere/file'],
  mkdir: ['/nowhere/file', 0o700],
  mkdirParents: ['/proc/nowhere/file', 0o700],
  rmdir: ['/nowhere/file'],
  unlink: ['/nowhere/file'],
  removeTree: ['/nowhere/file'],
  removeDeep: ['/nowhere/file'],
  unmount: ['/nowhere/file'],
  chown: ['/nowhere/file', 0, 0],
  mkfifo: ['/nowhere/file', 0o600],
  filesystemType: ['/nowhere/file'],
  spawn: [new Uint8Array(64), [], 0, 1 << 30, 0, [], -1],
  receive: [1 << 30],
  proceed: [1 << 30],
  decodeMessage: [new Uint8Array(3)],
  pidfdOpen: [0x7fffffff],
  pidfdGetFd: [1 << 30, 3],
  pidfdSignal: [1 << 30, 0],
  pidfdWait: [1 << 30, 0],
  unread: [1 << 30],
  wait: [0x7fffffff],
  setLimit: [0x7fffffff, 7, 0n, 0n],
  setScheduler: [0x7fffffff, 0, 0, 0, 0n, 0n, 0n, 0n],
  setIoPriority: [0x7fffffff, 2, 4],
  namespaces: [0x7fffffff, ['mnt']],
  becomeSubreaper: [],
  pipe: [],
  exitNow: [0],
  foreground: [0x7fffffff, 1 << 30, -1, -1, -1],
  notifySocket: ['/nowhere/directory'],
  notifyHost: ['/nowhere/socket'],
  relayReady: [1 << 30, 1 << 30, 0x7fffffff, 1 << 30],
  holdSignals: [false],
  runHook: ['/nowhere/file', [], [], '', 0, ''],
  windowSize: [1 << 30],
  setWindowSize: [1 << 30, 1, 1],
  typedKeys: [false],
  watchFiles: [['/nowhere/file']],
  catchSignals: [[]],
  waitFor: [[1 << 30], 0],
  sendDescriptor: ['/nowhere/file', 0, 'x'],
  chownCgroup: [1 << 30, ['cgroup.procs'], 1000],
  waitForCgroupEvent: ['/nowhere/file', 'populated 0', 0],
  cgroupTasksBelow: ['/nowhere/file'],
  removeCgroupsBelow: ['/nowhere/file'],
  systemdOpen: ['unix:path=/nowhere/bus', false, 1000],
  systemdClose: [1 << 30],
  systemdCall: [1 << 30, 'Nothing', '', [], false, 1000],
  systemdProperty: [1 << 30, 'Version', 1000],
  sha256: ['text'],
  seccompLibrary: [],
  resolveSyscalls: [['read'], new Uint8Array(4)],
  compileSeccomp: [0, Uint8Array.of(1, 2, 3, 4), 1, new Uint8Array()],
  setDeviceFilter: [1 << 30, new Uint8Array(8)],
  now: [],
  monotonic: [],
  euid: [],
  permittedCapabilities: [],
  egid: [],
  inUserNamespace: [],
  kernelRelease: [],
  random: [],
}

/** Values of `wrong` that are right in some place: texts of any content, empty lists, any bytes. */
function fits(name: keyof Addon, index: number, value: unknown): boolean {
  const expected = right[name][index]
  // Only the sums are wanted.
  if (name === 'spoolOpen' && index === 1 && value === '') return true
  // The descriptor is the target.
  if (name === 'exportOpen' && index === 1 && value === '') return true
  // A nice value.
  if (name === 'setScheduler' && index === 2) return value === -2
  if (typeof expected === 'string') {
    const isPath = expected.startsWith('/')
    return typeof value === 'string' && !isPath
  }
  return Array.isArray(expected) && Array.isArray(value) && value.length === 0
}

test('every function of the addon is declared, and every declared one exists', (t) => {
  t.deepEqual(Object.keys(loadAddon()).sort(), Object.keys(right).sort())
})

test('every wrong argument of every function is a TypeError', (t) => {
  const addon = loadAddon()
  let count = 0
  for (const name of Object.keys(right) as (keyof Addon)[]) {
    const call = Reflect.get(addon, name) as (...args: unknown[]) => unknown
    for (let index = 0; index < right[name].length; index++) {
      const cut = t.throws(() => call(...right[name].slice(0, index)), { any: true }, `${name} with ${index} arguments`)
      t.true(cut instanceof TypeError, `${name} with ${index} arguments: ${String(cut)}`)
      for (const value of wrong) {
        if (fits(name, index, value)) continue
        const args = [...right[name]]
        args[index] = value
        const message = `${name}, argument ${index}: ${typeof value} ${String(value)}`
        const error = t.throws(() => call(...args), { any: true }, message)
        t.true(error instanceof TypeError, `${message}: ${String(error)}`)
        count++
      }
    }
  }
  t.true(count > 1000, String(count))
})

test('a call with fitting arguments that cannot succeed names the system call', (t) => {
  const addon = loadAddon()
  const fine = [
    'writeStream',
    'status',
    'removeTree',
    'removeDeep',
    'unmount',
    'waitForCgroupEvent',
    'cgroupTasksBelow',
    'removeCgroupsBelow',
    'filesystemType',
    'becomeSubreaper',
    'pipe',
    'holdSignals',
    'systemdClose',
    'exitNow',
    'now',
    'monotonic',
    'typedKeys',
    'catchSignals',
    'euid',
    'permittedCapabilities',
    'egid',
    'random',
    'sha256',
    'seccompLibrary',
    'resolveSyscalls',
    'inUserNamespace',
    'unpackStep',
    'unpackFinish',
    'unpackClose',
    'changesClose',
    'exportClose',
  ]
  for (const name of Object.keys(right) as (keyof Addon)[]) {
    if ([...fine, 'kernelRelease'].includes(name)) continue
    const call = Reflect.get(addon, name) as (...args: unknown[]) => unknown
    const error = t.throws(() => call(...right[name]), undefined, name) as unknown as Partial<SystemError>
    t.regex(String(error.code), /^E[A-Z]+$/, name)
    t.true((error.errno ?? 0) > 0, name)
    t.regex(String(error.syscall), /^[a-z_0-9]+$/, name)
    if (right[name][0] === '/nowhere/file')
      t.is(error.path, name === 'mkdirParents' ? '/proc/nowhere' : '/nowhere/file')
  }
})

test('an exception of a getter in an argument passes through', (t) => {
  const array = Object.defineProperty([1], 0, {
    get: () => {
      throw new RangeError('from the getter')
    },
  })
  t.throws(() => loadAddon().spawn(new Uint8Array(64), array, 0, -1, 0, [], -1), {
    instanceOf: RangeError,
    message: 'from the getter',
  })
})
