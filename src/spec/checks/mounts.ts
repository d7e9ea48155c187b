import { quote } from '../problem.ts'
import type { Mount, Spec } from '../schema.gen.ts'
import { type Check, isAbsolute } from './check.ts'

const isBind = (mount: Mount): boolean =>
  mount.options?.some((option) => option === 'bind' || option === 'rbind') === true

/** Relative destinations were allowed until 1.0.2 of the specification, and count from the root. */
export const mountDestinations: Check<Spec> = {
  section: 'config.md#mounts',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach(({ destination }, index) => {
      const pointer = `/mounts/${index}/destination`
      if (destination === '') report.problem(pointer, 'must not be empty')
      else if (!isAbsolute(destination)) {
        report.warning(
          pointer,
          `should be an absolute path, is ${quote(destination)}: taken as ${quote(`/${destination}`)}`,
        )
      }
    })
  },
}

/** A mount is a bind mount if and only if its options have `bind` or `rbind`. */
export const mountSources: Check<Spec> = {
  section: 'config.md#mounts',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach((mount, index) => {
      const pointer = `/mounts/${index}`
      if (isBind(mount)) {
        if (mount.source === undefined) report.problem(`${pointer}/source`, 'is required for a bind mount')
      } else if (mount.type === undefined) {
        report.problem(`${pointer}/type`, 'is required', 'for a bind mount, add "bind" or "rbind" to the options')
      }
    })
  },
}

/** An id-mapped mount needs both maps. */
export const mountMappings: Check<Spec> = {
  section: 'config.md#posix-platform-mounts',
  reads: ['/mounts'],
  run({ mounts }, report) {
    mounts?.forEach(({ uidMappings, gidMappings }, index) => {
      const [users, groups] = [uidMappings?.length ?? 0, gidMappings?.length ?? 0]
      if (users > 0 && groups === 0) report.problem(`/mounts/${index}/gidMappings`, 'is required with uidMappings')
      if (groups > 0 && users === 0) report.problem(`/mounts/${index}/uidMappings`, 'is required with gidMappings')
    })
  },
}
