import type { LogOptions } from '../apiserver/api.ts'

/** One entry of a container's log, a line without its newline. `at` is ms since the epoch. */
export interface LogLine {
  readonly at: number
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
  /** No newline followed: the output ended there, or the line goes on in a later entry (the runtime's tag P). */
  readonly partial?: true
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

/** The text of entries as the kubelet writes it (ReadLogs): a time stands only where a line begins. */
export function formatLines(lines: readonly LogLine[], timestamps: boolean | undefined, atLineStart = true): string {
  let text = ''
  let begins = atLineStart
  for (const line of lines) {
    if (timestamps && begins) text += `${logTime(line.at)} `
    text += line.partial ? line.text : `${line.text}\n`
    begins = endsLine(line)
  }
  return text
}

/** What follows begins a line. The kubelet takes an entry without content for the end of one. */
export function endsLine(line: LogLine): boolean {
  return !line.partial || line.text === ''
}

/** The runtime cuts longer lines into partial entries; `max_container_log_line_size` of containerd. */
const longestLine = 16_384

/**
 * Cuts bytes of a log into entries as containerd's CRI logger does: what stands without a newline waits for `flush`, the end of the
 * stream, and is then partial.
 */
export function lineSplitter(line: (text: string, partial: boolean) => void): { write(data: Uint8Array | string): void; flush(): void } {
  const decoder = new TextDecoder()
  let rest = ''
  const entry = (text: string, partial: boolean) => {
    let from = 0
    for (; text.length - from > longestLine; from += longestLine) line(text.slice(from, from + longestLine), true)
    line(text.slice(from), partial)
  }
  return {
    write(data) {
      rest += typeof data === 'string' ? data : decoder.decode(data, { stream: true })
      let from = 0
      for (let end = rest.indexOf('\n', from); end >= 0; end = rest.indexOf('\n', from)) {
        entry(rest.slice(from, end), false)
        from = end + 1
      }
      rest = rest.slice(from)
      while (rest.length > longestLine) {
        line(rest.slice(0, longestLine), true)
        rest = rest.slice(longestLine)
      }
    },
    flush() {
      if (rest !== '') entry(rest, true)
      rest = ''
    },
  }
}
