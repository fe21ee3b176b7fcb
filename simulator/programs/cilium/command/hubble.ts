import { NetworkError } from '../../../network/sockets.ts'
import type { Command, Process } from '../../process.ts'
import { MiB } from '../../usage.ts'
import { type Answer, hubblePath, type NamedFlow } from '../agent/requests.ts'

interface Filter {
  last: number
  readonly tests: ((flow: NamedFlow) => boolean)[]
}

const pod = (name: string, wanted: string) => (wanted.includes('/') ? name.startsWith(wanted) : name.startsWith(`default/${wanted}`))
const either = (test: (name: string) => boolean) => (flow: NamedFlow) => test(flow.sourceName) || test(flow.destinationName)

/** Options that take a value, as tests of a flow. */
const filters: Readonly<Record<string, (value: string) => (flow: NamedFlow) => boolean>> = {
  '--verdict': (value) => (flow) => verdictOf(flow) === value.toUpperCase(),
  '--namespace': (value) => either((name) => name.startsWith(`${value}/`)),
  '--pod': (value) => either((name) => pod(name, value)),
  '--from-pod': (value) => (flow) => pod(flow.sourceName, value),
  '--to-pod': (value) => (flow) => pod(flow.destinationName, value),
  '--from-namespace': (value) => (flow) => flow.sourceName.startsWith(`${value}/`),
  '--to-namespace': (value) => (flow) => flow.destinationName.startsWith(`${value}/`),
  '--protocol': (value) => (flow) => flow.protocol === value.toLowerCase().replace(/v4$/, ''),
  '--port': (value) => (flow) => flow.sport === Number(value) || flow.dport === Number(value),
  '--to-port': (value) => (flow) => flow.dport === Number(value),
  '--ip': (value) => (flow) => flow.source === value || flow.destination === value,
  '--type': (value) => (flow) =>
    value === 'drop' ? flow.reason !== undefined : value === 'policy-verdict' ? isVerdict(flow) : !isVerdict(flow) && !flow.reason,
}
const short: Readonly<Record<string, string>> = { '-n': '--namespace', '-t': '--type' }

/** `hubble observe`: the flows that this node's datapath wrote last, oldest first (hubble/cmd/observe, pkg/hubble's printer). */
export const hubble: Command = {
  kind: 'command',
  id: 'cilium/hubble',
  usage: { bytes: 30 * MiB, secondsAtStart: 0.05 },
  async run(process) {
    const [, command = '', ...options] = process.argv
    if (command !== 'observe') {
      await process.stderr.write(`Error: the simulated cluster models "hubble observe" only, not "hubble ${command}"\n`)
      return 1
    }
    const filter = parse(options)
    if (typeof filter === 'string') {
      await process.stderr.write(`${filter}\n`)
      return 1
    }
    return await observe(process, filter)
  },
}

function parse(options: readonly string[]): Filter | string {
  const filter: Filter = { last: 20, tests: [] }
  for (let index = 0; index < options.length; index++) {
    const [given = '', inline] = options[index]!.split('=')
    const name = short[given] ?? given
    const value = () => inline ?? options[++index] ?? ''
    if (name === '--last') filter.last = Number(value())
    else if (name === '--all') filter.last = Number.POSITIVE_INFINITY
    else if (filters[name]) filter.tests.push(filters[name](value()))
    else if (name === '-f' || name === '--follow') return 'Error: the simulated cluster does not model hubble observe --follow'
    else return `Error: unknown flag: ${given}`
  }
  return filter
}

async function observe({ sockets, stdout, stderr }: Process, { last, tests }: Filter): Promise<number> {
  let answer: Answer<NamedFlow[]> | undefined
  try {
    answer = sockets.askUnix(hubblePath, {}) as Answer<NamedFlow[]> | undefined
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    await stderr.write(
      `failed to connect to 'unix://${hubblePath}': connection error: desc = "transport: error while dialing: ${error.message}"\n`,
    )
    return 1
  }
  if (!answer || 'error' in answer) {
    await stderr.write(`${answer?.error ?? 'EOF'}\n`)
    return 1
  }
  const chosen = answer.ok.filter((flow) => tests.every((test) => test(flow)))
  await stdout.write(
    chosen
      .slice(-last)
      .map((flow) => `${line(flow)}\n`)
      .join(''),
  )
  return 0
}

const isVerdict = ({ observation, reason }: NamedFlow) => observation.startsWith('policy-verdict') && reason === undefined
const verdictOf = ({ verdict }: NamedFlow) => (verdict === 'DENIED' ? 'DROPPED' : verdict === 'ALLOWED' ? 'FORWARDED' : verdict)

/** `Nov 25 03:00:00.000: default/a:4242 (ID:1234) <> default/b:80 (ID:2345) Policy denied DROPPED (TCP Flags: SYN)` */
function line(flow: NamedFlow): string {
  const stopped = flow.verdict === 'DROPPED' || flow.verdict === 'DENIED'
  const what = flow.reason ?? (isVerdict(flow) ? `${flow.observation} ${flow.direction?.toUpperCase()}` : flow.observation)
  const details =
    flow.protocol === 'tcp'
      ? `TCP Flags: ${flow.summary}`
      : flow.protocol === 'icmp'
        ? `ICMPv4 ${flow.summary}`
        : flow.protocol.toUpperCase()
  const ends = [
    end(flow.sourceName, flow.sourceLabel, flow.protocol === 'icmp' ? undefined : flow.sport),
    end(flow.destinationName, flow.destinationLabel, flow.protocol === 'icmp' ? undefined : flow.dport),
  ]
  return `${stamp(flow.at)}: ${ends[0]} ${stopped ? '<>' : '->'} ${ends[1]} ${what} ${flow.verdict} (${details})`
}

function end(name: string, label: string, port: number | undefined): string {
  return `${name}${port === undefined ? '' : `:${port}`} (${label})`
}

function stamp(ms: number): string {
  const iso = new Date(ms).toISOString()
  const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][Number(iso.slice(5, 7)) - 1]
  return `${month} ${iso.slice(8, 10).replace(/^0/, ' ')} ${iso.slice(11, 23)}`
}
