import type { TcContext, TcVerdict } from '../../../network/bpf.ts'
import type { Origin } from '../../../network/trace.ts'
import { tunnelIdentity } from '../identity.ts'
import { remember, standing } from './conntrack.ts'
import { emit, isNotable, type Observation, type Seen } from './events.ts'
import { type Backend, type EndpointEntry, mapsOf } from './maps.ts'
import { judge, type PolicyVerdict } from './policy.ts'

export const tunnelDevice = 'cilium_vxlan'
export const pass: TcVerdict = { action: 'pass' }

/** A packet for a pod of this node: its ingress policy, then out by the host's end of its veth pair (bpf/lib/local_delivery.h). */
export function deliver(context: TcContext, endpoint: EndpointEntry, identity: number, service?: Backend): TcVerdict {
  const { packet, clock } = context
  const maps = mapsOf(context.maps)
  const now = clock.now()
  const at = standing(maps, packet, 'ingress', now)
  const { state } = at
  if (state === 'new' || state === 'established') {
    const verdict = judge(maps.policy.get(String(endpoint.id)), 'ingress', identity, packet)
    const seen = { direction: 'ingress', identities: [identity, endpoint.identity], endpoint: endpoint.id } as const
    if (!verdict.allowed) return denied(context, verdict, seen)
    if (state === 'new') allowed(context, verdict, seen)
    remember(maps, packet, at, now, service)
  }
  if (packet.ttl <= 1) return drop(context, 'TTL exceeded', { direction: 'ingress', identities: [identity, endpoint.identity] })
  packet.ttl--
  packet.srcMac = endpoint.nodeMac
  packet.dstMac = endpoint.mac
  observe(context, 'to-endpoint', [identity, endpoint.identity], at.fresh, endpoint.id)
  return { action: 'redirect', to: endpoint.link, detail: () => `to endpoint ${endpoint.id} by ${endpoint.link}` }
}

/** Through the tunnel, with the sender's identity as the network identifier (bpf/lib/encap.h). */
export function encapsulate(context: TcContext, remote: string, identity: number, destination: number, fresh = false): TcVerdict {
  const { packet, link } = context
  packet.tunnel = { remote, vni: tunnelIdentity(identity) }
  packet.srcMac = link.mac
  // Nobody looks at it: the program at the other end knows the pod.
  packet.dstMac = link.mac
  observe(context, 'to-overlay', [identity, destination], fresh)
  return { action: 'redirect', to: tunnelDevice, detail: () => `by ${tunnelDevice} to ${remote} as identity ${tunnelIdentity(identity)}` }
}

/** By the routes of the host, without its stack (bpf/lib/fib.h). */
export function leave(context: TcContext, detail: () => string): TcVerdict {
  const { packet, link } = context
  const decision = link.namespace.routing.lookup({ dst: packet.dst })
  if (!decision?.link) return drop(context, 'FIB lookup failed', { identities: [0, 0] })
  return { action: 'redirect-neigh', to: decision.link.name, nextHop: decision.nextHop, detail }
}

export function denied(
  context: TcContext,
  { denied: byRule, match, origin }: PolicyVerdict,
  seen: Omit<Seen, 'observation' | 'verdict'>,
): TcVerdict {
  const reason = byRule ? 'Policy denied by denylist' : 'Policy denied'
  const maps = mapsOf(context.maps)
  emit(context.maps, maps, context.clock.now(), context.packet, {
    ...seen,
    observation: `policy-verdict:${byRule ? match : 'none'}`,
    verdict: 'DENIED',
  })
  return drop(context, reason, seen, origin)
}

export function allowed(context: TcContext, { match }: PolicyVerdict, seen: Omit<Seen, 'observation' | 'verdict'>): void {
  // Verdicts are told of endpoints that enforce something; where nothing is enforced there is nothing to tell.
  if (match === 'all') return
  emit(context.maps, mapsOf(context.maps), context.clock.now(), context.packet, {
    ...seen,
    observation: `policy-verdict:${match}`,
    verdict: 'ALLOWED',
  })
}

/** Ends a packet without a word to its sender; counted, and told to whoever listens. */
export function drop(context: TcContext, reason: string, seen: Omit<Seen, 'observation' | 'verdict'>, origin?: Origin): TcVerdict {
  const { packet, clock } = context
  const maps = mapsOf(context.maps)
  const key = `${reason} ${seen.direction === 'egress' ? 'EGRESS' : 'INGRESS'}`
  maps.drops.set(key, (maps.drops.get(key) ?? 0) + 1)
  emit(context.maps, maps, clock.now(), packet, { ...seen, observation: 'policy-verdict:none', verdict: 'DROPPED', reason })
  return { action: 'drop', reason, ...(origin ? { origin } : {}) }
}

export function observe(
  context: TcContext,
  observation: Observation,
  identities: readonly [number, number],
  fresh: boolean,
  endpoint?: number,
): void {
  const { packet, clock } = context
  if (!fresh && !isNotable(packet)) return
  const seen = { observation, verdict: 'FORWARDED', identities, ...(endpoint === undefined ? {} : { endpoint }) } as const
  emit(context.maps, mapsOf(context.maps), clock.now(), packet, seen)
}
