/** The log: `--log FILE` in one of two formats, each record one write, so that commands may share a file. Without it, standard error. */
import type { Host } from '../host/host.ts'
import type { Log } from '../runtime/context.ts'

export type LogFormat = 'text' | 'json'
export type Level = 'error' | 'warning' | 'debug'

export interface LogSettings {
  file: string | undefined
  format: LogFormat
  debug: boolean
}

/** A record as logrus writes it, which is what daemons parse; JSON has `level`, `msg`, `time`. */
export function logLine(format: LogFormat, level: Level, message: string, time: string): string {
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time })}\n`
  return `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}\n`
}

export class CommandLog implements Log {
  private readonly host: Host
  readonly settings: LogSettings

  constructor(host: Host, settings: LogSettings) {
    this.host = host
    this.settings = settings
  }

  /** Appends a record to the log file, if there is one. */
  async append(level: Level, message: string): Promise<void> {
    const { file, format } = this.settings
    if (file === undefined) return
    await this.host.files.append(file, logLine(format, level, message, await this.host.system.now()), 0o644)
  }

  /**
   * A log file gets warnings only with --debug: podman reads the file as one record, that of the failure.
   */
  async warn(message: string): Promise<void> {
    if (this.settings.file === undefined) await this.host.output.stderr(`runt: warning: ${message}\n`)
    else if (this.settings.debug) await this.append('warning', message)
  }

  async debug(message: string): Promise<void> {
    if (!this.settings.debug) return
    if (this.settings.file === undefined) await this.host.output.stderr(`runt: ${message}\n`)
    else await this.append('debug', message)
  }
}
