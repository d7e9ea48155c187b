/**
 * What a command is asked to do: plain data that carries everything it needs (paths absolute or relative to `cwd`,
 * the caller's environment), so that a command reads no global state. cli/ makes them from argv; the library takes them as they are.
 */

/** The global flags. */
export interface Globals {
  /** State root; the default is `/run/runt`, or `$XDG_RUNTIME_DIR/runt` for a user other than root. */
  root: string
  /** Cgroups by systemd (`--systemd-cgroup`). */
  systemdCgroup: boolean
  cgroupManager: 'cgroupfs' | 'systemd' | 'disabled'
  rootless: boolean | 'auto'
  debug: boolean
  /** Working directory of the caller, against which relative paths are resolved. */
  cwd: string
  /** Environment of the caller. */
  env: Readonly<Record<string, string>>
}

/** What `create` is asked. */
export interface CreateRequest {
  /** Letters, digits and `_ + - .`; not in use below the state root. */
  id: string
  /** Directory; default: the working directory. */
  bundle?: string | undefined
  /** File with the configuration instead of `<bundle>/config.json`. */
  config?: string | undefined
  /** Unix socket that receives the terminal, for `process.terminal` without a foreground. */
  consoleSocket?: string | undefined
  /** File that the process id is written to. */
  pidFile?: string | undefined
  /** Unix socket that receives a pidfd of the container's init. */
  pidfdSocket?: string | undefined
  /** Change the root with MS_MOVE and chroot, for a root on the initial ramfs. */
  noPivot?: boolean | undefined
  /** Keep the caller's session keyring. */
  noNewKeyring?: boolean | undefined
  /** How many descriptors from 3 on the program inherits. */
  preserveFds?: number | undefined
  /** What the container changes in the layers of its root is kept in memory: as the annotation `io.runt.upper` with `tmpfs`. */
  tmpfsUpper?: boolean | undefined
}

/** What `run` is asked. */
export interface RunRequest extends CreateRequest {
  /** Return as soon as the program runs. */
  detach?: boolean | undefined
  /** Leave the stopped container's state and cgroup. */
  keep?: boolean | undefined
  /** Do not adopt orphaned processes of the container. */
  noSubreaper?: boolean | undefined
}

/** What `exec` is asked. */
export interface ExecRequest {
  /** The container's. */
  id: string
  /** File with a `process` object of config.json; else `args` and the flags below change the container's own process. */
  process?: string | undefined
  args?: readonly string[] | undefined
  cwd?: string | undefined
  env?: readonly string[] | undefined
  tty?: boolean | undefined
  /** `uid[:gid]`, decimal. */
  user?: string | undefined
  additionalGids?: readonly number[] | undefined
  detach?: boolean | undefined
  pidFile?: string | undefined
  consoleSocket?: string | undefined
  pidfdSocket?: string | undefined
  processLabel?: string | undefined
  apparmor?: string | undefined
  noNewPrivs?: boolean | undefined
  capabilities?: readonly string[] | undefined
  preserveFds?: number | undefined
  /** Path below the container's cgroup. */
  cgroup?: string | undefined
  ignorePaused?: boolean | undefined
}

/** What `kill` is asked. */
export interface KillRequest {
  /** The container's. */
  id: string
  /** Name with or without SIG, any case, or number; default SIGTERM. */
  signal?: string | undefined
  /** To all processes, of a container without a pid namespace of its own. */
  all?: boolean | undefined
}

/** What `deleteContainer` is asked. */
export interface DeleteRequest {
  /** The container's. */
  id: string
  /** End the container first; one that does not exist is no failure. */
  force?: boolean | undefined
}
