/** `ps`: the processes of a container. */
import { processes } from '../cgroups/fs.ts'
import { RuntError } from '../errors.ts'
import type { Context } from './context.ts'
import { attempt } from './failures.ts'
import { cgroupOf } from './pause.ts'
import { loadState } from './store.ts'

/** Where ps(1) is looked for if the caller has no PATH. */
const defaultPath = '/usr/local/bin:/usr/bin:/bin'

/** The host keeps so much of what a program prints. */
const maxOutput = 64 << 10

/** @returns the process ids of the container, those of cgroups below its own among them, as runt sees them */
export async function processIds(id: string, context: Context): Promise<number[]> {
  const { state } = await loadState(context, id)
  return processes(context.host, cgroupOf(state, 'ps'))
}

/**
 * The container's lines of what ps(1) prints.
 * @param args options for ps; without any, those of `ps -ef`
 */
export async function processTable(id: string, args: readonly string[], context: Context): Promise<string> {
  const ids = await processIds(id, context)
  const { status, stdout, stderr } = await attempt('run ps', {}, async () => {
    const path = await find(context)
    // Only the container's: the machine may have thousands.
    const asked = args.length > 0 ? args : ['-f', '-p', ids.length === 0 ? '1' : ids.join(',')]
    const env = Object.entries(context.globals.env).map(([name, value]) => `${name}=${value}`)
    return context.host.processes.runHook({ path, args: ['ps', ...asked], env, stdin: '', timeout: 0 })
  })
  const [title = '', ...rows] = stdout.split('\n').filter((line) => line !== '')
  const column = title.trim().split(/\s+/).indexOf('PID')
  // All of its processes may have ended since, of which ps makes a failure without a word.
  if (column < 0 && stderr === '' && title !== '')
    throw new RuntError('PS', "couldn't find PID field in ps output", { hint: 'ask for the column: -o pid' })
  if (status === 'timeout' || status.kind === 'signaled' || (status.code !== 0 && stderr !== ''))
    throw new RuntError('PS', `ps failed: ${stderr.trim()}`)
  if (stdout.length >= maxOutput) {
    throw new RuntError('PS', `ps printed more than ${maxOutput >> 10} KiB`, {
      hint: 'ask for fewer columns, or use --format json',
    })
  }
  const own = rows.filter((row) => ids.includes(Number(row.trim().split(/\s+/)[column])))
  return [title, ...own].map((line) => `${line}\n`).join('')
}

async function find({ host, globals }: Context): Promise<string> {
  for (const dir of (globals.env.PATH ?? defaultPath).split(':')) {
    if (dir.startsWith('/') && (await host.files.status(`${dir}/ps`))?.type === 'file') return `${dir}/ps`
  }
  throw new RuntError('PS', 'run ps: it is not in $PATH', { hint: 'install procps, or use --format json' })
}
