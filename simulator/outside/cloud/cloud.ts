import type { Clock, Closer } from '../../clock.ts'
import { isAddress, parsePrefix, prefixContains } from '../../network/address.ts'
import type { Network } from '../../network/network.ts'
import { type LoadBalancerConfig, serveLoadBalancer } from './load-balancer.ts'

/** A refusal of the cloud's API, in its words. */
export class CloudError extends Error {}

export interface LoadBalancer {
  readonly address: string
}

/** Plain data: what the account holds. */
export interface CloudSnapshot {
  readonly quota: number
  readonly loadBalancers: readonly { readonly address: string; readonly config: LoadBalancerConfig }[]
}

/** Whoever rents out load balancers: an account with a quota, whose machines stand on the nodes' segment. */
export interface Cloud {
  find(name: string): LoadBalancer | undefined
  /** Makes it, or gives the one of that name a new configuration. Throws CloudError: over the quota, an address that cannot be had. */
  ensure(config: LoadBalancerConfig, wishedAddress?: string): LoadBalancer
  /** Absent is fine. */
  remove(name: string): void
  snapshot(): CloudSnapshot
}

const account = '123456789012'
/** What of the nodes' segment the account may use. */
const first = 200
const last = 250
const networkPrefix = '172.18.0.0/16'

/**
 * Load balancers as cloud-provider-kind makes them, each a proxy on a machine of its own, under a quota as Amazon's ELB API counts it.
 * `segment`: the nodes'. Machines and addresses are part of the network's snapshot, what they are configured to do of this one's.
 */
export function createCloud(parts: { network: Network; clock: Clock; segment: string }, from: CloudSnapshot): Cloud {
  const { network, clock } = parts
  const held = new Map<string, { readonly address: string; config: LoadBalancerConfig; served: Closer }>()
  for (const { address, config } of from.loadBalancers) held.set(config.name, { address, config, served: serve(config) })

  function serve(config: LoadBalancerConfig): Closer {
    const machine = network.machine(config.name)
    if (!machine) throw new Error(`the load balancer ${config.name} has no machine`)
    return serveLoadBalancer({ sockets: machine.root.sockets, clock, random: network.random }, config)
  }

  function place(wished: string | undefined): string {
    const taken = new Set(network.machines().flatMap(({ root }) => root.addresses()))
    if (wished) {
      if (!isAddress(wished) || !prefixContains(parsePrefix(networkPrefix), wished))
        throw new CloudError(
          `invalid config for network kind: invalid endpoint settings:\nno configured subnet contains IP address ${wished}`,
        )
      if (taken.has(wished)) throw new CloudError('Address already in use')
      return wished
    }
    for (let number = first; number <= last; number++) {
      const address = `172.18.0.${number}`
      if (!taken.has(address)) return address
    }
    throw new CloudError("no available IPv4 addresses on this network's address pools: kind")
  }

  return {
    find: (name) => held.get(name),
    ensure(config, wishedAddress) {
      const known = held.get(config.name)
      if (known) {
        known.served.close()
        known.config = config
        known.served = serve(config)
        return known
      }
      if (held.size >= from.quota) throw new CloudError(quotaExceeded())
      const address = place(wishedAddress)
      const segment = network.segment(parts.segment)
      if (!segment) throw new Error(`there is no segment ${parts.segment}`)
      network.attach(network.addMachine(config.name).root, segment, { address: `${address}/16`, gateway: '172.18.0.1' })
      const made = { address, config, served: serve(config) }
      held.set(config.name, made)
      return made
    },
    remove(name) {
      held.get(name)?.served.close()
      held.delete(name)
      network.removeMachine(name)
    },
    snapshot: () => ({
      quota: from.quota,
      loadBalancers: [...held.values()].map(({ address, config }) => ({ address, config })),
    }),
  }

  /** As the AWS SDK prints ELB's error of that name. */
  function quotaExceeded(): string {
    return `TooManyLoadBalancers: Exceeded quota of account ${account}\n\tstatus code: 400, request id: ${network.random.uuid()}`
  }
}
