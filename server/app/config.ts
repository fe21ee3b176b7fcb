import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Refused } from '../refused.ts'

export interface ServerConfig {
  readonly host: string
  /** 0 lets the operating system choose. */
  readonly port: number
  /** Folders. */
  readonly data: string
  readonly labs: string
  /** The built page; undefined where the development server serves it. */
  readonly page: string | undefined
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly logLevel: string
}

const defaultPort = 7070
const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

export const startUsage = `Usage: faultline start [options]

  --port <number>        port to listen on (FAULTLINE_PORT, ${defaultPort})
  --host <address>       address to listen on (FAULTLINE_HOST, 127.0.0.1: this machine only)
  --data <folder>        where sessions and scores are kept (FAULTLINE_DATA, ./data)
  --labs <folder>        folder of labs (FAULTLINE_LABS, the ones that come along)
  --allow-host <name>    answer to this host name too (FAULTLINE_ALLOW_HOST, comma separated)
  --log <level>          ${levels.join(', ')} (FAULTLINE_LOG, warn)
`

/** From flags, then the environment, then defaults. `root`: the folder of this installation. Refuses with `bad-flag`. */
export function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>, root: string): ServerConfig {
  const flags = parseFlags(argv)
  const port = Number(flags.port ?? env['FAULTLINE_PORT'] ?? defaultPort)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Refused('bad-flag', `The port "${flags.port ?? env['FAULTLINE_PORT']}" is no number from 0 to 65535.`, {
      mend: `Try --port ${defaultPort}.`,
    })
  }
  const logLevel = flags.log ?? env['FAULTLINE_LOG'] ?? 'warn'
  if (!levels.includes(logLevel))
    throw new Refused('bad-flag', `The log level "${logLevel}" is not known.`, { mend: `Allowed: ${levels.join(', ')}.` })
  return {
    host: flags.host ?? env['FAULTLINE_HOST'] ?? '127.0.0.1',
    port,
    data: resolve(flags.data ?? env['FAULTLINE_DATA'] ?? 'data'),
    labs: resolve(flags.labs ?? env['FAULTLINE_LABS'] ?? resolve(root, 'labs')),
    page: resolve(root, 'dist/client'),
    allowedHosts: flags['allow-host'] ?? listOf(env['FAULTLINE_ALLOW_HOST']),
    allowedOrigins: listOf(env['FAULTLINE_ALLOW_ORIGIN']),
    logLevel,
  }
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        labs: { type: 'string' },
        'allow-host': { type: 'string', multiple: true },
        log: { type: 'string' },
      },
    }).values
  } catch (error) {
    throw new Refused('bad-flag', `${(error as Error).message.split('\n')[0]}`.replace(/\.?$/, '.'), {
      mend: 'See `faultline start --help`.',
    })
  }
}

function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
