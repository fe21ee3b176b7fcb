import type { LogOptions } from '../apiserver/api.ts'

/** One line of a container's log without its newline. `at` is ms since the epoch. */
export interface LogLine {
  readonly at: number
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** What is kept per container instance, as if by log rotation. */
export const keptLines = 10_000
const slack = 1000

/** Appends, and returns how many lines were dropped from the front to make room. */
export function appendLine(log: LogLine[], line: LogLine): number {
  log.push(line)
  return log.length > keptLines + slack ? log.splice(0, log.length - keptLines).length : 0
}

/** RFC 3339 with nanoseconds, as the runtime stamps lines; the simulation's clock counts milliseconds. */
export function logTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '000000Z')
}

/** The lines that `options` select, in the order of writing. `sinceTime` is RFC 3339. */
export function selectLines(log: readonly LogLine[], options: LogOptions, now: number): readonly LogLine[] {
  const since =
    options.sinceSeconds !== undefined ? now - options.sinceSeconds * 1000 : options.sinceTime ? Date.parse(options.sinceTime) : undefined
  const recent = since === undefined ? log : log.filter((line) => line.at >= since)
  if (options.tailLines === undefined || options.tailLines < 0) return recent
  return options.tailLines === 0 ? [] : recent.slice(-options.tailLines)
}

export function formatLine(line: LogLine, timestamps: boolean | undefined): string {
  return timestamps ? `${logTime(line.at)} ${line.text}\n` : `${line.text}\n`
}

/** Cuts bytes of a log into lines; a last line without its newline waits for `flush`. The runtime splits lines at 16 KiB. */
export function lineSplitter(line: (text: string) => void): { write(data: Uint8Array | string): void; flush(): void } {
  const decoder = new TextDecoder()
  const longest = 16_384
  let rest = ''
  return {
    write(data) {
      rest += typeof data === 'string' ? data : decoder.decode(data, { stream: true })
      let from = 0
      for (let end = rest.indexOf('\n', from); end >= 0; end = rest.indexOf('\n', from)) {
        line(rest.slice(from, end))
        from = end + 1
      }
      rest = rest.slice(from)
      while (rest.length >= longest) {
        line(rest.slice(0, longest))
        rest = rest.slice(longest)
      }
    },
    flush() {
      if (rest !== '') line(rest)
      rest = ''
    },
  }
}
