import { UsageError } from '../errors.ts'
import type { Context } from '../runtime/context.ts'
import { exportLayer } from '../runtime/export.ts'
import type { Parsed } from './parse.ts'
import { parseSize } from './size.ts'

const standardOutput = 1

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const { host } = context
  if (!parsed.flag('layer'))
    throw new UsageError('export of what? --layer is missing', { hint: 'runt export --layer <container-id> -o <file>' })
  const output = parsed.text('output') ?? '-'
  const toStdout = output === '-'
  if (toStdout && (await host.processes.windowSize(standardOutput)) !== undefined)
    throw new UsageError('standard output is a terminal, which cannot show a layer', {
      origin: '--output',
      hint: 'name a file with --output, or send the output to another program',
    })
  const size = parsed.text('max-size')
  const layer = await exportLayer(
    {
      id: parsed.id,
      output,
      compress: parsed.text('compress') as 'none' | 'gzip' | 'zstd' | undefined,
      maxEntries: parsed.number('max-entries'),
      maxBytes: size === undefined ? undefined : parseSize('max-size', size),
    },
    context,
  )
  const text =
    parsed.text('format') === 'json'
      ? `${JSON.stringify(layer)}\n`
      : `digest  ${layer.digest}\ndiffID  ${layer.diffId}\nsize    ${layer.size}\n`
  await (toStdout ? host.output.stderr(text) : host.output.stdout(text))
  return 0
}
