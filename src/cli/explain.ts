import type { Context } from '../runtime/context.ts'
import { explain } from '../runtime/explain.ts'
import type { Parsed } from './parse.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const text = await explain(
    {
      id: parsed.args[0],
      bundle: parsed.text('bundle'),
      config: parsed.text('config'),
      noPivot: parsed.flag('no-pivot'),
      noNewKeyring: parsed.flag('no-new-keyring'),
      tmpfsUpper: parsed.flag('tmpfs-upper'),
      json: parsed.flag('json'),
    },
    context,
  )
  await context.host.output.stdout(text)
  return 0
}
