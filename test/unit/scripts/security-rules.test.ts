/** Rules that cannot fail are worth nothing: each finds what is planted, and lets pass what stands for it. */
import test from 'ava'
import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { security, sleeps } from '../../../eslint.security.js'
import { checkNative, rules } from '../../../scripts/native-rules.ts'

/** Names of the rules that a text breaks. */
const broken = (text: string, file = 'native/init/planted.cpp'): string[] =>
  checkNative(file, text).map(({ rule, message }) => `${rule}: ${message.replace(/ \(.*/, '')}`)

const planted: Record<string, { bad: readonly string[]; good: readonly string[] }> = {
  path: {
    bad: [
      '::open(path.c_str(), O_RDONLY | O_CLOEXEC);',
      '::mkdir(name, 0755);',
      'sys::mount(source, "/data", type, 0, nullptr);',
      '::chown(path, 0, 0);',
      'if (::stat(path, &status) != 0) return;',
      'std::ifstream(path);',
      'sys::openat(AT_FDCWD, s.path.data, O_PATH | O_NOFOLLOW | O_CLOEXEC);',
      'sys::open_tree(AT_FDCWD, path, OPEN_TREE_CLOEXEC);',
      'raw(SYS_mkdirat, AT_FDCWD, word(path), 0755);',
      '::syscall(SYS_rename, from, "to");',
      '::rename("from", to.c_str());',
    ],
    good: [
      'sys::chdir("/");',
      'sys::pivot_root(".", ".");',
      'sys::statx(fd, "", AT_EMPTY_PATH, &status);',
      'sys::mkdirat(parent, name, 0755);',
      'std::string link = "/proc/self/fd/" + std::to_string(fd);\n::chmod(link.c_str(), 0700);',
      '// ::open(path, 0)\nconst char *text = "::open(path, 0)";',
      '// allow path: the state directory\n::mkdir(name, 0755);',
    ],
  },
  follow: {
    bad: [
      'sys::openat2(root, path, O_PATH | O_CLOEXEC, 0, 0);',
      'sys::openat(root, path, O_PATH | O_CLOEXEC);',
      'open_how how = {};\nhow.flags = O_CLOEXEC;\n::syscall(SYS_openat2, fd, path, &how, sizeof how);',
    ],
    good: [
      'sys::openat2(root, path, O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT);',
      'sys::openat(root, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);',
      'sys::openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);',
      'open_how how = {};\nhow.flags = O_CLOEXEC;\nhow.resolve = RESOLVE_BENEATH;\n::syscall(SYS_openat2, fd, path, &how, sizeof how);',
    ],
  },
  proc: {
    bad: ['const char *where = "/proc/self/attr/exec";', 'find("/sys/fs/cgroup");'],
    good: ['find("/processes");', '// "/proc"'],
  },
  cloexec: {
    bad: [
      'sys::openat2(root, path, O_PATH, 0, RESOLVE_IN_ROOT);',
      '::socket(AF_UNIX, SOCK_DGRAM, 0);',
      '::pipe2(ends, O_NONBLOCK);',
      '::pipe(ends);',
      '::dup(fd);',
      '::fcntl(fd, F_DUPFD, 3);',
      'sys::open_tree(fd, "", OPEN_TREE_CLONE);',
      'sys::memfd_create("x", 0);',
      'const int flags = O_PATH;\nsys::openat2(root, path, flags, 0, RESOLVE_IN_ROOT);',
    ],
    good: [
      'const int flags = O_PATH | O_CLOEXEC;\nsys::openat2(root, path, flags, 0, RESOLVE_IN_ROOT);',
      '::fcntl(fd, F_DUPFD_CLOEXEC, 3);',
      '::pipe2(ends, O_CLOEXEC);',
    ],
  },
  exec: {
    bad: ['sys::execve(path, argv, envp);', '::system("mount");'],
    good: ['raw(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH);'],
  },
  number: {
    bad: ['int uid = std::atoi(text);', '::strtol(text, nullptr, 10);'],
    good: ['number_in(text, INT32_MAX);'],
  },
  length: {
    bad: ['header.size = static_cast<uint16_t>(text.size());', 'static_cast<uint8_t>(length);'],
    good: ['static_cast<uint32_t>(text.size());'],
  },
  sleep: {
    bad: [
      '::usleep(1000);',
      'while (::nanosleep(&left, &left) != 0) continue;',
      'std::this_thread::sleep_for(std::chrono::milliseconds(1));',
      'raw(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, word(&time), 0);',
      '::poll(nullptr, 0, 10);',
      'sys::poll(nullptr, 0, &time);',
      '::select(0, nullptr, nullptr, nullptr, &time);',
      'if (tries > 10) ::sched_yield();',
    ],
    good: [
      '::poll(&entry, 1, deadline.left());',
      'sys::poll(entries, 3, &time);',
      'constexpr int kCalls[] = {SYS_clock_nanosleep};',
      '// allow sleep: no event tells\n::sched_yield();',
    ],
  },
}

for (const { name, because } of rules) {
  test(`the rule of native code about ${name} finds what it bans, and nothing else`, (t) => {
    t.regex(because, name === 'sleep' ? /docs\/performance\.md/ : /CVE-\d{4}-\d+/)
    for (const text of planted[name]!.bad)
      t.true(
        broken(text).some((found) => found.startsWith(name)),
        text,
      )
    for (const text of planted[name]!.good)
      t.deepEqual(
        broken(text).filter((found) => found.startsWith(name)),
        [],
        text,
      )
  })
}

test('what allows something has a reason, and something to allow', (t) => {
  t.deepEqual(broken('// allow path:\n::mkdir(name, 0755);').sort(), [
    'path: a reason is missing',
    'path: mkdir takes a path instead of a descriptor',
  ])
  t.deepEqual(broken('// allow path: once needed\nreturn 0;'), ['path: there is nothing to be allowed'])
  t.deepEqual(broken('// allow anything: please\nreturn 0;'), ['anything: there is no such rule'])
  // Only the statement below it.
  t.is(broken('// allow path: this one\n::mkdir(name, 0755);\n::rmdir(name);').length, 1)
  t.deepEqual(broken('// allow path in this file: the store\nint a;\n::mkdir(name, 0755);\n::rmdir(name);'), [])
  t.deepEqual(broken('int a;\nfoo("/proc");', 'native/addon/planted.cpp'), [])
})

const linter = new Linter()
const messages = (text: string): string[] =>
  linter
    .verify(
      text,
      [
        {
          files: ['**/*.ts'],
          languageOptions: { parser: tseslint.parser },
          rules: { 'no-restricted-syntax': ['error', ...sleeps, ...security.everywhere, ...security.inSteps] },
        },
      ],
      'planted.ts',
    )
    .map(({ message }) => message)

test('the rules of the compilers’ code find what they ban, and nothing else', (t) => {
  const bad = [
    'const uid = parseInt(text)',
    'const uid = Number.parseInt(text, 10)',
    'const uid = parseFloat(text)',
    "const data = layers.join(':')",
    "const data = options.join(',')",
    'const data = `lowerdir=${lower},upperdir=${upper}`',
    "const data = 'lowerdir=' + lower + ',upperdir=' + upper",
    'const target = `${rootfs}/dev/null`',
    "const target = posix.join(rootfs, 'dev')",
    "plan.add('openTree', '', { dst, path: '/proc/self', flags })",
  ]
  for (const text of bad) {
    const found = messages(text)
    t.is(found.length, 1, `${text}: ${found.join()}`)
    t.regex(found[0]!, /CVE-\d{4}-\d+/)
  }
  const good = [
    'const mode = parseInt(octal, 8)',
    'const sets = { inheritable: spec.inheritable ?? [] }',
    'const parameters = [`lowerdir=${lower}`, `upperdir=${upper}`]',
    "const text = names.join(', ')",
    "plan.add('openTree', '', { dst, path: '/dev/null', flags })",
  ]
  for (const text of good) t.deepEqual(messages(text), [], text)
})

test('nothing sleeps', (t) => {
  for (const text of [
    'await host.system.sleep(10)',
    'Atomics.wait(cell, 0, 0, 10)',
    'await new Promise((wake) => setTimeout(wake, 10))',
    'usleep(10)',
  ])
    t.is(messages(text).length, 1, text)
  for (const text of [
    "await exec({ args: ['sleep', '10'] })",
    'Atomics.load(cell, 0)',
    'await host.events.waitFor(fds, 10)',
  ])
    t.deepEqual(messages(text), [], text)
})
