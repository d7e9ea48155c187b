/** Generated from src/spec/schema.json by scripts/generate-spec.ts: do not edit. */

/** Fields of each object; what is in them: an object by its name, items or values of a map with `*` before it, or nothing. */
export const objects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Spec": {
    "ociVersion": "",
    "root": "Root",
    "mounts": "*Mount",
    "process": "Process",
    "hostname": "",
    "domainname": "",
    "hooks": "Hooks",
    "annotations": "",
    "linux": "Linux",
    "vm": "",
    "windows": "",
    "solaris": "",
    "zos": "",
    "freebsd": ""
  },
  "Root": {
    "path": "",
    "readonly": ""
  },
  "Mount": {
    "destination": "",
    "type": "",
    "source": "",
    "options": "",
    "uidMappings": "*IdMapping",
    "gidMappings": "*IdMapping"
  },
  "Process": {
    "terminal": "",
    "consoleSize": "ConsoleSize",
    "cwd": "",
    "env": "",
    "args": "",
    "commandLine": "",
    "user": "User",
    "rlimits": "*Rlimit",
    "capabilities": "Capabilities",
    "noNewPrivileges": "",
    "oomScoreAdj": "",
    "apparmorProfile": "",
    "selinuxLabel": "",
    "scheduler": "Scheduler",
    "ioPriority": "IoPriority",
    "execCPUAffinity": "ExecCpuAffinity"
  },
  "ConsoleSize": {
    "height": "",
    "width": ""
  },
  "User": {
    "uid": "",
    "gid": "",
    "umask": "",
    "additionalGids": "",
    "username": ""
  },
  "Rlimit": {
    "type": "",
    "soft": "",
    "hard": ""
  },
  "Capabilities": {
    "effective": "",
    "bounding": "",
    "inheritable": "",
    "permitted": "",
    "ambient": ""
  },
  "Scheduler": {
    "policy": "",
    "nice": "",
    "priority": "",
    "flags": "",
    "runtime": "",
    "deadline": "",
    "period": ""
  },
  "IoPriority": {
    "class": "",
    "priority": ""
  },
  "ExecCpuAffinity": {
    "initial": "",
    "final": ""
  },
  "Hooks": {
    "prestart": "*Hook",
    "createRuntime": "*Hook",
    "createContainer": "*Hook",
    "startContainer": "*Hook",
    "poststart": "*Hook",
    "poststop": "*Hook"
  },
  "Hook": {
    "path": "",
    "args": "",
    "env": "",
    "timeout": ""
  },
  "Linux": {
    "namespaces": "*Namespace",
    "uidMappings": "*IdMapping",
    "gidMappings": "*IdMapping",
    "timeOffsets": "*TimeOffset",
    "devices": "*Device",
    "netDevices": "*NetDevice",
    "cgroupsPath": "",
    "resources": "Resources",
    "intelRdt": "IntelRdt",
    "memoryPolicy": "MemoryPolicy",
    "sysctl": "",
    "seccomp": "Seccomp",
    "rootfsPropagation": "",
    "maskedPaths": "",
    "readonlyPaths": "",
    "mountLabel": "",
    "personality": "Personality"
  },
  "Namespace": {
    "type": "",
    "path": ""
  },
  "IdMapping": {
    "containerID": "",
    "hostID": "",
    "size": ""
  },
  "TimeOffset": {
    "secs": "",
    "nanosecs": ""
  },
  "Device": {
    "type": "",
    "path": "",
    "major": "",
    "minor": "",
    "fileMode": "",
    "uid": "",
    "gid": ""
  },
  "NetDevice": {
    "name": ""
  },
  "Resources": {
    "devices": "*DeviceRule",
    "memory": "Memory",
    "cpu": "Cpu",
    "pids": "Pids",
    "blockIO": "BlockIo",
    "hugepageLimits": "*HugepageLimit",
    "network": "NetworkClass",
    "rdma": "*Rdma",
    "unified": ""
  },
  "DeviceRule": {
    "allow": "",
    "type": "",
    "major": "",
    "minor": "",
    "access": ""
  },
  "Memory": {
    "limit": "",
    "reservation": "",
    "swap": "",
    "kernel": "",
    "kernelTCP": "",
    "swappiness": "",
    "disableOOMKiller": "",
    "useHierarchy": "",
    "checkBeforeUpdate": ""
  },
  "Cpu": {
    "shares": "",
    "quota": "",
    "burst": "",
    "period": "",
    "realtimeRuntime": "",
    "realtimePeriod": "",
    "cpus": "",
    "mems": "",
    "idle": ""
  },
  "Pids": {
    "limit": ""
  },
  "BlockIo": {
    "weight": "",
    "leafWeight": "",
    "weightDevice": "*WeightDevice",
    "throttleReadBpsDevice": "*ThrottleDevice",
    "throttleWriteBpsDevice": "*ThrottleDevice",
    "throttleReadIOPSDevice": "*ThrottleDevice",
    "throttleWriteIOPSDevice": "*ThrottleDevice"
  },
  "WeightDevice": {
    "major": "",
    "minor": "",
    "weight": "",
    "leafWeight": ""
  },
  "ThrottleDevice": {
    "major": "",
    "minor": "",
    "rate": ""
  },
  "HugepageLimit": {
    "pageSize": "",
    "limit": ""
  },
  "NetworkClass": {
    "classID": "",
    "priorities": "*InterfacePriority"
  },
  "InterfacePriority": {
    "name": "",
    "priority": ""
  },
  "Rdma": {
    "hcaHandles": "",
    "hcaObjects": ""
  },
  "IntelRdt": {
    "closID": "",
    "schemata": "",
    "l3CacheSchema": "",
    "memBwSchema": "",
    "enableMonitoring": "",
    "enableCMT": "",
    "enableMBM": ""
  },
  "MemoryPolicy": {
    "mode": "",
    "nodes": "",
    "flags": ""
  },
  "Personality": {
    "domain": "",
    "flags": ""
  },
  "Seccomp": {
    "defaultAction": "",
    "defaultErrnoRet": "",
    "architectures": "",
    "flags": "",
    "listenerPath": "",
    "listenerMetadata": "",
    "syscalls": "*SeccompRule"
  },
  "SeccompRule": {
    "names": "",
    "action": "",
    "errnoRet": "",
    "args": "*SeccompArgument"
  },
  "SeccompArgument": {
    "index": "",
    "value": "",
    "valueTwo": "",
    "op": ""
  }
}

/** The values of a field that the specification lists, by object and field. */
export const values = {
  "Scheduler.policy": [
    "SCHED_OTHER",
    "SCHED_FIFO",
    "SCHED_RR",
    "SCHED_BATCH",
    "SCHED_ISO",
    "SCHED_IDLE",
    "SCHED_DEADLINE"
  ],
  "Scheduler.flags": [
    "SCHED_FLAG_RESET_ON_FORK",
    "SCHED_FLAG_RECLAIM",
    "SCHED_FLAG_DL_OVERRUN",
    "SCHED_FLAG_KEEP_POLICY",
    "SCHED_FLAG_KEEP_PARAMS",
    "SCHED_FLAG_UTIL_CLAMP_MIN",
    "SCHED_FLAG_UTIL_CLAMP_MAX"
  ],
  "IoPriority.class": [
    "IOPRIO_CLASS_RT",
    "IOPRIO_CLASS_BE",
    "IOPRIO_CLASS_IDLE"
  ],
  "Linux.rootfsPropagation": [
    "private",
    "rprivate",
    "slave",
    "rslave",
    "shared",
    "rshared",
    "unbindable",
    "runbindable"
  ],
  "Namespace.type": [
    "pid",
    "network",
    "mount",
    "ipc",
    "uts",
    "user",
    "cgroup",
    "time"
  ],
  "Device.type": [
    "c",
    "b",
    "u",
    "p"
  ],
  "MemoryPolicy.mode": [
    "MPOL_DEFAULT",
    "MPOL_BIND",
    "MPOL_INTERLEAVE",
    "MPOL_WEIGHTED_INTERLEAVE",
    "MPOL_PREFERRED",
    "MPOL_PREFERRED_MANY",
    "MPOL_LOCAL"
  ],
  "MemoryPolicy.flags": [
    "MPOL_F_NUMA_BALANCING",
    "MPOL_F_RELATIVE_NODES",
    "MPOL_F_STATIC_NODES"
  ],
  "Personality.domain": [
    "LINUX",
    "LINUX32"
  ],
  "Seccomp.flags": [
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
  ],
  "SeccompAction": [
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY"
  ],
  "SeccompArchitecture": [
    "SCMP_ARCH_X86",
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_X32",
    "SCMP_ARCH_ARM",
    "SCMP_ARCH_AARCH64",
    "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_SH",
    "SCMP_ARCH_SHEB"
  ],
  "SeccompArgument.op": [
    "SCMP_CMP_NE",
    "SCMP_CMP_LT",
    "SCMP_CMP_LE",
    "SCMP_CMP_EQ",
    "SCMP_CMP_GE",
    "SCMP_CMP_GT",
    "SCMP_CMP_MASKED_EQ"
  ]
} as const
