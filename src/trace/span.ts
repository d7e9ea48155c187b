/** Something that took time; times are milliseconds of CLOCK_MONOTONIC. */
export interface Span {
  name: string
  category: 'command' | 'phase' | 'call' | 'step'
  pid: number
  begin: number
  end: number
  /** Further facts. */
  args?: Record<string, unknown> | undefined
}
