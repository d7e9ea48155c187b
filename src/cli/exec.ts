import type { Context } from '../runtime/context.ts'
import { exec } from '../runtime/exec.ts'
import type { Parsed } from './parse.ts'
import { exitCode } from './requests.ts'

export async function run(parsed: Parsed, context: Context): Promise<number> {
  const result = await exec(
    {
      id: parsed.id,
      process: parsed.text('process'),
      args: parsed.args.slice(1),
      cwd: parsed.text('cwd'),
      env: parsed.texts('env'),
      tty: parsed.flag('tty'),
      user: parsed.text('user'),
      additionalGids: parsed.numbers('additional-gids'),
      detach: parsed.flag('detach'),
      pidFile: parsed.text('pid-file'),
      consoleSocket: parsed.text('console-socket'),
      pidfdSocket: parsed.text('pidfd-socket'),
      processLabel: parsed.text('process-label'),
      apparmor: parsed.text('apparmor'),
      noNewPrivs: parsed.flag('no-new-privs'),
      capabilities: parsed.texts('cap'),
      preserveFds: parsed.number('preserve-fds'),
      cgroup: parsed.text('cgroup'),
      ignorePaused: parsed.flag('ignore-paused'),
    },
    context,
  )
  return exitCode(result.status)
}
