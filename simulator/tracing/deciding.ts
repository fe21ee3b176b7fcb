import type { Hop, ObjectName, Origin } from '../network/trace.ts'
import type { Attempt, ClientView, Deciding, Leg, Trace } from './document.ts'
import { carried } from './flows.ts'

/** The hop that decided against the client; undefined where none did. */
export function decidingHop(attempts: readonly Attempt[], client: ClientView): Deciding | undefined {
  if (client.outcome === 'answered') return undefined
  const attempt = attempts.findLastIndex(({ purpose }) => purpose === (client.outcome === 'unresolved' ? 'dns' : 'connection'))
  const legs = attempts[attempt]?.legs
  if (!legs) return undefined
  const bad = (leg: Leg) => leg.end.verdict !== 'DELIVERED'
  // An ICMP error that does not arrive is a consequence; what it is about comes first.
  const isError = (leg: Leg) => leg.what.startsWith('ICMP ')
  let leg = legs.findLastIndex((candidate) => bad(candidate) && !isError(candidate))
  if (leg < 0) leg = legs.findLastIndex(bad)
  if (leg < 0) return undefined
  return { attempt, leg, hop: legs[leg]!.end.hop }
}

const verbs: Record<string, string> = { DROP: 'dropped', REJECT: 'rejected', LOST: 'lost', waiting: 'held back' }

/** `Timed out: the SYN was dropped on faultline-worker by NetworkPolicy shop/deny-all at FORWARD (table filter, chain …): -A …`. */
export function summarize({ from, to, attempts, client, deciding, pods }: Omit<Trace, 'summary'>): string {
  const outcome = outcomeWords(client)
  if (deciding) {
    const leg = attempts[deciding.attempt]!.legs[deciding.leg]!
    const hop = leg.hops[deciding.hop]!
    const what = leg.direction === 'reply' ? `the answer (${leg.what})` : `the ${leg.what}`
    return `${outcome}: ${what} was ${whereDecided(leg, hop, pods)}${untranslated(attempts[deciding.attempt]!, leg)}`
  }
  if (client.outcome === 'unresolved') return `${outcome}: ${namesFailed(attempts, pods)}`
  const attempt = attempts.findLast(({ purpose }) => purpose === 'connection')
  const end = attempt && serverOf(attempt, pods)
  if (client.outcome === 'answered') return `${outcome}${end ? ` by ${end}` : ` by ${to.title}`}, asked from ${from.title}`
  if (end) return `${outcome}: everything was delivered to ${end}, which did not answer`
  return `${outcome}: ${client.says.split('\n').at(-1) ?? ''}`
}

/** A Service's address that no rule translates leads nowhere: what then happens to the packet is only where that shows. */
function untranslated({ service, remote }: Attempt, { direction, hops, end }: Leg): string {
  if (!service || direction === 'reply' || hops[end.hop]!.origin) return ''
  if (carried(hops[end.hop]!.packet).dst !== remote.address) return ''
  return `, as no rule had translated ${remote.address}, the address of ${nameText(service)}`
}

function outcomeWords({ outcome, httpStatus }: ClientView): string {
  switch (outcome) {
    case 'answered':
      return httpStatus ? `Answered with HTTP ${httpStatus}` : 'Answered'
    case 'timeout':
      return 'Timed out'
    case 'unresolved':
      return 'Not resolved'
    default:
      return `${outcome[0]!.toUpperCase()}${outcome.slice(1)}`
  }
}

function whereDecided(leg: Leg, hop: Hop, pods: Trace['pods']): string {
  const place = placeText(hop, pods)
  const verb = verbs[leg.end.verdict] ?? leg.end.verdict
  const by = hop.origin ? ` by ${originText(hop.origin)}` : ''
  const at = hop.rule ? ` at ${hop.stage} (table ${hop.table}, chain ${hop.chain}): ${hop.detail}` : `: ${hop.detail}`
  return `${verb} on ${place}${by}${at}`
}

function namesFailed(attempts: readonly Attempt[], pods: Trace['pods']): string {
  const asked = attempts.filter(({ dns }) => dns)
  const last = asked.findLast(({ dns }) => dns?.rcode)
  if (!last?.dns) return 'no name server answered'
  const { name, rcode } = last.dns
  const server = serverOf(last, pods)
  return `${rcode} for ${name} from ${last.remote.address}${server ? ` (${server})` : ''}`
}

/** The pod (or host) that the request reached. */
function serverOf({ legs }: Attempt, pods: Trace['pods']): string | undefined {
  const leg = legs.find(({ direction, end }) => direction === 'request' && end.verdict === 'DELIVERED')
  if (!leg) return undefined
  const hop = leg.hops[leg.end.hop]!
  const target = leg.hops.findLast(({ origin }) => origin?.target)?.origin?.target
  const pod = pods.find(({ machine, network }) => machine === hop.machine && network === hop.namespace)?.pod
  const { packet, socket } = hop
  const where = packet.protocol === 'icmp' ? packet.dst : `${packet.dst}:${packet.dport}`
  const server = pod ?? target
  return `${server ? nameText(server) : (socket?.owner ?? 'the kernel')} (${where} on ${hop.machine})`
}

/** `pod shop/web-0 on faultline-worker`, or the machine. */
export function placeText({ machine, namespace }: Pick<Hop, 'machine' | 'namespace'>, pods: Trace['pods']): string {
  if (namespace === '') return machine
  const known = pods.find((one) => one.machine === machine && one.network === namespace)
  return known ? `pod ${known.pod.namespace}/${known.pod.name} on ${machine}` : `${namespace} on ${machine}`
}

export function originText({ others = [], ...origin }: Origin): string {
  return [origin, ...others].map(nameText).join(' and ')
}

export function nameText({ kind, namespace, name }: ObjectName): string {
  return `${kind} ${namespace ? `${namespace}/` : ''}${name}`
}
