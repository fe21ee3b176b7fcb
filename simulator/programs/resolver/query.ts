import type { Clock } from '../../clock.ts'
import type { FileSystem } from '../../files.ts'
import { connect, DialTimeout, exchangeUdp } from '../../network/async.ts'
import { type DecodedMessage, DnsFormatError, type DnsMessage, decodeDns, encodeDns } from '../../network/dns-message.ts'
import { NetworkError, type Sockets } from '../../network/sockets.ts'
import type { Random } from '../../random.ts'
import { resolverConfiguration } from './configuration.ts'

/** From where a resolver asks: a process, or a namespace with its files. */
export interface ResolverPlace {
  readonly sockets: Sockets
  readonly files: FileSystem
  readonly clock: Clock
  readonly random: Random
}

export interface DnsQuery {
  /** Taken as absolute, with or without the dot at its end. */
  readonly name: string
  /** `A`, `AAAA`, `PTR`, `TYPE65`, … */
  readonly type: string
  /** By default the first of `/etc/resolv.conf`. */
  readonly server?: string
  readonly port?: number
  /** For the whole exchange, TCP after a truncated answer included. */
  readonly timeoutMs: number
  readonly tcp?: boolean
  /** A truncated answer is handed back as it is. */
  readonly ignoreTruncation?: boolean
  readonly recursion?: boolean
  /** The UDP size that the client can take; absent: no EDNS. */
  readonly edns?: { readonly udpSize: number; readonly dnssecOk?: boolean }
  readonly signal?: AbortSignal
}

export type QueryOutcome =
  | {
      readonly message: DecodedMessage
      readonly server: string
      /** ms. */
      readonly elapsed: number
      /** Bytes of the message. */
      readonly size: number
      readonly protocol: 'udp' | 'tcp'
    }
  | { readonly server: string; readonly timeout: true }
  /** What came back instead of an answer: ICMP, a reset, or the own host's refusal to send. */
  | { readonly server: string; readonly refused: NetworkError }

/** One DNS question to one server, over UDP and, where the answer is truncated, TCP (RFC 7766). Rejects only with `signal.reason`. */
export async function query(place: ResolverPlace, wanted: DnsQuery): Promise<QueryOutcome> {
  const { clock, random } = place
  const server = wanted.server ?? (resolverConfiguration(place.files).nameservers[0] as string)
  const to = { address: server, port: wanted.port ?? 53 }
  const began = clock.now()
  const question: DnsMessage = {
    id: random.below(65_536),
    recursionDesired: wanted.recursion ?? true,
    questions: [{ name: wanted.name.endsWith('.') ? wanted.name : `${wanted.name}.`, type: wanted.type }],
    ...(wanted.edns ? { edns: wanted.edns } : {}),
  }
  const bytes = encodeDns(question)
  const waiting = () => ({
    clock,
    timeoutMs: Math.max(1, wanted.timeoutMs - (clock.now() - began)),
    ...(wanted.signal ? { signal: wanted.signal } : {}),
  })
  try {
    let answer: Uint8Array | undefined
    if (!wanted.tcp) {
      answer = await exchangeUdp(place.sockets, to, bytes, waiting())
      const message = decodeDns(answer)
      if (message.id !== question.id) return { server, timeout: true }
      if (!message.truncated || wanted.ignoreTruncation)
        return { message, server, elapsed: clock.now() - began, size: answer.length, protocol: 'udp' }
    }
    answer = await exchangeTcp(place.sockets, to, bytes, waiting)
    return { message: decodeDns(answer), server, elapsed: clock.now() - began, size: answer.length, protocol: 'tcp' }
  } catch (error) {
    if (error instanceof DialTimeout) return { server, timeout: true }
    if (error instanceof NetworkError) return { server, refused: error }
    // What is no DNS message is no answer: a resolver goes on waiting for one.
    if (error instanceof DnsFormatError) return { server, timeout: true }
    throw error
  }
}

/** Messages over TCP carry their length in front (RFC 1035, 4.2.2). */
async function exchangeTcp(
  sockets: Sockets,
  to: { address: string; port: number },
  question: Uint8Array,
  waiting: () => { clock: Clock; timeoutMs: number; signal?: AbortSignal },
): Promise<Uint8Array> {
  const connection = await connect(sockets, to, waiting())
  try {
    const framed = new Uint8Array(question.length + 2)
    framed[0] = question.length >> 8
    framed[1] = question.length & 255
    framed.set(question, 2)
    connection.write(framed)
    let received = new Uint8Array(0)
    for (;;) {
      if (received.length >= 2) {
        const length = (received[0]! << 8) | received[1]!
        if (received.length >= length + 2) return received.slice(2, length + 2)
      }
      const chunk = await connection.read(waiting())
      if (!chunk) throw new NetworkError('ECONNRESET', 'end of file')
      const joined = new Uint8Array(received.length + chunk.length)
      joined.set(received)
      joined.set(chunk, received.length)
      received = joined
    }
  } finally {
    connection.close()
  }
}
