import { type DecodedMessage, DnsFormatError, decodeDns, type ResourceRecord } from '../network/dns-message.ts'
import type { Hop, ObjectName } from '../network/trace.ts'
import type { Attempt, DnsView, Leg } from './document.ts'
import { carried, legsOf, round } from './flows.ts'
import type { Opened } from './watched-sockets.ts'

/** What the client's sockets went through, each as an attempt. `looksUp`: it was given a name, so that what asks port 53 asks for that. */
export function attemptsOf(
  hops: readonly Hop[],
  opened: readonly Opened[],
  client: { readonly machine: string; readonly namespace: string },
  began: number,
  looksUp: boolean,
  serviceAt: (address: string) => ObjectName | undefined,
): Attempt[] {
  return opened.map((socket) => {
    const service = serviceAt(socket.to.address)
    const legs = legsOf(hops, socket, client, began)
    const sent = legs[0] && carried(legs[0].hops[0]!.packet)
    const reached = reachedBy(legs)
    const dns = looksUp && socket.to.port === 53 ? dnsView(socket) : undefined
    const same = reached?.address === socket.to.address && reached.port === socket.to.port
    return {
      purpose: dns ? 'dns' : 'connection',
      protocol: socket.protocol,
      local: { address: sent?.src ?? '', port: socket.port },
      remote: { ...socket.to },
      ...(service ? { service } : {}),
      began: round(socket.at - began),
      ...(reached && !same ? { reached } : {}),
      outcome: outcomeOf(socket),
      ...(socket.errno ? { errno: socket.errno } : {}),
      ...(dns ? { dns } : {}),
      legs,
    }
  })
}

function outcomeOf(socket: Opened): Attempt['outcome'] {
  if (socket.connected || socket.received.length > 0) return 'answered'
  if (socket.errno === undefined || socket.errno === 'ETIMEDOUT') return 'silent'
  return socket.errno === 'ECONNREFUSED' || socket.errno === 'ECONNRESET' ? 'refused' : 'unreachable'
}

function reachedBy(legs: readonly Leg[]): Attempt['reached'] {
  const leg = legs.find(({ direction, end }) => direction === 'request' && end.verdict === 'DELIVERED')
  const header = leg && carried(leg.hops[leg.end.hop]!.packet)
  return header && { address: header.dst, port: header.protocol === 'icmp' ? 0 : (header.dport ?? 0) }
}

function dnsView(socket: Opened): DnsView | undefined {
  const question = decoded(socket.sent[0])?.questions[0]
  if (!question) return undefined
  const answer = decoded(socket.received[0])
  return {
    name: question.name,
    type: question.type,
    ...(answer ? { rcode: String(answer.rcode) } : {}),
    answers: (answer?.answers ?? []).flatMap(dataOf),
  }
}

function decoded(bytes: Uint8Array | undefined): DecodedMessage | undefined {
  if (!bytes) return undefined
  try {
    return decodeDns(bytes)
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined
    throw error
  }
}

function dataOf(record: ResourceRecord): string[] {
  return 'data' in record && typeof record.data === 'string' ? [record.data] : []
}
