import type { Context } from '../runtime/context.ts'
import { stats, watchEvents } from '../runtime/stats.ts'
import { parseInterval } from './duration.ts'
import type { Parsed } from './parse.ts'
import { eventLine } from './stats-json.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const { output } = context.host
  const { id } = parsed
  const interval = parseInterval('interval', parsed.text('interval') ?? '5s')
  if (parsed.flag('stats')) {
    await output.stdout(eventLine(id, { type: 'stats', stats: await stats(id, context) }))
    return 0
  }
  const signal = await watchEvents({ id, interval }, context, (event) => output.stdout(eventLine(id, event)))
  return signal === 0 ? 0 : 128 + signal
}
