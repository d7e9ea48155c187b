/** The manual page: groff reads it without a warning, and every command and flag is in it. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { commands } from '../../../src/cli/commands.ts'
import { globalOptions } from '../../../src/cli/lifecycle.ts'

const page = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/manual.ts'], { encoding: 'utf8' })

test('groff reads the manual page without a warning, and it has every command and flag', (t) => {
  t.is(page.status, 0, page.stderr)
  const env = { PATH: '/usr/bin:/bin' }
  const args = ['-man', '-ww', '-Tascii', '-P-cbou', '-rLL=2000n']
  const { status, stdout, stderr } = spawnSync('groff', args, { input: page.stdout, encoding: 'utf8', env })
  t.is(status, 0, stderr)
  t.is(stderr, '')
  for (const { name, doc, options } of commands) {
    const [, section = ''] = stdout.split(new RegExp(`^   runt ${name}\\b`, 'm'))
    t.true(section.toLowerCase().includes(doc.toLowerCase()), name)
    for (const option of options)
      if (option.hidden !== true) t.regex(section, new RegExp(`--${option.name}\\b`), `${name} --${option.name}`)
  }
  for (const { name } of globalOptions) t.regex(stdout, new RegExp(`--${name}\\b`))
})
