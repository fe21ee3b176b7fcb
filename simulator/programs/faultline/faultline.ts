import { parse } from 'yaml'
import { readSource, readTarget, TraceError, type TraceProtocol, traceProtocols } from '../../tracing/request.ts'
import { traceText } from '../../tracing/text.ts'
import { command } from '../netutils/command.ts'
import { parseOptions, UsageError } from '../netutils/options.ts'
import type { Process } from '../process.ts'

const usage = `Usage: faultline trace [SOURCE] DESTINATION [options]

Tries one connection on a copy of the cluster and shows the way of its packets:
routes, rules, translations, tunnels, and the object that decided. Nothing in
the cluster changes.

SOURCE (the workstation, where none is given)
  pod/NAME, pod/NAMESPACE/NAME, node/NAME, workstation, outside
DESTINATION
  svc/NAME[:PORT], pod/NAME[:PORT], node/NAME[:PORT]  (NAMESPACE/NAME as well)
  ADDRESS[:PORT], DNS-NAME[:PORT], http://...

Options
  -n, --namespace NAME   of names without one (default: the kubeconfig's)
  -c, --container NAME   whose files name the DNS servers (default: the first)
  -p, --protocol NAME    tcp, udp, icmp or http (default: what fits)
  -t, --timeout SECONDS  how long the client waits (default 5, at most 130)
      --draw NUMBER      another draw of what is random: which endpoint is taken
  -v, --verbose          every packet and every hop
  -o, --output json|text
      --color WHEN       auto, always or never
  -h, --help

Exit status: 0 when the client got an answer, 1 when not, 2 for a wrong request.
`

const hint = "See 'faultline trace --help' for usage."

/** `faultline trace`: the product's own command on the learner's workstation. */
export const faultline = command('faultline/faultline', async (process) => {
  const [verb, ...words] = process.argv.slice(1)
  if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
    await process.stdout.write(usage)
    return 0
  }
  if (verb !== 'trace') throw new UsageError(`faultline: unknown command "${verb}": there is trace.\n${hint}`, 2)
  try {
    return await trace(process, words)
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(`faultline: ${error.message}.\n${hint}`, 2)
    throw error
  }
})

async function trace(process: Process, words: readonly string[]): Promise<number> {
  const options = parseOptions(words, {
    short: 'n:c:p:t:vo:h',
    long: ['namespace:', 'container:', 'protocol:', 'timeout:', 'draw:', 'verbose', 'output:', 'color:', 'help'],
    unknown: (option) => `faultline: unknown option ${option}.\n${hint}`,
    missing: (option) => `faultline: option ${option} needs a value.\n${hint}`,
    status: 2,
  })
  if (options.has('h', 'help')) {
    await process.stdout.write(usage)
    return 0
  }
  if (options.operands.length < 1 || options.operands.length > 2)
    throw new TraceError(
      'bad-request',
      `a trace needs a destination, and before it perhaps a source; there are ${options.operands.length} operands`,
    )
  if (!process.trace)
    throw new UsageError('faultline: this machine is no workstation of a simulated cluster: there is nothing to trace.', 2)
  const output = oneOf(options.value('o', 'output'), 'output', ['json', 'text']) ?? 'text'
  const when = oneOf(options.value('color'), 'color', ['auto', 'always', 'never']) ?? 'auto'
  const protocol = oneOf<TraceProtocol>(options.value('p', 'protocol'), 'protocol', traceProtocols)
  const timeout = number(options.value('t', 'timeout'), 'timeout')
  const draw = number(options.value('draw'), 'draw')
  const namespace = options.value('n', 'namespace') ?? contextNamespace(process)
  const [source, target] = options.operands.length === 2 ? options.operands : ['workstation', options.operands[0]]
  const told = await process.trace({
    from: readSource(source as string, namespace, options.value('c', 'container')),
    to: readTarget(target as string, namespace),
    ...(protocol ? { protocol } : {}),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    ...(draw === undefined ? {} : { draw }),
  })
  if (output === 'json') await process.stdout.write(`${JSON.stringify(told, undefined, 2)}\n`)
  else {
    const colour = when === 'always' || (when === 'auto' && process.isTerminal(1))
    const columns = process.isTerminal(1) ? process.terminal?.columns : Number(process.env['COLUMNS'])
    const width = Math.max(40, columns || 80)
    await process.stdout.write(traceText(told, { verbose: options.has('v', 'verbose'), colour, width }))
  }
  return told.client.outcome === 'answered' ? 0 : 1
}

function oneOf<T extends string>(value: string | undefined, option: string, allowed: readonly T[]): T | undefined {
  if (value === undefined || (allowed as readonly string[]).includes(value)) return value as T | undefined
  throw new TraceError('bad-request', `--${option} is ${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}, not "${value}"`)
}

function number(value: string | undefined, option: string): number | undefined {
  if (value === undefined) return undefined
  const read = Number(value.replace(/s$/, ''))
  if (value === '' || !Number.isFinite(read) || read < 0) throw new TraceError('bad-request', `--${option} needs a number, not "${value}"`)
  return read
}

/** As kubectl: the namespace of the kubeconfig's current context. A file that cannot be read has none. */
function contextNamespace(process: Process): string {
  interface Config {
    'current-context'?: string
    contexts?: { name?: string; context?: { namespace?: string } }[]
  }
  const path = process.env['KUBECONFIG'] ?? `${process.env['HOME'] ?? ''}/.kube/config`
  if (!process.files.exists(path)) return 'default'
  let config: Config | null
  try {
    config = parse(process.files.readText(path)) as Config | null
  } catch {
    // kubectl complains about such a file; a trace does not need it.
    return 'default'
  }
  const current = config?.contexts?.find(({ name }) => name === config['current-context'])
  return current?.context?.namespace ?? 'default'
}
