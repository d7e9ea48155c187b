#!/usr/bin/env node
/** The command `runt`. */
import { main } from './cli/main.ts'
import { caller, leave, leaveWith } from './host/caller.ts'
import { directHost } from './host/direct.ts'
import type { Host } from './host/host.ts'

let host: Host | undefined
try {
  host = directHost()
} catch (error) {
  leaveWith(`runt: ${error instanceof Error ? error.message : String(error)}`)
}
leave(await main(caller(), host))
