/** `--trace FILE` and RUNT_TRACE: a command run with a note of where its time goes, which is written when the command is over. */
import type { Host } from '../host/host.ts'
import { explained } from '../runtime/failures.ts'
import { resolvePath } from '../runtime/paths.ts'
import { formatTrace } from '../trace/format.ts'
import { tracingHost } from '../trace/host.ts'
import { ownProcess } from '../trace/process.ts'
import { Tracer } from '../trace/tracer.ts'
import type { CommandLog } from './log.ts'

export interface TracedCommand {
  /** The file; `%p` in it stands for the process id, `%c` for the command, `%%` for `%`. */
  file: string
  /** Against which the file is resolved. */
  cwd: string
  /** The command's name. */
  name: string
  log: CommandLog
  /** When this program had come to the command line: milliseconds of `System.monotonic`. */
  reached: number
  /** @returns the exit code */
  run(host: Host): Promise<number>
}

/** Runs a command and writes its trace. That the trace cannot be written is a warning. @returns the exit code. */
export async function traced(command: TracedCommand, host: Host): Promise<number> {
  const own = await ownProcess(host).catch(() => undefined)
  if (own === undefined) {
    await command.log.warn('a trace needs /proc: there is none of this command')
    return command.run(host)
  }
  const { pid, age } = own
  const tracer = new Tracer(host, pid)
  const begin = Math.min(tracer.now() - age, command.reached)
  tracer.note({ name: 'start of the engine', category: 'phase', begin, end: command.reached })
  tracer.note({ name: 'start of the trace', category: 'phase', begin: command.reached, end: tracer.now() })
  const code = await command.run(tracingHost(host, tracer))
  const title = `runt ${command.name}`
  tracer.note({ name: title, category: 'command', begin, end: tracer.now(), args: { exitCode: code } })
  await tracer.close()
  try {
    await write(host, resolvePath(command.cwd, fileName(command, pid)), () =>
      formatTrace(tracer.spans(), { title, pid, dropped: tracer.dropped }),
    )
    if (tracer.failure !== undefined) throw await explained('trace the steps of init', tracer.failure)
  } catch (error) {
    await command.log.warn(error instanceof Error ? error.message : String(error))
  }
  return code
}

function fileName({ file, name }: TracedCommand, pid: number): string {
  const parts: Readonly<Record<string, string>> = { '%p': String(pid), '%c': name, '%%': '%' }
  return file.replace(/%[pc%]/g, (part) => parts[part]!)
}

/**
 * A file that is there is not opened but replaced, and only if it is a file: neither a symlink that somebody put into /tmp is
 * followed, nor is /dev/null lost. Nobody sees a part of a trace.
 */
async function write(host: Host, path: string, text: () => string): Promise<void> {
  try {
    const type = (await host.files.status(path, { follow: false }))?.type
    if (type !== undefined && type !== 'file')
      throw new Error(`write the trace ${path}: there is a ${type}, and no file`)
    await host.files.writeAtomic(path, text(), 0o600)
  } catch (error) {
    throw await explained(`write the trace ${path}`, error)
  }
}
