/**
 * Rules for the native code, each of which bans what led to weaknesses of container runtimes, or to slow ones. What has to be there all the same says why in a
 * comment on its line or above the statement, `// allow path: the caller's own file`, or for all of it, `// allow path in this file: …`. A
 * comment that allows nothing is an error.
 *
 *   node --import tsx scripts/native-rules.ts
 *
 * This reads calls as they are written, not what a compiler makes of them: a path or a flag in a variable is looked up in its file.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Finding {
  file: string
  /** Counted from 1. */
  line: number
  rule: string
  message: string
}

interface Call {
  name: string
  args: readonly string[]
  /** Offset of the name. */
  at: number
}

interface Source {
  file: string
  /** Comments are blanks. */
  code: string
  /** Comments and texts are blanks. */
  bare: string
  calls: readonly Call[]
}

interface Rule {
  name: string
  /** What the rule prevents. */
  because: string
  /** Where the code breaks it: offsets, with what is wrong. */
  find(source: Source): { at: number; what: string }[]
}

/** Take a path, which is walked from the process's root or working directory, through whatever symlinks are there by then. */
const byPath = new Set([
  ...[
    'open',
    'open64',
    'creat',
    'fopen',
    'freopen',
    'opendir',
    'scandir',
    'mkdir',
    'rmdir',
    'mknod',
    'mkfifo',
    'unlink',
  ],
  ...['remove', 'rename', 'link', 'symlink', 'readlink', 'realpath', 'stat', 'lstat', 'statfs', 'statvfs', 'access'],
  ...['chmod', 'chown', 'lchown', 'truncate', 'utime', 'utimes', 'mount', 'umount', 'umount2', 'pivot_root', 'chroot'],
  ...[
    'chdir',
    'setxattr',
    'lsetxattr',
    'getxattr',
    'lgetxattr',
    'listxattr',
    'llistxattr',
    'removexattr',
    'ftw',
    'nftw',
  ],
  ...['glob', 'mkstemp', 'mkdtemp', 'ifstream', 'ofstream', 'fstream'],
])

/** Which argument has the flags, and what they must have. */
const closing: Readonly<Record<string, readonly [flags: number, name: string]>> = {
  open: [1, 'O_CLOEXEC'],
  openat: [2, 'O_CLOEXEC'],
  openat2: [2, 'O_CLOEXEC'],
  open_tree: [2, 'OPEN_TREE_CLOEXEC'],
  fsopen: [1, 'FSOPEN_CLOEXEC'],
  fsmount: [1, 'FSMOUNT_CLOEXEC'],
  fspick: [2, 'FSPICK_CLOEXEC'],
  memfd_create: [1, 'MFD_CLOEXEC'],
  pipe2: [1, 'O_CLOEXEC'],
  socket: [1, 'SOCK_CLOEXEC'],
  socketpair: [1, 'SOCK_CLOEXEC'],
  accept4: [3, 'SOCK_CLOEXEC'],
  epoll_create1: [0, 'EPOLL_CLOEXEC'],
  inotify_init1: [0, 'IN_CLOEXEC'],
  eventfd: [1, 'EFD_CLOEXEC'],
  timerfd_create: [1, 'TFD_CLOEXEC'],
  signalfd: [2, 'SFD_CLOEXEC'],
  dup3: [2, 'O_CLOEXEC'],
  posix_openpt: [0, 'O_CLOEXEC'],
}
const neverClosing = new Set([
  'creat',
  'dup',
  'dup2',
  'pipe',
  'accept',
  'fopen',
  'epoll_create',
  'inotify_init',
  'openpty',
])

const executing = new Set([
  'execve',
  'execv',
  'execl',
  'execvp',
  'execvpe',
  'execlp',
  'execle',
  'system',
  'popen',
  'posix_spawn',
  'posix_spawnp',
])

const lenient = new Set([
  'atoi',
  'atol',
  'atoll',
  'atof',
  'strtol',
  'strtoul',
  'strtoll',
  'strtoull',
  'sscanf',
  'stoi',
  'stol',
  'stoul',
])

const sleeping = new Set([
  ...['sleep', 'usleep', 'nanosleep', 'clock_nanosleep', 'thrd_sleep', 'sleep_for', 'sleep_until', 'pause'],
  ...['sched_yield', 'thrd_yield', 'yield'],
])

/** Names that lead nowhere else: the root, the descriptor itself, and what is made in a directory of our own. */
const fixed = /^"(?:\/|[^/]*)"$|^k[A-Z]\w*$/

export const rules: readonly Rule[] = [
  {
    name: 'path',
    because:
      'CVE-2019-18837, CVE-2021-30465, CVE-2024-45310, CVE-2026-41579: a path is walked again, through symlinks that are new',
    find: (source) =>
      source.calls
        .filter(({ name, args }) =>
          pathsOf(name, args).some((path) => !fixed.test(path) && !isDescriptor(source, path)),
        )
        .map(({ name, at }) => ({ at, what: `${name} takes a path instead of a descriptor` })),
  },
  {
    name: 'follow',
    because: 'CVE-2019-18837, CVE-2025-24965: a symlink of the image leads out of the root',
    find: (source) =>
      source.calls
        .filter(({ name, args }) => isFollowing(source, name, args))
        .map(({ name, at }) => ({
          at,
          what:
            name === 'openat2'
              ? 'openat2 limits nothing (RESOLVE_…)'
              : `${name} follows a symlink: openat2, or O_NOFOLLOW`,
        })),
  },
  {
    name: 'proc',
    because: 'CVE-2019-16884, CVE-2025-52881: what is at /proc or /sys may be an image’s',
    find: ({ file, code }) =>
      file.startsWith('native/init/')
        ? [...code.matchAll(/"\/(?:proc|sys)\b[^"\n]*"/g)].map(({ index, 0: text }) => ({
            at: index,
            what: `${text} is a path`,
          }))
        : [],
  },
  {
    name: 'cloexec',
    because: 'CVE-2016-9962, CVE-2024-21626: a descriptor of the host is inherited by the container',
    find: (source) =>
      source.calls
        .filter(({ name, args }) => isInherited(source, name, args))
        .map(({ name, at }) => ({ at, what: `the descriptor of ${name} is not closed on execution` })),
  },
  {
    name: 'exec',
    because: 'CVE-2019-5736: what a name leads to may be the runtime’s own executable, or the image’s',
    find: ({ calls }) =>
      calls.filter(({ name }) => executing.has(name)).map(({ name, at }) => ({ at, what: `${name} executes by path` })),
  },
  {
    name: 'number',
    because: 'CVE-2026-30892: a text that is no number, or not only one, becomes user 0',
    find: ({ calls }) =>
      calls
        .filter(({ name }) => lenient.has(name))
        .map(({ name, at }) => ({ at, what: `${name} takes what is no number` })),
  },
  {
    name: 'length',
    because: 'CVE-2021-43784: a length that does not fit comes to be small again',
    find: ({ bare }) =>
      [...bare.matchAll(/static_cast<u?int(?:8|16)_t>\([^()]*(?:\bsize\b|\blength\b|strlen)/g)].map(({ index }) => ({
        at: index,
        what: 'a length is cut to 16 bits or fewer',
      })),
  },
  {
    name: 'sleep',
    because:
      'what looks again and again is late: poll(2) for the event, with a time limit (docs/performance.md, "Waits")',
    find: ({ calls }) =>
      calls
        .filter(
          ({ name, args }) =>
            sleeping.has(name) ||
            (/^(?:poll|ppoll|select|pselect)$/.test(name) && /^(?:nullptr|NULL|0)$/.test(args[0]!)),
        )
        .map(({ name, at }) => ({ at, what: `${name} waits for nothing but time` })),
  },
]

/** Where a call has paths without a descriptor that they start from. */
function pathsOf(name: string, args: readonly string[]): string[] {
  const relative = args.flatMap((arg, index) => (arg === 'AT_FDCWD' ? [args[index + 1] ?? ''] : []))
  if (!byPath.has(name)) return relative
  if (name === 'mount') return [args[1] ?? '']
  return ['rename', 'link', 'symlink', 'pivot_root'].includes(name) ? args.slice(0, 2) : args.slice(0, 1)
}

/** The magic link of a descriptor, for calls that take none. */
function isDescriptor(source: Source, path: string): boolean {
  return /"\/proc\/self\/fd\/" \+|\bproc_path\(/.test(resolved(source, path))
}

function isFollowing(source: Source, name: string, args: readonly string[]): boolean {
  if (name === 'openat2') {
    // Of init's wrapper, or of the kernel's struct open_how.
    if (args.length === 5) return args[4] === '0'
    return !new RegExp(`\\b${(args[2] ?? '').replace('&', '')}\\.resolve\\s*=[^;]*RESOLVE_`).test(source.code)
  }
  if (name !== 'openat' || args[0] === 'AT_FDCWD') return false
  if (/^"[^/]+"$|^k[A-Z]\w*$/.test(args[1] ?? '')) return false
  const flags = resolved(source, args[2] ?? '')
  return !flags.includes('O_NOFOLLOW') && !flags.includes('O_EXCL')
}

function isInherited(source: Source, name: string, args: readonly string[]): boolean {
  if (neverClosing.has(name)) return true
  if (name === 'fcntl') return args[1] === 'F_DUPFD'
  const [flags, wanted] = closing[name] ?? []
  if (flags === undefined || wanted === undefined) return false
  const given = resolved(source, args[flags] ?? '')
  return !given.includes(wanted) && !/\bk\w*CloseOnExec\b/.test(given)
}

/** The text of an argument, with what its variables are set to in the file. */
function resolved({ code }: Source, text: string): string {
  const names: string[] = text.match(/\b(?:[a-z]\w*|k[A-Z]\w*)(?:\.[a-z]\w*)?\b/g) ?? []
  names.push(...names.map((name) => name.split('.')[0]!))
  if (text.startsWith('&')) names.push(`${text.slice(1)}.flags`)
  const values = names.flatMap((name) =>
    [...code.matchAll(new RegExp(`\\b${name.replace('.', '\\.')}\\s*\\|?=\\s*([^;]*);`, 'g'))].map(
      (match) => match[1]!,
    ),
  )
  return [text, ...values].join(' ')
}

/** Checks the text of one file. */
export function checkNative(file: string, text: string): Finding[] {
  const source = read(file, text)
  const lines = text.split('\n')
  const used = new Set<number>()
  const findings = rules.flatMap((rule) =>
    rule
      .find(source)
      .map(({ at, what }) => ({ line: text.slice(0, at).split('\n').length, what }))
      .filter(({ line }) => {
        const allowing = allowedBy(lines, line, rule.name)
        if (allowing !== undefined) used.add(allowing)
        return allowing === undefined
      })
      .map(({ line, what }) => ({ file, line, rule: rule.name, message: `${what} (${rule.because})` })),
  )
  lines.forEach((content, index) => {
    const allows = /\/\/ allow ([\w-]+)(?: in this file)?(:?) *(.*)/.exec(content)
    if (allows === null) return
    const problem = (message: string): void => {
      findings.push({ file, line: index + 1, rule: allows[1]!, message })
    }
    if (!rules.some(({ name }) => name === allows[1])) problem('there is no such rule')
    else if (allows[3] === '') problem('a reason is missing')
    else if (!used.has(index)) problem('there is nothing to be allowed')
  })
  return findings
}

/** The index of the line whose comment allows it: this one, those right above its statement, or one for the whole file. */
function allowedBy(lines: readonly string[], line: number, rule: string): number | undefined {
  const everywhere = lines.findIndex((content) => new RegExp(`// allow ${rule} in this file: *\\S`).test(content))
  if (everywhere >= 0) return everywhere
  const allows = (index: number): boolean => new RegExp(`// allow ${rule}: *\\S`).test(lines[index] ?? '')
  if (allows(line - 1)) return line - 1
  // A statement may begin some lines above.
  for (let index = line - 2; index >= 0 && index > line - 8; index--) {
    if (allows(index)) return index
    if (/^\s*\/\//.test(lines[index]!)) continue
    if (/[;{}]\s*(?:\/\/.*)?$/.test(lines[index]!)) return undefined
  }
  return undefined
}

function read(file: string, text: string): Source {
  const code = blanked(text, /\/\/[^\n]*|\/\*[\s\S]*?\*\//y)
  const bare = blanked(text, /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/y)
  const calls: Call[] = []
  // `::name(`, `sys::name(`, `std::name(`; and without a namespace what is no method, no definition and no function of ours.
  for (const match of bare.matchAll(/(?<![\w.>])((?:std::|sys::|::)?)([a-z]\w*)\s*\(/g)) {
    const [whole, namespace, name] = match
    if (namespace === '' && ours.has(name!)) continue
    if (
      /(?:\b(?:int|long|void|bool|Fd|Value|string|size_t|static|inline|const|auto) |[&*])$/.test(
        bare.slice(0, match.index),
      ) &&
      namespace === ''
    )
      continue
    calls.push({ name: name!, args: argumentsAt(code, bare, match.index + whole.length), at: match.index })
  }
  // The addon's wrapper and the kernel's numbers: `raw(SYS_openat, …)`, `syscall(__NR_openat2, …)`.
  for (const match of bare.matchAll(/\b(?:raw|syscall)\s*\(\s*(?:SYS_|__NR_)([a-z]\w*)\s*,/g))
    if (!file.endsWith('/syscalls.h'))
      calls.push({ name: match[1]!, args: argumentsAt(code, bare, match.index + match[0].length), at: match.index })
  return { file, code, bare, calls }
}

/** The text with what matches made blank, character by character; texts are skipped where only comments are to go. */
function blanked(text: string, what: RegExp): string {
  const skip = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/y
  let result = ''
  for (let at = 0; at < text.length;) {
    what.lastIndex = at
    const gone = what.exec(text)
    if (gone !== null) {
      result += gone[0].replace(/[^\n]/g, ' ')
      at += gone[0].length
      continue
    }
    skip.lastIndex = at
    const kept = skip.exec(text)?.[0] ?? text[at]!
    result += kept
    at += kept.length
  }
  return result
}

/** The arguments from behind an opening parenthesis to its closing one. */
function argumentsAt(code: string, bare: string, start: number): string[] {
  const args: string[] = []
  let depth = 1
  let from = start
  for (let at = start; at < bare.length && depth > 0; at++) {
    const character = bare[at]!
    if ('([{'.includes(character)) depth++
    else if (')]}'.includes(character)) depth--
    if (depth === 0 || (depth === 1 && character === ',')) {
      // `word(…)` makes a register of what it has.
      const arg = code
        .slice(from, at)
        .trim()
        .replace(/^(?:sys::)?word\((.*)\)$/s, '$1')
      if (arg !== '' || args.length > 0) args.push(arg)
      from = at + 1
    }
  }
  return args
}

/** What functions and methods of our own are called; with a namespace before them these are the C library's. */
const ours = new Set<string>(['syscall', 'raw', 'unlink', 'remove', 'link', 'open', 'open_directory'])

const root = fileURLToPath(new URL('..', import.meta.url))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = readdirSync(`${root}native`, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:cpp|h)$/.test(name) && !name.endsWith('.gen.h'))
    .sort()
  const findings = files.flatMap((name) => checkNative(`native/${name}`, readFileSync(`${root}native/${name}`, 'utf8')))
  for (const { file, line, rule, message } of findings) console.error(`${file}:${line}: ${rule}: ${message}`)
  if (findings.length > 0) process.exitCode = 1
  else console.log(`native-rules: ${files.length} files keep ${rules.length} rules`)
}
