/**
 * The host that acts on this machine, at once: every function is a call of the addon and answers with a plain value.
 * Not node:fs: the executable's own engine has none, and so both engines make the same calls in the same way.
 */
import type { Addon } from './addon.ts'
import { commandOf, loadAddon } from './addon.ts'
import { nodeProcess, ownEngine } from './engine.ts'
import type {
  Archives,
  Cgroups,
  Events,
  Files,
  Host,
  Networks,
  Output,
  Processes,
  Seccomp,
  Sockets,
  System,
  Systemd,
} from './host.ts'
import { throwingSystemErrors } from './system-error.ts'

/** Of a text that is read whole, where the caller names no limit. */
const defaultMaxBytes = 16 << 20

const noCpus: readonly number[] = []

const standardOutput = 1
const standardError = 2

/**
 * The host that acts on this machine.
 * @throws RuntError `ADDON` where the native addon cannot be loaded
 */
export function directHost(): Host {
  const addon = throwing(loadAddon())
  return {
    files: files(addon),
    processes: processes(addon),
    events: events(addon),
    sockets: sockets(addon),
    cgroups: cgroups(addon),
    networks: networks(addon),
    systemd: systemd(addon),
    seccomp: seccomp(addon),
    archives: archives(addon),
    output: output(addon),
    system: system(addon),
  }
}

/** The addon with every function throwing SystemError. Functions are wrapped when they are first used: a command uses few. */
function throwing(addon: Addon): Addon {
  return new Proxy({} as Addon, {
    get(cache, name: string) {
      const known: unknown = Reflect.get(cache, name)
      if (known !== undefined) return known
      const call = throwingSystemErrors(Reflect.get(addon, name) as (...args: unknown[]) => unknown)
      Reflect.set(cache, name, call)
      return call
    },
  })
}

function files(addon: Addon): Files {
  return {
    readText: (path, maxBytes = defaultMaxBytes) => addon.readText(path, maxBytes, false)!,
    readTextIfExists: (path) => addon.readText(path, defaultMaxBytes, true),
    writeExisting: (path, text) => addon.writeExisting(path, text),
    writeAtomic: (path, text, mode = 0o600, unnamed = false) => addon.writeAtomic(path, text, mode, unnamed),
    writeNew: (path, text, mode) => addon.writeNew(path, text, mode),
    append: (path, text, mode) => addon.append(path, text, mode),
    status: (path, options) => addon.status(path, options?.follow ?? true),
    readLink: (path) => addon.readLink(path),
    realPath: (path) => addon.realPath(path),
    list: (path) => addon.list(path),
    mkdir: (path, mode) => addon.mkdir(path, mode),
    mkdirParents: (path, mode) => addon.mkdirParents(path, mode),
    rmdir: (path) => addon.rmdir(path),
    unlink: (path) => addon.unlink(path),
    removeTree: (path) => addon.removeTree(path),
    removeDeep: (path) => addon.removeDeep(path),
    unmount: (path) => addon.unmount(path),
    rename: (path, target) => addon.rename(path, target),
    chown: (path, uid, gid) => addon.chown(path, uid, gid),
    mkfifo: (path, mode) => addon.mkfifo(path, mode),
    open: (path, flags) => addon.open(path, flags),
    close: (fd) => addon.close(fd),
    read: (fd, max) => addon.read(fd, max),
    waitReadable: (fd, timeoutMs) => addon.pidfdWait(fd, timeoutMs),
    // Of the writing end poll(2) tells that alone, asked or not (POLLERR).
    waitUnread: (fd, timeoutMs) => addon.pidfdWait(fd, timeoutMs),
    unread: (fd) => addon.unread(fd),
    write: (fd, data) => addon.write(fd, data),
    lock: (fd, wait) => addon.lock(fd, wait),
    lockShared: (fd) => addon.lockShared(fd),
    lockWithin: (fd, watch, timeoutMs) => addon.lockWithin(fd, watch, timeoutMs),
    filesystemType: (path) => addon.filesystemType(path),
  }
}

function processes(addon: Addon): Processes {
  return {
    spawn: ({ plan, inputs, cloneFlags, cgroup, preserveFds, cpus, output }) =>
      addon.spawn(plan, inputs, cloneFlags, cgroup, preserveFds, cpus ?? noCpus, output ?? -1),
    receive: (socket) => addon.receive(socket),
    decodeMessage: (packet) => addon.decodeMessage(packet),
    proceed: (socket) => addon.proceed(socket),
    pidfdOpen: (pid) => addon.pidfdOpen(pid),
    pidfdGetFd: (pidfd, number) => addon.pidfdGetFd(pidfd, number),
    pidfdSignal: (pidfd, signal) => addon.pidfdSignal(pidfd, signal),
    pidfdWait: (pidfd, timeoutMs) => addon.pidfdWait(pidfd, timeoutMs),
    wait: (pid) => addon.wait(pid),
    holdSignals: (hold) => addon.holdSignals(hold),
    foreground: ({ pid, pidfd, terminal, notify }) =>
      addon.foreground(pid, pidfd, terminal, notify?.socket ?? -1, notify?.host ?? -1),
    relayReady: ({ socket, host, pid, pidfd }) => addon.relayReady(socket, host, pid, pidfd),
    setLimit: (pid, resource, soft, hard) => addon.setLimit(pid, resource, soft, hard),
    setScheduler: (pid, { policy, flags, nice, priority, runtime, deadline, period }) => {
      const words = [flags, runtime, deadline, period].map(BigInt) as [bigint, bigint, bigint, bigint]
      addon.setScheduler(pid, policy, nice, priority, ...words)
    },
    setIoPriority: (pid, ioClass, priority) => addon.setIoPriority(pid, ioClass, priority),
    namespaces: (pid, names) => addon.namespaces(pid, names),
    becomeSubreaper: () => addon.becomeSubreaper(),
    pipe: () => addon.pipe(),
    runHook: ({ path, args, env, stdin, timeout, directory }) =>
      addon.runHook(path, args, env, stdin, timeout, directory ?? ''),
    windowSize: (terminal) => addon.windowSize(terminal),
    setWindowSize: (terminal, rows, columns) => addon.setWindowSize(terminal, rows, columns),
  }
}

function events(addon: Addon): Events {
  return {
    watchFiles: (paths) => addon.watchFiles(paths),
    catchSignals: (signals) => addon.catchSignals(signals),
    waitFor: (fds, timeoutMs) => addon.waitFor(fds, timeoutMs),
    typedKeys: (on) => addon.typedKeys(on),
  }
}

function sockets(addon: Addon): Sockets {
  return {
    sendDescriptor: (socketPath, fd, data) => addon.sendDescriptor(socketPath, fd, data),
    notifySocket: (directory) => addon.notifySocket(directory),
    notifyHost: (address) => addon.notifyHost(address),
  }
}

function cgroups(addon: Addon): Cgroups {
  return {
    setDeviceFilter: (cgroup, program) => addon.setDeviceFilter(cgroup, program),
    chown: (cgroup, files, uid) => addon.chownCgroup(cgroup, files, uid),
    waitForEvent: (path, line, timeoutMs) => addon.waitForCgroupEvent(path, line, timeoutMs),
    tasksBelow: (path) => addon.cgroupTasksBelow(path),
    removeBelow: (path) => addon.removeCgroupsBelow(path),
  }
}

function networks(addon: Addon): Networks {
  return {
    find: (network, name) => addon.netDevice(network, name),
    move: (from, index, to, name) => addon.moveNetDevice(from, index, to, name),
    setUp: (network, { index, up, addresses }, name) => addon.setUpNetDevice(network, index, name, addresses, up),
  }
}

function systemd(addon: Addon): Systemd {
  return {
    open: ({ address, direct, timeoutMs }) => addon.systemdOpen(address, direct, timeoutMs),
    close: (connection) => addon.systemdClose(connection),
    call: (connection, { member, signature, args, job, timeoutMs }) =>
      addon.systemdCall(connection, member, signature, args, job, timeoutMs),
    property: (connection, name, timeoutMs) => addon.systemdProperty(connection, name, timeoutMs),
  }
}

function seccomp(addon: Addon): Seccomp {
  const words = (list: readonly number[]) => new Uint8Array(Uint32Array.from(list).buffer)
  return {
    digest: (text) => addon.sha256(text),
    library: () => addon.seccompLibrary(),
    resolve: (names, architectures) => new Int32Array(addon.resolveSyscalls(names, words(architectures)).buffer),
    compile: ({ defaultAction, architectures, optimize, rules }) =>
      addon.compileSeccomp(
        defaultAction,
        words(architectures),
        optimize,
        new Uint8Array(rules.buffer, rules.byteOffset, rules.byteLength),
      ),
  }
}

function archives(addon: Addon): Archives {
  return {
    unpack: ({ source, layers, directory, maxEntries, maxBytes, rights }) =>
      addon.unpackOpen(source, layers, directory, maxEntries, maxBytes, rights),
    spool: (source, directory, { maxEntries, maxBytes }) =>
      addon.spoolOpen(source, directory ?? '', maxEntries, maxBytes),
    step: (work, milliseconds) => addon.unpackStep(work, milliseconds),
    finish: (work) => addon.unpackFinish(work),
    close: (work) => addon.unpackClose(work),
    imageFiles: (layers, paths, maxBytes, rights) => addon.imageFiles(layers, paths, maxBytes, rights),
    changes: ({ directory, layers, maxEntries }) => addon.changesOpen(directory, layers, maxEntries),
    changesStep: (work, milliseconds) => addon.changesStep(work, milliseconds),
    changesClose: (work) => addon.changesClose(work),
    export: ({ directory, target, compression, maxEntries, maxBytes }) =>
      'path' in target
        ? addon.exportOpen(directory, target.path, -1, compression, maxEntries, maxBytes)
        : addon.exportOpen(directory, '', target.fd, compression, maxEntries, maxBytes),
    exportStep: (work, milliseconds) => addon.exportStep(work, milliseconds),
    exportFinish: (work) => addon.exportFinish(work),
    exportClose: (work) => addon.exportClose(work),
  }
}

/** A reader that went away is no failure of the command; what it already did stands. */
function output(addon: Addon): Output {
  return {
    stdout: (text) => void addon.writeStream(standardOutput, text),
    stderr: (text) => void addon.writeStream(standardError, text),
  }
}

function system(addon: Addon): System {
  return {
    now: () => addon.now(),
    monotonic: () => addon.monotonic(),
    euid: () => addon.euid(),
    permittedCapabilities: () => addon.permittedCapabilities(),
    egid: () => addon.egid(),
    inUserNamespace: () => addon.inUserNamespace(),
    kernelRelease: () => addon.kernelRelease(),
    architecture: () => ownEngine?.architecture ?? nodeProcess.arch,
    random: () => addon.random(),
    ownCommand: () => commandOf(addon.realPath('/proc/self/exe')),
  }
}
