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

export interface CreateRequest {
  id: string
  /** Directory; default: the working directory. */
  bundle?: string | undefined
  /** File with the configuration instead of `<bundle>/config.json`. */
  config?: string | undefined
  consoleSocket?: string | undefined
  pidFile?: string | undefined
  pidfdSocket?: string | undefined
  noPivot?: boolean | undefined
  noNewKeyring?: boolean | undefined
  preserveFds?: number | undefined
}

export interface RunRequest extends CreateRequest {
  detach?: boolean | undefined
  /** Leave the stopped container's state and cgroup. */
  keep?: boolean | undefined
  noSubreaper?: boolean | undefined
}

export interface ExecRequest {
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

export interface KillRequest {
  id: string
  /** Name with or without SIG, any case, or number; default SIGTERM. */
  signal?: string | undefined
  all?: boolean | undefined
}

export interface DeleteRequest {
  id: string
  force?: boolean | undefined
}
