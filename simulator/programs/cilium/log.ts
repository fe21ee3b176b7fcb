import type { DaemonContext } from '../process.ts'

/** Lines as cilium-agent and cilium-operator log since 1.18 (slog): `time=2025-11-24T21:04:05.123456789Z level=info msg="…" module=agent…`. */
export function ciliumLog(context: Pick<DaemonContext<unknown>, 'clock' | 'log'>) {
  return (level: 'info' | 'warn' | 'error' | 'fatal', message: string, fields: Readonly<Record<string, string | number>> = {}): void => {
    const time = `${new Date(context.clock.now()).toISOString().slice(0, 23)}000000Z`
    const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${quoted(String(value))}`)
    context.log(`time=${time} level=${level} msg=${quoted(message)}${rest.join('')}`, 'stderr')
  }
}

export type CiliumLog = ReturnType<typeof ciliumLog>

/** As slog's text handler: quotes where a value would not be one word. */
function quoted(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)
}
