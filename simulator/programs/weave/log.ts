import type { DaemonContext } from '../process.ts'

export type WeaveLevel = 'DEBU' | 'INFO' | 'WARN' | 'ERRO' | 'FATA'
export type WeaveLog = (level: WeaveLevel, message: string) => void

/** Writes lines as Weave's programs log (common/logging.go): `INFO: 2025/11/24 21:04:05.123456 Our name is …`. */
export function weaveLog(context: Pick<DaemonContext<unknown>, 'clock' | 'log'>): WeaveLog {
  return (level, message) => {
    const iso = new Date(context.clock.now()).toISOString()
    context.log(`${level}: ${iso.slice(0, 10).replaceAll('-', '/')} ${iso.slice(11, 23)}000 ${message}`, 'stderr')
  }
}
