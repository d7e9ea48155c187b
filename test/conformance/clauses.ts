/**
 * Every MUST, MUST NOT, SHALL and REQUIRED of the OCI runtime specification 1.3.0 that binds a runtime on Linux, in our own words.
 * A clause's id is `<file>#<heading>/<name>`; tests name it in a comment `// covers: <id>` directly above them, and
 * docs/conformance.md is made from both (scripts/conformance.ts).
 */

/** What the specification demands, or that with the reason why no test can prove it. */
type Clause = string | { readonly text: string; readonly untestable: string }

/** By file, then by heading as GitHub's anchors spell it, then by the clause's name. */
export const specification: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Clause>>>>>> = {
  'bundle.md': {
    'container-format': {
      'config-json': 'The configuration is the file config.json at the top of the bundle.',
    },
  },

  'runtime.md': {
    'scope-of-a-container': {
      'same-caller': 'Who created a container can use every operation on it.',
    },
    state: {
      'id-unique': 'The id is unique among all containers of the host.',
      properties: 'ociVersion, id, status and bundle are there; bundle is an absolute path.',
      'pid-of-a-live-one': 'pid is there while the container is created or running, and is that of its process.',
      'status-values':
        'A status beyond the four of the specification stands for a state that none of the four describes.',
      schema: 'Serialized as JSON, the state fits the specification’s JSON Schema.',
    },
    lifecycle: {
      environment: 'create makes the environment that config.json describes, and all resources that it asks for.',
      'environment-error': 'What cannot be made as described is an error.',
      'program-waits': 'create does not run the user’s program.',
      'config-is-read-once': 'Changes of config.json after create do not affect the container.',
      prestart: 'prestart hooks are invoked.',
      'prestart-failure':
        'A prestart hook that fails is an error, stops the container and has it destroyed, with its poststop hooks.',
      'create-runtime': 'createRuntime hooks are invoked.',
      'create-runtime-failure':
        'A createRuntime hook that fails is an error and has the container destroyed, with its poststop hooks.',
      'create-container': 'createContainer hooks are invoked.',
      'create-container-failure':
        'A createContainer hook that fails is an error and has the container destroyed, with its poststop hooks.',
      'start-container': 'startContainer hooks are invoked.',
      'start-container-failure':
        'A startContainer hook that fails is an error and has the container destroyed, with its poststop hooks.',
      program: 'start runs the program of process.',
      poststart: 'poststart hooks are invoked.',
      'poststart-failure':
        'A poststart hook that fails is an error, stops the container and has it destroyed, with its poststop hooks (until 1.2.1 a warning).',
      destroy: 'delete undoes what create did.',
      poststop: 'poststop hooks are invoked.',
      'poststop-failure':
        'A poststop hook that fails is a warning; the other hooks run and the container is gone all the same.',
    },
    errors: {
      'as-never-attempted': 'An operation that fails leaves everything as if it had never been tried.',
    },
    warnings: {
      'goes-on': 'An operation goes on after a warning.',
    },
    operations: {
      all: 'state, create, start, kill and delete are there.',
    },
    'query-state': {
      'id-required': 'state without an id is an error.',
      missing: 'state of a container that does not exist is an error.',
      answer: 'state tells the state.',
    },
    create: {
      'arguments-required': 'create without an id, or without a bundle, is an error.',
      'id-refused': 'An id that is in use or not valid is an error, and no container is made.',
      container: 'create makes a new container.',
      properties: 'create applies all properties but those of process.',
      'args-wait': 'process.args is not applied before start.',
      'all-or-nothing': 'A property that cannot be applied as it stands is an error, and no container is made.',
    },
    start: {
      'id-required': 'start without an id is an error.',
      'created-only': 'start of a container that is not created is an error and has no effect on it.',
      program: 'start runs the program of process.',
      'process-required': 'start without process in config.json is an error.',
    },
    kill: {
      'id-required': 'kill without an id is an error.',
      'live-only': 'kill of a container that is neither created nor running is an error and has no effect on it.',
      signal: 'kill sends the signal to the container’s process.',
    },
    delete: {
      'id-required': 'delete without an id is an error.',
      'stopped-only': 'delete of a container that is not stopped is an error and has no effect on it.',
      resources: 'delete removes what create made.',
      'nothing-else': 'delete leaves alone what belongs to the container but was not made by create.',
    },
  },

  'runtime-linux.md': {
    'file-descriptors': {
      'standard-streams': 'Without further ado the program has its three standard streams and no other descriptor.',
    },
    'dev-symbolic-links': {
      links: '/dev/fd, stdin, stdout and stderr are links to /proc/self/fd and what is in it, where that exists.',
    },
  },

  'config.md': {
    'specification-version': {
      semver: 'ociVersion is a version as of SemVer 2.0.0.',
    },
    root: {
      required: 'root is there.',
      directory: 'root.path is a directory that exists.',
      readonly: 'With root.readonly the root cannot be written to inside the container.',
    },
    mounts: {
      order: 'Mounts are made in the order of the list.',
      'relative-destination': 'A relative destination counts from /.',
    },
    'linux-mount-options': {
      flags: 'The options of mount(8) that the table marks with MUST are implemented.',
      bind: 'bind and rbind are implemented.',
      propagation: 'private, shared, slave, unbindable and their recursive forms are implemented.',
      remount: 'remount is implemented.',
      'idmap-given': 'idmap and ridmap use the mappings of the mount where it has some.',
      'idmap-without-mappings': 'idmap and ridmap without mappings of their own or of a user namespace are an error.',
    },
    'posix-platform-mounts': {
      'mappings-together': 'uidMappings and gidMappings of a mount stand together.',
    },
    process: {
      'console-size-ignored': 'consoleSize counts for nothing without a terminal.',
      'cwd-absolute': 'cwd is an absolute path.',
      'args-required': 'args has at least one entry.',
    },
    'posix-process': {
      'unknown-rlimit': 'A limit that the kernel does not have is an error.',
      'rlimit-values':
        'getrlimit(2) in the container gives for each limit the soft and the hard value of the configuration.',
      'rlimit-twice': 'A limit that is there twice is an error.',
    },
    'linux-process': {
      'capability-warning': 'A capability that is unknown or cannot be granted is a warning.',
      'oom-score-adj': 'oomScoreAdj is set where it is there.',
      'oom-score-adj-absent': 'oom_score_adj stays as it is where oomScoreAdj is absent.',
    },
    'posix-platform-hooks': {
      'path-absolute': 'A hook’s path is absolute.',
      'timeout-positive': 'A hook’s timeout is more than zero.',
      'listed-order': 'Hooks are called in the order of their list.',
      state: 'A hook gets the container’s state on standard input.',
    },
    prestart: {
      when: 'prestart hooks run during create, when the environment is there and before the root changes.',
      'before-create-runtime': 'prestart hooks run before the createRuntime hooks.',
      path: 'The path of a prestart hook is one of the runtime’s namespaces.',
      namespace: 'prestart hooks run in the runtime’s namespaces.',
    },
    'createruntime-hooks': {
      when: 'createRuntime hooks run during create, when the environment is there and before the root changes.',
      path: 'The path of a createRuntime hook is one of the runtime’s namespaces.',
      namespace: 'createRuntime hooks run in the runtime’s namespaces.',
    },
    'createcontainer-hooks': {
      when: 'createContainer hooks run during create, when the environment is there and before the root changes.',
      'after-create-runtime': 'createContainer hooks run after the createRuntime hooks.',
      path: 'The path of a createContainer hook is one of the runtime’s namespaces.',
      namespace: 'createContainer hooks run in the container’s namespaces.',
    },
    'startcontainer-hooks': {
      when: 'startContainer hooks run during start, before the program is executed.',
      path: 'The path of a startContainer hook is one inside the container.',
      namespace: 'startContainer hooks run in the container’s namespaces.',
    },
    poststart: {
      when: 'poststart hooks run after the program was executed and before start returns.',
      path: 'The path of a poststart hook is one of the runtime’s namespaces.',
      namespace: 'poststart hooks run in the runtime’s namespaces.',
    },
    poststop: {
      when: 'poststop hooks run after the container was deleted and before delete returns.',
      path: 'The path of a poststop hook is one of the runtime’s namespaces.',
      namespace: 'poststop hooks run in the runtime’s namespaces.',
    },
    annotations: {
      map: 'Annotations are a map of strings.',
      'key-not-empty': 'No annotation has an empty key.',
      unknown: 'An unknown annotation is treated like an unknown property.',
    },
    extensibility: {
      'unknown-ignored': 'Unknown properties are ignored.',
    },
    'valid-values': {
      invalid: 'A value that is not valid or not supported is an error.',
    },
  },

  'config-linux.md': {
    namespaces: {
      'path-absolute': 'The path of a namespace is absolute.',
      joined: 'The process is in the namespace that the path names.',
      'wrong-type': 'A path that leads to a namespace of another type is an error.',
      created: 'Without a path a new namespace is made.',
      inherited: 'A type that is not listed is the runtime’s namespace.',
      twice: 'A type that is listed twice is an error.',
    },
    devices: {
      available: 'The listed devices are in the container.',
      'existing-file': 'A file that stands in a device’s place and is not that device is an error.',
    },
    'default-devices': {
      supplied: 'null, zero, full, random, urandom and tty are in /dev.',
      console: '/dev/console is the container’s terminal where it has one.',
      ptmx: '/dev/ptmx is that of the container’s own devpts.',
    },
    'network-devices': {
      available: 'The listed network devices are in the container.',
      'name-taken': 'A device whose name is taken in the container is an error.',
      template: 'A new name with %d is completed by the kernel.',
      addresses: 'A device keeps its attributes, and its permanent addresses of global scope.',
      up: 'A device is up after it was moved.',
      unmanaged: 'The runtime does nothing further to a device in the container.',
      stays: 'The runtime does not take a device out of the container before its namespace ends.',
    },
    'control-groups': {
      unfit: 'A cgroup that the runtime finds unfit is an error.',
    },
    'cgroups-path': {
      forms: 'cgroupsPath is an absolute or a relative path.',
      absolute: 'An absolute path counts from the mount point of the cgroups.',
      consistent: 'The same path is the same cgroup each time.',
      invalid: 'A path that the runtime takes for invalid is an error.',
    },
    'cgroup-ownership': {
      'missing-files': 'Files of the kernel’s list for delegation that are missing in the cgroup are no error.',
      'without-list': 'Without the kernel’s list it is cgroup.procs, cgroup.subtree_control and cgroup.threads.',
    },
    'allowed-device-list': {
      order: 'The rules for devices apply in the order of the list.',
    },
    memory: {
      'check-before-update': 'With checkBeforeUpdate a limit below what is in use is refused.',
    },
    cpu: {
      'burst-within-quota': {
        text: 'burst is not larger than a positive quota.',
        untestable: 'a demand on config.json, which a runtime may leave to the kernel: it refuses the burst',
      },
    },
    'block-io': {
      'weight-required': {
        text: 'An entry of weightDevice has weight or leafWeight.',
        untestable: 'a demand on config.json; an entry without either asks for nothing, and changes nothing',
      },
    },
    rdma: {
      'limit-required': {
        text: 'An entry of rdma has hcaHandles or hcaObjects.',
        untestable: 'a demand on config.json; an entry without either asks for nothing, and changes nothing',
      },
    },
    unified: {
      controllers: 'The controllers that unified needs are enabled for the cgroup.',
      unknown: 'A file that the runtime does not know is written all the same.',
      'missing-controller': 'A controller that is not there or cannot be enabled is an error.',
      conversion: 'A setting of cgroup v1 that cannot be converted is an error.',
    },
    intelrdt: {
      task: 'With intelRdt the process is in the tasks file of its group.',
      'without-resctrl': 'Without a mounted resctrl filesystem intelRdt is an error.',
      absent: 'Without intelRdt no resctrl filesystem is touched.',
      'default-clos': 'closID / is the root of the filesystem.',
      'mb-line': 'memBwSchema begins with MB: and is one line.',
      'schemata-lines': 'Each item of schemata is one line.',
      'l3-then-mb': 'l3CacheSchema is written first and memBwSchema last.',
      either: 'Either of them alone is written.',
      schemata: 'schemata is written, after the other two.',
      'nothing-to-write': 'Without any of them no schemata file is written.',
      'default-id': 'Without closID the group is named by the container’s id.',
      'made-with-schema': 'A group that is named and missing is made where there is a schema for it.',
      compared: 'The schema of a group that exists is compared, and another one is an error.',
      'must-exist': 'A group that is named without a schema must exist.',
      removed: 'A group that was made for a container without closID goes with it.',
      kept: 'Other groups stay.',
      monitoring:
        'With enableMonitoring there is a monitoring group of the container’s id, which goes with it; one that cannot be made is an error.',
    },
    seccomp: {
      'default-errno-unsupported': 'defaultErrnoRet for an action without an errno is an error.',
      'errno-unsupported': 'errnoRet for an action without an errno is an error.',
      'listener-socket': 'The listener is a stream socket of the family AF_UNIX.',
      'one-state': 'One connection carries one state, and is closed after it.',
      'listener-failure': 'A state that cannot be sent is an error.',
      'metadata-alone': 'listenerMetadata without listenerPath is an error.',
      'names-required': 'A rule has at least one name.',
    },
    'the-container-process-state': {
      payload: 'The state is sent as JSON, the descriptors with SCM_RIGHTS.',
      'descriptors-first': 'The descriptors come with the first message alone.',
    },
    'masked-paths': {
      absolute: 'The paths are absolute.',
    },
    'readonly-paths': {
      absolute: 'The paths are absolute.',
    },
  },

  'features.md': {
    'features-structure': {
      null: 'A null is not an empty value.',
    },
    'specification-version': {
      'minimum-accepted': 'ociVersionMin is taken as ociVersion of a configuration.',
      'maximum-accepted': 'ociVersionMax is taken as ociVersion of a configuration, and is not less than the minimum.',
      'known-properties': 'The structure has no property that ociVersionMax does not define.',
    },
    hooks: {
      supported: 'The hooks of the list are supported.',
    },
    'mount-options': {
      recognized: 'The options of the list are recognized.',
    },
    annotations: {
      map: 'Annotations are a map of strings.',
    },
  },

  'features-linux.md': {
    namespaces: { recognized: 'The namespaces of the list are recognized.' },
    capabilities: { recognized: 'The capabilities of the list are recognized.' },
    seccomp: {
      actions: 'The actions of the list are recognized.',
      operators: 'The operators of the list are recognized.',
      archs: 'The architectures of the list are recognized.',
      'known-flags': 'The flags of the list are recognized.',
      'supported-flags': 'The flags of the list of supported ones are recognized and supported.',
    },
    memorypolicy: {
      modes: 'The modes of the list are recognized.',
      flags: 'The flags of the list are recognized.',
    },
    mountextensions: { idmap: 'idmap is true where uidMappings and gidMappings of mounts are read.' },
  },
}

/** Fields of config.json that no test proves, and why. Pointers as in the tests' comments. */
export const fieldsWithoutTest: Readonly<Record<string, string>> = {}

/** What has no test yet. It is shown as such, and has to go. */
export const pending: ReadonlySet<string> = new Set([])
