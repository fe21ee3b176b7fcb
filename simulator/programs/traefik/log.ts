import type { DaemonContext } from '../process.ts'
import type { StaticConfiguration } from './static-configuration.ts'

const levels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const
type Level = (typeof levels)[number]

export type TraefikLog = (level: Level, message: string, fields?: Readonly<Record<string, string>>) => void

/** Traefik's log as zerolog writes it: on the console (without its colours), or as JSON. */
export function traefikLog(
  context: Pick<DaemonContext<unknown>, 'clock' | 'log'>,
  { logFormat, logLevel }: Pick<StaticConfiguration, 'logFormat' | 'logLevel'>,
): TraefikLog {
  const least = Math.max(0, levels.indexOf(logLevel as Level))
  return (level, message, fields = {}) => {
    if (levels.indexOf(level) < least) return
    const time = `${new Date(context.clock.now()).toISOString().slice(0, 19)}Z`
    if (logFormat === 'json') return context.log(JSON.stringify({ level: level.toLowerCase(), ...fields, time, message }))
    // The error comes first, the others by name.
    const names = Object.keys(fields).sort((a, b) => (a === 'error' ? -1 : b === 'error' ? 1 : a < b ? -1 : 1))
    const short = { DEBUG: 'DBG', INFO: 'INF', WARN: 'WRN', ERROR: 'ERR' }[level]
    context.log([time, short, message, ...names.map((name) => `${name}=${quoted(fields[name] ?? '')}`)].filter(Boolean).join(' '))
  }
}

function quoted(value: string): string {
  return /[\s"\\]|[^\x20-\x7e]/.test(value) ? JSON.stringify(value) : value
}
