import { parsePrefix } from '../../../network/address.ts'
import type { NetworkNamespace } from '../../../network/namespace.ts'
import { reachableTime } from '../../../network/neighbour.ts'
import type { Route, RoutingRule } from '../../../network/routing.ts'

/** As the kernel lists a table: the default first, then by destination. */
export function sortedRoutes(routes: readonly Route[]): Route[] {
  return [...routes].sort((a, b) => {
    const [left, right] = [parsePrefix(a.dst), parsePrefix(b.dst)]
    return (left.words[0] ?? 0) - (right.words[0] ?? 0) || left.length - right.length || a.metric - b.metric
  })
}

export function ruleLine(rule: RoutingRule): string {
  const mark = rule.fwmark
    ? ` fwmark 0x${rule.fwmark.value.toString(16)}${rule.fwmark.mask === 0xffffffff ? '' : `/0x${rule.fwmark.mask.toString(16)}`}`
    : ''
  return `${rule.priority}:\tfrom ${rule.from ?? 'all'}${rule.to ? ` to ${rule.to}` : ''}${mark}${rule.iif ? ` iif ${rule.iif}` : ''} lookup ${rule.table}`
}

/** `ip neigh`: what was heard of lately is REACHABLE, before that STALE. */
export function neighbourLines(namespace: NetworkNamespace, dev?: string): string[] {
  const now = namespace.network.clock.now()
  return namespace
    .links()
    .filter((link) => dev === undefined || link.name === dev)
    .flatMap((link) =>
      [...link.neighbours.values()].map(({ address, mac, state, heard }) => {
        const shown = state === 'REACHABLE' && now - heard > reachableTime ? 'STALE' : state
        return `${address} ${dev === undefined ? `dev ${link.name} ` : ''}${mac && state !== 'INCOMPLETE' && state !== 'FAILED' ? `lladdr ${mac} ` : ''}${shown} `
      }),
    )
}
