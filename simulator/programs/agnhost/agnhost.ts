import type { Daemon, DaemonContext } from '../process.ts'
import { connectOnce } from './connect.ts'
import { liveness } from './liveness.ts'
import { netexec, serveHostname } from './netexec.ts'

/** What survives a restore beside `argv`. `started`: when `liveness` began, ms since the epoch. */
export type AgnhostState = { exiting: boolean; started?: number }
export type AgnhostContext = DaemonContext<AgnhostState>

type Run = (context: AgnhostContext, flags: ReadonlyMap<string, string>, operands: readonly string[]) => void

const subcommands: Readonly<Record<string, Run>> = {
  pause: (context) => {
    context.log('Paused')
    context.onSignal(() => context.exit(0))
  },
  netexec,
  'serve-hostname': serveHostname,
  connect: connectOnce,
  liveness,
  'dns-suffix': (context) => {
    context.log(resolvConf(context, 'search').join(','))
    context.exit(0)
  },
  'dns-server-list': (context) => {
    context.log(resolvConf(context, 'nameserver').join(','))
    context.exit(0)
  },
  'etc-hosts': (context) => {
    for (const line of lines(context, '/etc/hosts')) context.log(line)
    context.exit(0)
  },
  '--version': (context) => {
    context.log('agnhost version 2.53')
    context.exit(0)
  },
}

/** The end-to-end tests' image: of its many servers and clients those that networking labs use; the others are refused by name. */
export const agnhost: Daemon<AgnhostState> = {
  kind: 'daemon',
  id: 'agnhost/agnhost',
  initial: () => ({ exiting: false }),
  run(context) {
    const [name = 'help', ...words] = context.argv.slice(1)
    const subcommand = subcommands[name]
    if (!subcommand) {
      context.log(`Error: the simulated agnhost does not model "${name}", only ${Object.keys(subcommands).join(', ')}`, 'stderr')
      return context.exit(1)
    }
    const { flags, operands } = readFlags(words)
    subcommand(context, flags, operands)
  },
}

/** pflag's forms: `--name=value`, `--name value`, and a lone `--name` for a switch. */
function readFlags(words: readonly string[]): { flags: Map<string, string>; operands: string[] } {
  const flags = new Map<string, string>()
  const operands: string[] = []
  const switches = new Set(['http', 'tcp', 'udp', 'close', 'http2'])
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string
    if (!word.startsWith('--')) {
      operands.push(word)
      continue
    }
    const [name = '', ...rest] = word.slice(2).split('=')
    if (word.includes('=')) flags.set(name, rest.join('='))
    else flags.set(name, switches.has(name) ? 'true' : (words[++index] ?? ''))
  }
  return { flags, operands }
}

function resolvConf(context: AgnhostContext, key: string): string[] {
  return lines(context, '/etc/resolv.conf').flatMap((line) => {
    const [word, ...rest] = line.trim().split(/\s+/)
    return word === key ? rest : []
  })
}

function lines(context: AgnhostContext, path: string): string[] {
  return context.files.exists(path) ? context.files.readText(path).trimEnd().split('\n') : []
}
