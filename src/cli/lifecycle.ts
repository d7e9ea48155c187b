/**
 * The commands that callers run for every container, and the flags before any command: the part of the table of commands (commands.ts) that
 * each start reads.
 */
import type { OptionRow } from './parse.ts'
import type { Command } from './table.ts'

export const bundle: OptionRow = {
  name: 'bundle',
  short: 'b',
  value: 'dir',
  doc: 'directory of the bundle (default: the working directory)',
}
export const config: OptionRow = {
  name: 'config',
  short: 'f',
  value: 'file',
  doc: 'configuration to use instead of config.json of the bundle',
}
const consoleSocket: OptionRow = {
  name: 'console-socket',
  value: 'path',
  doc: 'unix socket that receives the terminal, for process.terminal without a foreground',
}
const pidFile: OptionRow = { name: 'pid-file', value: 'file', doc: 'file to write the process id to' }
const pidfdSocket: OptionRow = {
  name: 'pidfd-socket',
  value: 'path',
  doc: 'unix socket that receives a pidfd of the process',
}
const preserveFds: OptionRow = {
  name: 'preserve-fds',
  value: 'count',
  number: true,
  doc: 'descriptors from 3 on, after those of $LISTEN_FDS, that the program inherits (default: 0)',
}
const detach: OptionRow = { name: 'detach', short: 'd', doc: 'return as soon as the program runs' }

/** What `create` and `run` share. */
export const makes: readonly OptionRow[] = [
  bundle,
  config,
  consoleSocket,
  pidFile,
  pidfdSocket,
  { name: 'no-pivot', doc: 'change the root with MS_MOVE and chroot, for a root on the initial ramfs' },
  { name: 'no-new-keyring', doc: "keep the caller's session keyring" },
  preserveFds,
  { name: 'tmpfs-upper', doc: 'keep in memory what the container changes in the layers of its root' },
]

export const id = { name: 'container-id' }

export const helpOption: OptionRow = { name: 'help', short: 'h', doc: 'print this help' }

export const globalOptions: readonly OptionRow[] = [
  {
    name: 'root',
    value: 'dir',
    doc: 'directory of the state (default: /run/runt, or $XDG_RUNTIME_DIR/runt without root)',
  },
  { name: 'log', value: 'file', doc: 'file to which errors are appended (default: standard error)' },
  { name: 'log-format', value: 'text|json', choices: ['text', 'json'], doc: 'format of the log (default: text)' },
  { name: 'debug', doc: 'log warnings and details too' },
  {
    name: 'trace',
    value: 'file',
    doc: 'file to write where the time goes to, for Perfetto; %p is the process id, %c the command (default: $RUNT_TRACE)',
  },
  { name: 'systemd-cgroup', doc: 'have systemd make the cgroup' },
  {
    name: 'cgroup-manager',
    value: 'cgroupfs|systemd|disabled',
    choices: ['cgroupfs', 'systemd', 'disabled'],
    doc: 'who makes the cgroup (default: cgroupfs)',
  },
  {
    name: 'rootless',
    value: 'true|false|auto',
    choices: ['true', 'false', 'auto'],
    doc: 'ignore what needs root (default: auto)',
  },
  { name: 'version', short: 'v', doc: 'print the version' },
  helpOption,
]

export const lifecycle: readonly Command[] = [
  {
    name: 'create',
    doc: 'make a container that waits for start',
    args: { list: [id], min: 1, max: 1 },
    options: [...makes, { name: 'no-subreaper', doc: '', hidden: true }],
    load: () => import('./create.ts'),
  },
  {
    name: 'delete',
    doc: 'remove what a container left behind',
    args: { list: [id], min: 1, max: 1 },
    options: [{ name: 'force', short: 'f', doc: 'end the container first; one that does not exist is no error' }],
    load: () => import('./delete.ts'),
  },
  {
    name: 'exec',
    doc: 'run another process in a container',
    args: { list: [id, { name: 'command', optional: true }, { name: 'args', optional: true, many: true }], min: 1 },
    stopAtArgument: true,
    options: [
      consoleSocket,
      { name: 'cwd', value: 'container-dir', doc: 'working directory in the container' },
      { name: 'env', short: 'e', value: 'name=value', list: true, doc: 'environment variable; may be repeated' },
      { name: 'tty', short: 't', doc: 'give the process a terminal' },
      { name: 'user', short: 'u', value: 'uid[:gid]', doc: 'user and group, as numbers' },
      {
        name: 'additional-gids',
        short: 'g',
        value: 'gid',
        number: true,
        list: true,
        doc: 'supplementary group; may be repeated',
      },
      {
        name: 'process',
        short: 'p',
        value: 'file',
        doc: 'file with a process object as in config.json, instead of a command',
      },
      detach,
      pidFile,
      pidfdSocket,
      { name: 'process-label', value: 'label', doc: 'SELinux label of the process' },
      { name: 'apparmor', value: 'profile', doc: 'AppArmor profile of the process' },
      { name: 'no-new-privs', doc: 'the process can gain no privileges' },
      { name: 'cap', short: 'c', value: 'capability', list: true, doc: 'capability to add; may be repeated' },
      preserveFds,
      { name: 'cgroup', value: 'path', doc: "cgroup of the process, below the container's" },
      { name: 'ignore-paused', doc: 'also in a paused container' },
    ],
    load: () => import('./exec.ts'),
  },
  {
    name: 'kill',
    doc: "send a signal to a container's init",
    args: { list: [id, { name: 'signal', optional: true }], min: 1, max: 2 },
    stopAtArgument: true,
    options: [{ name: 'all', short: 'a', doc: 'to all processes of a container without a pid namespace of its own' }],
    load: () => import('./kill.ts'),
  },
  {
    name: 'run',
    doc: 'create and start a container, wait for its end and delete it',
    args: { list: [id], min: 1, max: 1 },
    options: [
      ...makes,
      detach,
      { name: 'keep', doc: 'do not delete the container when it ended' },
      { name: 'no-subreaper', doc: 'do not adopt orphaned processes of the container' },
    ],
    load: () => import('./run.ts'),
  },
  {
    name: 'start',
    doc: 'let a created container execute its program',
    args: { list: [id], min: 1, max: 1 },
    options: [],
    load: () => import('./start.ts'),
  },
  {
    name: 'state',
    doc: 'print the state of a container as JSON',
    args: { list: [id], min: 1, max: 1 },
    options: [],
    load: () => import('./state.ts'),
  },
]
