/** Where runt, runc and crun do not do the same, as the tests show it; the reason says why runt does what it does. */
export interface Difference {
  readonly what: string
  readonly runt: string
  readonly others: string
  readonly why: string
}

const daemons = 'daemons rely on it'
const security = 'what is not asked for is not given'

export const differences: readonly Difference[] = [
  {
    what: 'delete of a container that is created',
    runt: 'removes it',
    others: 'the same; the specification makes it an error',
    why: daemons,
  },
  {
    what: 'state of a paused container',
    runt: 'paused',
    others: 'the same; a value beyond the four of the specification, which allows it',
    why: daemons,
  },
  {
    what: 'kill with SIGKILL of a paused container',
    runt: 'ends it',
    others: 'runc 1.1.5: the signal is pending until somebody resumes the container',
    why: 'runtime.md: kill sends the signal to a running container',
  },
  {
    what: 'exec after config.json was changed or removed',
    runt: 'takes the process of the config.json that create read',
    others: 'runc 1.1.5: reads config.json again, and fails without it',
    why: 'runtime.md: changes after create do not affect the container',
  },
  {
    what: 'no capabilities in config.json',
    runt: 'no capabilities, as runc 1.1.5',
    others: 'runc 1.3.6: all that runc has itself',
    why: security,
  },
  {
    what: 'a file in the place of a device',
    runt: 'an error, and the file stays',
    others: 'runc 1.1.5 and crun 1.8.1: take what is there for the device',
    why: 'config-linux.md, Devices',
  },
  {
    what: 'an annotation without a name',
    runt: 'refused',
    others: 'runc and crun: taken',
    why: 'config.md, Annotations',
  },
  {
    what: 'the mode of a tmpfs whose target is there',
    runt: 'that of its options',
    others: 'runc 1.1.5: that of the target; runc 1.3.6: that of its options',
    why: 'the options are what the configuration asks for',
  },
  {
    what: 'a rootfs below a directory that the ids of the container’s user namespace may not enter',
    runt: 'attached as the caller, before it takes those ids',
    others: 'runc 1.1.5 and crun 1.8.1: permission denied',
    why: 'the caller may enter it, and names it',
  },
  {
    what: 'linux.resources.pids.limit of 0',
    runt: 'no limit where ociVersion is below 1.3, init alone from there on',
    others: 'runc 1.1.5 and crun 1.8.1: no limit',
    why: 'config-linux.md, PIDs: required until 1.3, so that writers in Go wrote 0 for none',
  },
  {
    what: 'a mount target below a symlink that leads nowhere',
    runt: 'made inside the root, as by runc',
    others: 'crun 1.28: no such file or directory',
    why: 'images have such links (/etc/resolv.conf)',
  },
  {
    what: 'rshared among the options of a tmpfs',
    runt: 'the mount is shared, as by runc',
    others: 'crun 1.28: it is private',
    why: 'config.md, Linux mount options',
  },
  {
    what: '/dev/console',
    runt: 'the terminal, bound to it, as by runc',
    others: 'crun 1.28: a symlink to /dev/pts/0',
    why: 'config-linux.md, Default devices',
  },
  {
    what: 'what a program wrote to its terminal just before it ended',
    runt: 'arrives whole',
    others: 'crun 1.8.1 and 1.28: the end may be missing',
    why: 'output is not to be lost',
  },
  {
    what: 'the window of the terminal',
    runt: 'has its size when the program starts',
    others: 'runc and crun: gets it while the program runs',
    why: 'a program may read it once, at its start',
  },
  {
    what: 'list --format json without containers',
    runt: 'null, as runc 1.1.5',
    others: 'runc 1.3.6: nothing',
    why: 'nothing is no JSON',
  },
  {
    what: 'a variable that is twice in process.env',
    runt: 'once, with its last value',
    others: 'runc 1.1.5: handed on twice',
    why: 'as newer runcs; which of two counts is up to the program',
  },
  {
    what: 'the id ..',
    runt: 'refused by every command',
    others: 'crun 1.8.1: delete removes the directory above the state',
    why: 'an id is a name in the directory of the state',
  },
  {
    what: 'poststart hooks',
    runt: 'run in `start`, after the program was executed; one that fails ends the container and destroys it',
    others: 'runc before 1.5 runs them in `create`; Debian 12’s crun ignores their failure',
    why: 'runtime.md#lifecycle, steps 8 and 9',
  },
  {
    what: 'createContainer hooks without an environment of their own',
    runt: 'have the caller’s, as the hooks of the runtime',
    others: 'crun: the same; runc 1.1.5 gives them what the image says, LD_PRELOAD included (CVE-2025-23266)',
    why: security,
  },
  {
    what: 'what a hook started, at its timeout; and a hook whose runtime is killed',
    runt: 'are killed, too',
    others: 'runc 1.1.5 and crun 1.8.1: go on',
    why: 'nobody is left who would wait for them',
  },
  {
    what: 'startContainer hooks that fail',
    runt: '`start` fails, and the container is destroyed, with its poststop hooks',
    others: 'runc’s `start` does not see it, and the container stays, stopped',
    why: 'runtime.md#lifecycle, step 7',
  },
]
