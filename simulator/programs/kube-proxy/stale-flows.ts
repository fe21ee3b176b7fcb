import type { Conntrack } from '../../network/netfilter/conntrack.ts'
import type { ServicePort } from './service-ports.ts'

/**
 * Forgets UDP flows that a change of endpoints leaves pointing at nothing: UDP has no handshake, so a client that goes on sending from the
 * same port would be translated to the gone endpoint for ever. Follows upstream's pkg/proxy/conntrack/cleanup.go.
 */
export function forgetStaleFlows(conntrack: Conntrack, before: readonly ServicePort[], after: readonly ServicePort[]): void {
  for (const port of [...before, ...after]) {
    if (port.protocol !== 'udp') continue
    const now = after.find(({ name }) => name === port.name)
    const endpoints = new Set(now ? [...now.endpoints, ...now.localEndpoints] : [])
    const addresses = new Set([port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs])
    conntrack.remove(({ protocol, original, reply }) => {
      if (protocol !== 'udp') return false
      const toService = (addresses.has(original.dst) && original.dport === port.port) || original.dport === port.nodePort
      // A flow that was never translated met the Service while it had no endpoints; one to a lost endpoint is dead.
      return toService && !endpoints.has(`${reply.src}:${reply.sport}`)
    })
  }
}
