import type { Place } from '../kubelet/runtime/run-process.ts'
import { encodeDns } from '../network/dns-message.ts'
import type { NetworkError, Sockets } from '../network/sockets.ts'
import { curl } from '../programs/netutils/curl/curl.ts'
import { ncOpenbsd } from '../programs/netutils/nc.ts'
import { pingIputils } from '../programs/netutils/ping.ts'
import type { Command, Process } from '../programs/process.ts'
import { Signalled } from '../programs/process.ts'
import { resolve } from '../programs/resolver/resolver.ts'
import { type ByteSink, emptySource } from '../streams.ts'
import type { ClientView } from './document.ts'
import type { Goal } from './parties.ts'
import type { Opened } from './watched-sockets.ts'

/** Of what a client printed, this much is kept. */
const mostText = 2000
/** A UDP client waits for an answer as long as the time-out says. A name server answers only questions; others get a word. */
function datagramFor(port: number | undefined): Uint8Array {
  if (port !== 53) return new TextEncoder().encode('faultline trace\n')
  return encodeDns({ id: 1, recursionDesired: true, questions: [{ name: 'kubernetes.default.svc.cluster.local.', type: 'A' }] })
}

/**
 * Runs the client on its spot: curl for HTTP, nc for TCP, ping for ICMP, as a person would with `kubectl exec`, with the libc, resolver
 * configuration and hosts file that are there, whether that image has the program or not.
 */
export async function runClient(
  place: Place,
  sockets: Sockets,
  goal: Goal,
  timeoutMs: number,
  opened: readonly Opened[],
): Promise<ClientView> {
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000))
  const began = place.clock.now()
  if (goal.protocol === 'udp') return sendDatagram(place, sockets, goal, timeoutMs)
  const { command, argv } = commandFor(goal, seconds)
  let text = ''
  const decoder = new TextDecoder()
  const sink: ByteSink = {
    async write(data) {
      text += typeof data === 'string' ? data : decoder.decode(data, { stream: true })
    },
  }
  const exitCode = await runIn(place, sockets, command, argv, sink)
  const elapsed = place.clock.now() - began
  const last = opened.findLast(({ protocol }) => protocol === (goal.protocol === 'icmp' ? 'icmp' : 'tcp'))
  let says = text
  let httpStatus: number | undefined
  if (goal.protocol === 'http') {
    const [, status = '000'] = /\n@@(\d{3})/.exec(text) ?? []
    says = text.replace(/\n@@\d{3}/, '')
    httpStatus = Number(status) || undefined
  }
  return {
    outcome: outcomeOf(goal.protocol, exitCode, last),
    command: shellWords(argv.filter((word) => word !== '-w' && !word.includes('@@'))),
    says: says.length > mostText ? `${says.slice(0, mostText)}…` : says.trimEnd(),
    exitCode,
    ...(last?.errno ? { errno: last.errno } : {}),
    ...(httpStatus ? { httpStatus } : {}),
    elapsed,
  }
}

/** Whose name its sockets carry. */
export function clientProgram({ protocol }: Goal): string {
  return protocol === 'http' ? 'curl' : protocol === 'icmp' ? 'ping' : 'nc'
}

function commandFor(goal: Goal, seconds: number): { command: Command; argv: string[] } {
  const port = String(goal.port)
  if (goal.protocol === 'icmp') return { command: pingIputils, argv: ['ping', '-c1', `-W${seconds}`, goal.host] }
  if (goal.protocol === 'tcp') return { command: ncOpenbsd, argv: ['nc', '-zv', `-w${seconds}`, goal.host, port] }
  const url = goal.url ?? `http://${goal.host}${goal.port === 80 ? '' : `:${port}`}/`
  const limits = ['--connect-timeout', String(seconds), '--max-time', String(2 * seconds)]
  return { command: curl, argv: ['curl', '-sS', ...limits, '-k', '-w', '\n@@%{http_code}', url] }
}

async function runIn(place: Place, sockets: Sockets, command: Command, argv: readonly string[], sink: ByteSink): Promise<number> {
  const process: Process = {
    argv,
    env: { ...place.env },
    cwd: place.cwd,
    stdin: emptySource,
    stdout: sink,
    stderr: sink,
    terminal: undefined,
    isTerminal: () => false,
    signal: new AbortController().signal,
    files: place.files,
    sockets,
    clock: place.clock,
    random: place.random,
    hostname: place.hostname,
    user: place.user,
    namespace: place.namespace,
    commands: () => [],
    spawn: () => undefined,
    fetch: () => Promise.reject(new Error('a traced client makes no API requests')),
    websocket: () => Promise.reject(new Error('a traced client makes no API requests')),
  }
  try {
    return await command.run(process)
  } catch (error) {
    if (error instanceof Signalled) return error.exitCode
    throw error
  }
}

/** One datagram, and whatever comes back: UDP itself says nothing of success. */
async function sendDatagram(place: Place, sockets: Sockets, goal: Goal, timeoutMs: number): Promise<ClientView> {
  const began = place.clock.now()
  const command = `nc -u -w${Math.max(1, Math.ceil(timeoutMs / 1000))} ${goal.host} ${goal.port}`
  const address = await addressOf(place, sockets, goal.host)
  const view = (outcome: ClientView['outcome'], says: string, exitCode: number, errno?: string): ClientView => ({
    outcome,
    command,
    says,
    exitCode,
    ...(errno ? { errno } : {}),
    elapsed: place.clock.now() - began,
  })
  if (address === undefined) return view('unresolved', `nc: getaddrinfo for host "${goal.host}" port ${goal.port}: not found`, 1)
  let answer: Uint8Array | undefined
  let failure: NetworkError | undefined
  const waiting = new AbortController()
  const socket = sockets.bindUdp(
    {},
    {
      datagram: (bytes) => {
        answer ??= bytes
        waiting.abort()
      },
      error: (error) => {
        failure ??= error
        waiting.abort()
      },
    },
  )
  socket.send(datagramFor(goal.port), { address, port: goal.port ?? 0 })
  await place.clock.sleep(timeoutMs, waiting.signal).catch(() => {})
  socket.close()
  if (answer) return view('answered', `${answer.length} bytes came back`, 0)
  if (failure) {
    const refused = failure.code === 'ECONNREFUSED'
    return view(refused ? 'refused' : 'unreachable', `nc: read: ${refused ? 'Connection refused' : failure.message}`, 1, failure.code)
  }
  return view('timeout', 'no answer; UDP tells nobody whether a datagram arrived', 0)
}

async function addressOf(place: Place, sockets: Sockets, host: string): Promise<string | undefined> {
  const found = await resolve({ sockets, files: place.files, clock: place.clock, random: place.random }, host)
  return 'addresses' in found ? found.addresses[0] : undefined
}

function outcomeOf(protocol: Goal['protocol'], exitCode: number, last: Opened | undefined): ClientView['outcome'] {
  if (exitCode === 0) return 'answered'
  if (!last) return protocol === 'http' && exitCode !== 6 && exitCode !== 28 ? 'failed' : 'unresolved'
  if (last.errno === 'ECONNREFUSED') return 'refused'
  if (last.errno === 'ECONNRESET') return 'reset'
  if (last.errno === 'ETIMEDOUT') return 'timeout'
  if (last.errno) return 'unreachable'
  if (protocol === 'http' && exitCode !== 28) return exitCode === 52 || exitCode === 56 ? 'reset' : 'failed'
  return 'timeout'
}

function shellWords(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`)).join(' ')
}
