import { UsageError } from '../errors.ts'
import { absolute, type Context } from '../runtime/context.ts'
import { attempt } from '../runtime/failures.ts'
import { update } from '../runtime/update.ts'
import { readStandardInput } from '../runtime/validate.ts'
import type { Resources } from '../spec/schema.gen.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const file = parsed.text('resources')
  const resources = file === undefined ? ofFlags(parsed) : await ofFile(file, context)
  const schemas = { l3CacheSchema: parsed.text('l3-cache-schema'), memBwSchema: parsed.text('mem-bw-schema') }
  await update({ id: parsed.id, resources, ...schemas }, context)
  return 0
}

async function ofFile(file: string, context: Context): Promise<unknown> {
  const details = { origin: '--resources' }
  const text =
    file === '-'
      ? await attempt('read standard input', details, () => readStandardInput(context))
      : await attempt(`read ${file}`, details, () => context.host.files.readText(absolute(context.globals, file)))
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`${file === '-' ? 'standard input' : file} is not JSON`, { cause, ...details })
  }
}

/** Absent, empty and (for the flags where runc has it so) 0 leave a limit as it is. */
function ofFlags(parsed: Parsed): Resources {
  const number = (name: string): number | undefined => {
    const text = parsed.text(name)
    if (text === undefined || text === '') return undefined
    if (!/^-?[0-9]+$/.test(text)) throw new UsageError(`invalid value for ${name}: ${JSON.stringify(text)}`)
    return Number(text)
  }
  const set = (name: string): number | undefined => (number(name) === 0 ? undefined : number(name))
  const list = (name: string): string | undefined => (parsed.text(name) === '' ? undefined : parsed.text(name))
  const bytes = (name: string): number | undefined => {
    const text = parsed.text(name)
    return text === undefined || text === '' ? undefined : parseBytes(name, text)
  }
  return defined({
    memory: defined({ limit: bytes('memory'), reservation: bytes('memory-reservation'), swap: bytes('memory-swap') }),
    cpu: defined({
      shares: number('cpu-share'),
      quota: number('cpu-quota'),
      burst: number('cpu-burst'),
      period: number('cpu-period'),
      realtimeRuntime: number('cpu-rt-runtime'),
      realtimePeriod: number('cpu-rt-period'),
      cpus: list('cpuset-cpus'),
      mems: list('cpuset-mems'),
      idle: number('cpu-idle'),
    }),
    pids: defined({ limit: set('pids-limit') }),
    blockIO: defined({ weight: set('blkio-weight') }),
  }) as Resources
}

/** Without the fields that are undefined, and the objects without fields. */
function defined(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined)
  return set.length === 0 ? undefined : Object.fromEntries(set)
}

const units = 'kmgtp'

/** `512m`: units of 1024, as go-units reads them. */
function parseBytes(name: string, text: string): number {
  if (text === '-1') return -1
  const match = /^([0-9]+(?:\.[0-9]+)?) ?([kmgtp])?(?:i?b)?$/i.exec(text)
  if (match === null) throw new UsageError(`invalid value for ${name}: ${JSON.stringify(text)}`)
  const power = match[2] === undefined ? 0 : units.indexOf(match[2].toLowerCase()) + 1
  return Math.floor(Number(match[1]) * 1024 ** power)
}
