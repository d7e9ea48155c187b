import type { Context } from '../runtime/context.ts'
import { prune } from '../runtime/layers-list.ts'
import { shortDigest } from './layers.ts'
import type { Parsed } from './parse.ts'
import { sizeText } from './size.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const dryRun = parsed.flag('dry-run')
  const { layers, bytes } = await prune({ store: parsed.text('store'), dryRun }, context)
  const verb = dryRun ? 'would remove' : 'removed'
  const lines = layers.map(({ chainId, size }) => `${verb} ${shortDigest(chainId)} (${sizeText(size)})\n`)
  const total = `${verb} ${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}, ${sizeText(bytes)}\n`
  await context.host.output.stdout(lines.join('') + total)
  return 0
}
