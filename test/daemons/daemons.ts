/** All daemons, by the names that `npm run test:daemons` takes. */
import { docker } from './docker.ts'
import type { Daemon } from './feature.ts'

// Each daemon's features take that daemon's own client.
export const daemons = { docker } as unknown as Readonly<Record<string, Daemon<unknown>>>
