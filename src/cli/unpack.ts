import { UsageError } from '../errors.ts'
import type { Context } from '../runtime/context.ts'
import { unpack } from '../runtime/unpack.ts'
import type { Parsed } from './parse.ts'
import { progressBars } from './progress.ts'
import { parseSize } from './size.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const image = parsed.text('image')
  if (image === undefined || image === '')
    throw new UsageError('--image is missing', { hint: 'runt unpack --image <source>[:<ref>] <bundle>' })
  const size = parsed.text('max-size')
  const bars = await progressBars(context.host)
  try {
    await unpack(
      {
        image,
        bundle: parsed.id,
        store: parsed.text('store'),
        platform: parsed.text('platform'),
        terminal: parsed.flag('tty'),
        maxEntries: parsed.number('max-entries'),
        maxBytes: size === undefined ? undefined : parseSize('max-size', size),
      },
      context,
      bars.report,
    )
  } finally {
    await bars.end()
  }
  return 0
}
