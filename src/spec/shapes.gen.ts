/** Generated from src/spec/schema.json by scripts/generate-spec.ts: do not edit. */

/**
 * What each object of config.json has, and what else has a name: `A[]` is a list of A, `A{}` an object with any names, whose values are A;
 * `a|b` one of these strings, `0..9` an integer with these limits, `!` after it a field that must be there.
 */
export const shapes = {
  "Spec": {
    "ociVersion": "string!",
    "root": "Root",
    "mounts": "Mount[]",
    "process": "Process",
    "hostname": "string",
    "domainname": "string",
    "hooks": "Hooks",
    "annotations": "string{}",
    "linux": "Linux",
    "vm": "object",
    "windows": "object",
    "solaris": "object",
    "zos": "object",
    "freebsd": "object"
  },
  "uint16": "0..65535",
  "int32": "-2147483648..2147483647",
  "uint32": "0..4294967295",
  "int64": "-9223372036854775808..9223372036854775808",
  "uint64": "0..18446744073709551616",
  "Root": {
    "path": "string!",
    "readonly": "boolean"
  },
  "Mount": {
    "destination": "string!",
    "type": "string",
    "source": "string",
    "options": "string[]",
    "uidMappings": "IdMapping[]",
    "gidMappings": "IdMapping[]"
  },
  "Process": {
    "terminal": "boolean",
    "consoleSize": "ConsoleSize",
    "cwd": "string!",
    "env": "string[]",
    "args": "string[]",
    "commandLine": "string",
    "user": "User",
    "rlimits": "Rlimit[]",
    "capabilities": "Capabilities",
    "noNewPrivileges": "boolean",
    "oomScoreAdj": "-1000..1000",
    "apparmorProfile": "string",
    "selinuxLabel": "string",
    "scheduler": "Scheduler",
    "ioPriority": "IoPriority",
    "execCPUAffinity": "ExecCpuAffinity"
  },
  "ConsoleSize": {
    "height": "uint16!",
    "width": "uint16!"
  },
  "User": {
    "uid": "uint32!",
    "gid": "uint32!",
    "umask": "uint32",
    "additionalGids": "uint32[]",
    "username": "string"
  },
  "Rlimit": {
    "type": "string!",
    "soft": "uint64!",
    "hard": "uint64!"
  },
  "Capabilities": {
    "effective": "string[]",
    "bounding": "string[]",
    "inheritable": "string[]",
    "permitted": "string[]",
    "ambient": "string[]"
  },
  "Scheduler": {
    "policy": "SCHED_OTHER|SCHED_FIFO|SCHED_RR|SCHED_BATCH|SCHED_ISO|SCHED_IDLE|SCHED_DEADLINE!",
    "nice": "int32",
    "priority": "int32",
    "flags": "SCHED_FLAG_RESET_ON_FORK|SCHED_FLAG_RECLAIM|SCHED_FLAG_DL_OVERRUN|SCHED_FLAG_KEEP_POLICY|SCHED_FLAG_KEEP_PARAMS|SCHED_FLAG_UTIL_CLAMP_MIN|SCHED_FLAG_UTIL_CLAMP_MAX[]",
    "runtime": "uint64",
    "deadline": "uint64",
    "period": "uint64"
  },
  "IoPriority": {
    "class": "IOPRIO_CLASS_RT|IOPRIO_CLASS_BE|IOPRIO_CLASS_IDLE!",
    "priority": "int32"
  },
  "ExecCpuAffinity": {
    "initial": "string",
    "final": "string"
  },
  "Hooks": {
    "prestart": "Hook[]",
    "createRuntime": "Hook[]",
    "createContainer": "Hook[]",
    "startContainer": "Hook[]",
    "poststart": "Hook[]",
    "poststop": "Hook[]"
  },
  "Hook": {
    "path": "string!",
    "args": "string[]",
    "env": "string[]",
    "timeout": "1..2147483647"
  },
  "Linux": {
    "namespaces": "Namespace[]",
    "uidMappings": "IdMapping[]",
    "gidMappings": "IdMapping[]",
    "timeOffsets": "TimeOffset{}",
    "devices": "Device[]",
    "netDevices": "NetDevice{}",
    "cgroupsPath": "string",
    "resources": "Resources",
    "intelRdt": "IntelRdt",
    "memoryPolicy": "MemoryPolicy",
    "sysctl": "string{}",
    "seccomp": "Seccomp",
    "rootfsPropagation": "private|rprivate|slave|rslave|shared|rshared|unbindable|runbindable",
    "maskedPaths": "string[]",
    "readonlyPaths": "string[]",
    "mountLabel": "string",
    "personality": "Personality"
  },
  "Namespace": {
    "type": "pid|network|mount|ipc|uts|user|cgroup|time!",
    "path": "string"
  },
  "IdMapping": {
    "containerID": "uint32!",
    "hostID": "uint32!",
    "size": "uint32!"
  },
  "TimeOffset": {
    "secs": "int64",
    "nanosecs": "uint32"
  },
  "Device": {
    "type": "c|b|u|p!",
    "path": "string!",
    "major": "int64",
    "minor": "int64",
    "fileMode": "uint32",
    "uid": "uint32",
    "gid": "uint32"
  },
  "NetDevice": {
    "name": "string"
  },
  "Resources": {
    "devices": "DeviceRule[]",
    "memory": "Memory",
    "cpu": "Cpu",
    "pids": "Pids",
    "blockIO": "BlockIo",
    "hugepageLimits": "HugepageLimit[]",
    "network": "NetworkClass",
    "rdma": "Rdma{}",
    "unified": "string{}"
  },
  "DeviceRule": {
    "allow": "boolean!",
    "type": "string",
    "major": "int64",
    "minor": "int64",
    "access": "string"
  },
  "Memory": {
    "limit": "int64",
    "reservation": "int64",
    "swap": "int64",
    "kernel": "int64",
    "kernelTCP": "int64",
    "swappiness": "uint64",
    "disableOOMKiller": "boolean",
    "useHierarchy": "boolean",
    "checkBeforeUpdate": "boolean"
  },
  "Cpu": {
    "shares": "uint64",
    "quota": "int64",
    "burst": "uint64",
    "period": "uint64",
    "realtimeRuntime": "int64",
    "realtimePeriod": "uint64",
    "cpus": "string",
    "mems": "string",
    "idle": "int64"
  },
  "Pids": {
    "limit": "int64"
  },
  "BlockIo": {
    "weight": "uint16",
    "leafWeight": "uint16",
    "weightDevice": "WeightDevice[]",
    "throttleReadBpsDevice": "ThrottleDevice[]",
    "throttleWriteBpsDevice": "ThrottleDevice[]",
    "throttleReadIOPSDevice": "ThrottleDevice[]",
    "throttleWriteIOPSDevice": "ThrottleDevice[]"
  },
  "WeightDevice": {
    "major": "int64!",
    "minor": "int64!",
    "weight": "uint16",
    "leafWeight": "uint16"
  },
  "ThrottleDevice": {
    "major": "int64!",
    "minor": "int64!",
    "rate": "uint64!"
  },
  "HugepageLimit": {
    "pageSize": "string!",
    "limit": "uint64!"
  },
  "NetworkClass": {
    "classID": "uint32",
    "priorities": "InterfacePriority[]"
  },
  "InterfacePriority": {
    "name": "string!",
    "priority": "uint32!"
  },
  "Rdma": {
    "hcaHandles": "uint32",
    "hcaObjects": "uint32"
  },
  "IntelRdt": {
    "closID": "string",
    "schemata": "string[]",
    "l3CacheSchema": "string",
    "memBwSchema": "string",
    "enableMonitoring": "boolean",
    "enableCMT": "boolean",
    "enableMBM": "boolean"
  },
  "MemoryPolicy": {
    "mode": "MPOL_DEFAULT|MPOL_BIND|MPOL_INTERLEAVE|MPOL_WEIGHTED_INTERLEAVE|MPOL_PREFERRED|MPOL_PREFERRED_MANY|MPOL_LOCAL!",
    "nodes": "string",
    "flags": "MPOL_F_NUMA_BALANCING|MPOL_F_RELATIVE_NODES|MPOL_F_STATIC_NODES[]"
  },
  "Personality": {
    "domain": "LINUX|LINUX32!",
    "flags": "string[]"
  },
  "Seccomp": {
    "defaultAction": "SeccompAction!",
    "defaultErrnoRet": "uint32",
    "architectures": "SeccompArchitecture[]",
    "flags": "SECCOMP_FILTER_FLAG_TSYNC|SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_SPEC_ALLOW|SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV[]",
    "listenerPath": "string",
    "listenerMetadata": "string",
    "syscalls": "SeccompRule[]"
  },
  "SeccompAction": "SCMP_ACT_KILL|SCMP_ACT_KILL_PROCESS|SCMP_ACT_KILL_THREAD|SCMP_ACT_TRAP|SCMP_ACT_ERRNO|SCMP_ACT_TRACE|SCMP_ACT_ALLOW|SCMP_ACT_LOG|SCMP_ACT_NOTIFY",
  "SeccompArchitecture": "SCMP_ARCH_X86|SCMP_ARCH_X86_64|SCMP_ARCH_X32|SCMP_ARCH_ARM|SCMP_ARCH_AARCH64|SCMP_ARCH_LOONGARCH64|SCMP_ARCH_M68K|SCMP_ARCH_MIPS|SCMP_ARCH_MIPS64|SCMP_ARCH_MIPS64N32|SCMP_ARCH_MIPSEL|SCMP_ARCH_MIPSEL64|SCMP_ARCH_MIPSEL64N32|SCMP_ARCH_PPC|SCMP_ARCH_PPC64|SCMP_ARCH_PPC64LE|SCMP_ARCH_S390|SCMP_ARCH_S390X|SCMP_ARCH_PARISC|SCMP_ARCH_PARISC64|SCMP_ARCH_RISCV64|SCMP_ARCH_SH|SCMP_ARCH_SHEB",
  "SeccompRule": {
    "names": "string[]!",
    "action": "SeccompAction!",
    "errnoRet": "uint32",
    "args": "SeccompArgument[]"
  },
  "SeccompArgument": {
    "index": "uint32!",
    "value": "uint64!",
    "valueTwo": "uint64",
    "op": "SCMP_CMP_NE|SCMP_CMP_LT|SCMP_CMP_LE|SCMP_CMP_EQ|SCMP_CMP_GE|SCMP_CMP_GT|SCMP_CMP_MASKED_EQ!"
  }
} as const
