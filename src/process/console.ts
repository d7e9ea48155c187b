/** process.terminal and process.consoleSize (config.md#process, config-linux.md#default-devices). */
import type { Register } from '../plan/fields.ts'
import { keepId, kind, make } from '../plan/kernel.ts'
import type { PlanBuilder } from '../plan/plan.ts'
import type { Process } from '../spec/schema.gen.ts'

const origin = '/process/terminal'

/** Makes a terminal in the devpts below the root; its other end goes to whoever started init. */
export function addConsole(plan: PlanBuilder, root: Register, process: Process): Register {
  const terminal = plan.register('terminal')
  plan.add('openConsole', origin, {
    dst: terminal,
    root,
    rows: process.consoleSize?.height ?? 0,
    columns: process.consoleSize?.width ?? 0,
    uid: process.user?.uid ?? 0,
    gid: keepId,
  })
  return terminal
}

/** Shows the terminal at /dev/console. CVE-2025-52565: by its descriptor, not by a path below /dev/pts. */
export function addDevConsole(plan: PlanBuilder, root: Register, terminal: Register): void {
  const mount = plan.register('/dev/console')
  const target = plan.register('/dev/console (place)')
  const fields = { make: make.file, mode: 0o600, kind: kind.notDirectory, optional: 0 }
  plan.add('cloneTree', origin, { dst: mount, src: terminal, flags: 0 })
  plan.add('openIn', origin, { dst: target, root, path: '/dev/console', ...fields })
  plan.add('attach', origin, { mount, target })
  plan.add('close', origin, { fd: target })
  plan.add('close', origin, { fd: mount })
}

/** Makes the terminal the process's own, and its standard streams. */
export function addUseConsole(plan: PlanBuilder, terminal: Register): void {
  plan.add('useConsole', origin, { terminal })
}
