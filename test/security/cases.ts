/**
 * Weaknesses that were found in container runtimes and engines, or that others of their kind have: docs/security-cases.md is made
 * from them and from the comments `// cve:` above the tests (npm run security-cases).
 */
export interface Case {
  /** Of the same cause. */
  readonly ids: readonly string[]
  /** Whose it was. */
  readonly whose: string
  readonly cause: string
  /** What keeps it from happening here. */
  readonly answer: string
  /** What is known to fall for the test, so that the test is known to work. */
  readonly control?: string
}

export const cases: readonly Case[] = [
  {
    ids: ['CVE-2016-9962'],
    whose: 'runc, Docker',
    cause: 'A process of a container traced, or read the descriptors of, the init that joins its namespaces.',
    answer:
      'Init is not dumpable before it joins anything, has given up what leads out of the container by then, and its descriptors are closed on execution.',
  },
  {
    ids: ['CVE-2019-5736'],
    whose: 'runc, crun, youki',
    cause: 'A container had the runtime execute itself (`#!/proc/self/exe`) and opened that file for writing.',
    answer:
      'What enters a container is a small static init, run from a copy without a name: sealed in memory, or on a read-only tmpfs that is mounted nowhere. It is no file of the host.',
    control: 'In the test, an executable of the host that enters the container as it is: it is overwritten.',
  },
  {
    ids: ['CVE-2019-16884'],
    whose: 'runc, crun',
    cause: 'An image declared a volume over /proc, and the LSM label was written to a file of the image.',
    answer:
      'Nothing but a procfs is mounted on /proc, nothing of a process is covered, and labels are written through the host’s procfs, proven to be one.',
  },
  {
    ids: ['CVE-2019-18837'],
    whose: 'crun',
    cause: 'A symlink of the image was followed out of the root as the target of a mount.',
    answer: 'Each target is resolved by one openat2(2) with RESOLVE_IN_ROOT, and mounted on by its descriptor.',
  },
  {
    ids: ['CVE-2019-19921', 'CVE-2023-27561', 'CVE-2023-28642', 'CVE-2025-54867'],
    whose: 'runc, youki',
    cause: '/proc or /sys of an image was a symlink, or exchanged for one, so that masks and labels went elsewhere.',
    answer:
      'A procfs and a sysfs are mounted on real directories only (O_NOFOLLOW), and paths in them are masked in those mounts themselves.',
    control: 'An earlier runt, whose masks were looked up below the root, fell for the race.',
  },
  {
    ids: ['CVE-2021-30465', 'CVE-2024-45310'],
    whose: 'runc',
    cause: 'A volume’s directory was exchanged for a symlink between the check of a target and its use or making.',
    answer:
      'No path is walked twice. What is missing is made component by component in the descriptor of its parent, never by path.',
    control: 'Debian 12’s runc 1.1.5 can fall for the race with enough rounds.',
  },
  {
    ids: ['CVE-2021-43784'],
    whose: 'runc',
    cause:
      'The length of an attribute of the message to init overflowed 16 bits, so that data became other attributes.',
    answer:
      'Plans have lengths of 32 bits, each checked against the whole by init, which takes no byte too many or too few.',
  },
  {
    ids: ['CVE-2022-29162', 'CVE-2022-27650', 'CVE-2025-27612', 'CVE-2022-24769'],
    whose: 'runc, crun, youki, Docker',
    cause: 'Capabilities were put into the inheritable set, by `exec --cap` or by default.',
    answer: 'The inheritable and the ambient set have what config.json gives them, and nothing else ever.',
  },
  {
    ids: ['CVE-2023-25809'],
    whose: 'runc',
    cause: 'Without root and without a cgroup namespace, the host’s cgroups of the user could be written to.',
    answer: 'A cgroup mount is a bind of its own, with the options of config.json in force before anybody sees it.',
  },
  {
    ids: ['CVE-2024-21626'],
    whose: 'runc',
    cause: 'A descriptor of a directory of the host leaked into the container, and was its working directory.',
    answer:
      'All descriptors are closed on execution, the range of the others is marked once more before it, and a working directory must have a path below the root.',
  },
  {
    ids: ['CVE-2024-3154'],
    whose: 'CRI-O',
    cause: 'An annotation that anybody could set became a property of the systemd unit, such as ExecStartPre.',
    answer:
      'The unit is a scope, which has nothing to execute, and the prefix is among what `runt features` calls unsafe annotations.',
  },
  {
    ids: ['CVE-2025-23266'],
    whose: 'NVIDIA Container Toolkit, runc',
    cause: 'createContainer hooks, which run with all rights, had the environment that the image chose: LD_PRELOAD.',
    answer: 'Hooks before the root is entered have their own environment or that of runt’s caller.',
  },
  {
    ids: ['CVE-2025-24965'],
    whose: 'crun',
    cause: 'A file of the krun handler was written into the root through a symlink of the image.',
    answer: 'runt writes no file into a root filesystem; what it makes there are mount points, devices and links.',
  },
  {
    ids: ['CVE-2025-31133', 'CVE-2025-62161'],
    whose: 'runc, youki',
    cause: 'Masked files were covered by the container’s /dev/null, for which the image had put something else.',
    answer: 'The cover is the host’s null device, taken first and proven to be character device 1:3.',
    control: 'Debian 12’s runc 1.1.5, in the test.',
  },
  {
    ids: ['CVE-2025-52565'],
    whose: 'runc, youki',
    cause: '/dev/pts/N was exchanged for a link before it was bound on /dev/console.',
    answer:
      'The terminal is opened by TIOCGPTPEER from a multiplexer that is proven to be that of a devpts, and mounted by its descriptor.',
  },
  {
    ids: ['CVE-2025-52881', 'CVE-2025-62596'],
    whose: 'runc, youki',
    cause: 'Writes of labels and kernel parameters were led to other files of /proc, by a race or a mount.',
    answer:
      'They go through a procfs that nobody else sees, with RESOLVE_BENEATH, RESOLVE_NO_XDEV and RESOLVE_NO_SYMLINKS.',
  },
  {
    ids: ['CVE-2026-30892'],
    whose: 'crun',
    cause: '`exec --user 1` was taken for user 0.',
    answer: 'A user is decimal digits, and after a colon a group: anything else is refused.',
  },
  {
    ids: ['CVE-2026-41579', 'CVE-2026-47766'],
    whose: 'runc, crun',
    cause: '/dev of the image was a symlink, and devices and links were made outside.',
    answer: 'Devices and links are made in the descriptor of a directory that was resolved inside the root.',
    control: 'Debian 12’s runc 1.1.5 and crun 1.8.1, in the test.',
  },
  {
    ids: ['layer-paths'],
    whose: 'unpackers of images',
    cause: 'Entries of an archive, links among them, led out of the directory that it was unpacked to.',
    answer: 'Every name is made in the descriptor of its parent, and the process that unpacks has no other root.',
  },
  {
    ids: ['layer-annotations'],
    whose: 'runt',
    cause: 'An annotation that an engine copies from an image names directories of the host as layers.',
    answer:
      'Layers are refused in configurations of engines that copy annotations, and where root.path is a root that somebody prepared; the prefix is called unsafe.',
  },
  {
    ids: ['session-keyring'],
    whose: 'runc, crun, youki',
    cause: 'Session keyrings are found by names that another container’s root can have made first.',
    answer: 'The name ends in 128 random bits, and only the container’s processes may find the keyring.',
  },
  {
    ids: ['left-namespaces'],
    whose: 'runc, crun',
    cause: 'exec follows a first process that has left its namespaces into others of its choice.',
    answer: 'state.json keeps the inodes of the namespaces, and init compares them once it has joined.',
  },
  {
    ids: ['secrets-in-errors'],
    whose: 'crun',
    cause: 'Values of the environment were printed or logged.',
    answer: 'Problems of an environment quote none of it.',
  },
  {
    ids: ['engine-environment'],
    whose: 'runt',
    cause: 'The engine of the executable takes orders from variables of its caller.',
    answer: 'The engine of the executable knows no such variables.',
  },
  {
    ids: ['terminal-escapes'],
    whose: 'many',
    cause: 'Names that an image chose reached the administrator’s terminal with their control characters.',
    answer: 'What errors quote is escaped.',
  },
  {
    ids: ['state-files'],
    whose: 'runt',
    cause: 'What a runtime keeps could be read or changed by other users, or a symlink of theirs followed.',
    answer: 'Directories are 0700, files 0600, and made with O_EXCL and O_NOFOLLOW; SECURITY.md lists them.',
  },
  {
    ids: ['exchanged-bundle'],
    whose: 'runtimes that read twice',
    cause: 'What was checked is not what was used: the configuration or the root was exchanged in between.',
    answer: 'config.json is read once, in one descriptor; the root is cloned once, and everything is made in that.',
  },
  {
    ids: ['cgroup-names'],
    whose: 'runt',
    cause: 'A container that may write to its cgroup hides processes in cgroups that no tool finds or removes.',
    answer: 'Cgroups are walked by descriptors, of any depth and name, and ended by cgroup.kill.',
  },
  {
    ids: ['nested-procfs'],
    whose: 'runtimes without pivot_root',
    cause: 'A user namespace below the container mounts a procfs that nothing masks.',
    answer: 'Whole mounts of the host’s procfs and sysfs are covered, so that the kernel refuses.',
  },
  {
    ids: ['host-parameters'],
    whose: 'runtimes that trust a path',
    cause: 'Kernel parameters, or the mounts of the machine itself, were changed through a namespace named by path.',
    answer: 'The namespace is compared with the machine’s own before anything is done in it.',
  },
]
