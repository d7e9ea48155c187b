/** Where init and runt meet; beside the table of steps, which is not read to run a plan. */

/** Sync points: init reports one and waits. */
export const syncPoint = {
  /** In its user namespace, which has no mappings yet. */
  userNamespace: 1,
  /** Namespaces made, before mounts: network devices. */
  namespaces: 2,
  /** All is set up; after this the container is `created`. */
  ready: 3,
  /** Mounts made, before the root is entered: prestart and createRuntime hooks. Reached only if there are any. */
  mounted: 4,
  /** A new time namespace is there for the next process: its offsets. Reached only if there are any. */
  timeNamespace: 5,
  /** Nothing was done yet: what needs a process that others can look into, or that is not in its cgroup. Reached only if there is any. */
  begun: 6,
} as const
