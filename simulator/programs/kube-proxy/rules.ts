import type { Match, Rule, Target } from '../../network/netfilter/rule.ts'
import { endpointChain, serviceChains } from './chain-names.ts'
import type { ServicePort } from './service-ports.ts'

/** A Service port's own chains in the nat table, and its rules in the chains that all Services share. */
export interface PortRules {
  readonly chains: Readonly<Record<string, readonly Rule[]>>
  /** nat KUBE-SERVICES */
  readonly services: readonly Rule[]
  /** nat KUBE-NODEPORTS */
  readonly nodePorts: readonly Rule[]
  /** filter KUBE-SERVICES */
  readonly rejected: readonly Rule[]
  /** filter KUBE-EXTERNAL-SERVICES */
  readonly rejectedOutside: readonly Rule[]
  /** filter KUBE-PROXY-FIREWALL */
  readonly firewall: readonly Rule[]
  /** filter KUBE-NODEPORTS */
  readonly healthChecks: readonly Rule[]
}

const jump = (chain: string): Target => ({ target: 'jump', chain })
const comment = (text: string): Match => ({ match: 'comment', comment: text })
const markMasquerade = jump('KUBE-MARK-MASQ')

/** The rules of one Service port, as syncProxyRules of upstream's pkg/proxy/iptables writes them. */
export function portRules(port: ServicePort, clusterCidr: string | undefined): PortRules {
  const { name, protocol, origin } = port
  const names = serviceChains(name, protocol)
  const dport = (number: number): Match => ({ match: protocol === 'udp' ? 'udp' : 'tcp', dport: String(number) })
  const rule = (fields: Omit<Rule, 'origin'>, from = origin): Rule => ({ ...fields, origin: from })
  const on = { protocol }

  const hasAny = port.endpoints.length > 0
  const hasLocal = port.localEndpoints.length > 0
  const internal = port.internalLocal ? names.local : names.cluster
  const hasInternal = port.internalLocal ? hasLocal : hasAny
  const usesExternal = port.nodePort !== undefined || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0
  const hasExternal = port.externalLocal ? hasLocal || hasAny : hasAny

  const chains: Record<string, readonly Rule[]> = {}
  const services: Rule[] = []
  const nodePorts: Rule[] = []
  const rejected: Rule[] = []
  const rejectedOutside: Rule[] = []
  const firewall: Rule[] = []

  const refuse = (local: boolean): { text: string; target: Target } =>
    hasAny && local
      ? { text: `${name} has no local endpoints`, target: { target: 'DROP' } }
      : { text: `${name} has no endpoints`, target: { target: 'REJECT', with: 'icmp-port-unreachable' } }

  if (hasInternal) {
    services.push(
      rule({
        ...on,
        destination: `${port.clusterIP}/32`,
        matches: [comment(`${name} cluster IP`), dport(port.port)],
        target: jump(internal),
      }),
    )
  } else {
    const { text, target } = refuse(port.internalLocal)
    rejected.push(rule({ ...on, destination: `${port.clusterIP}/32`, matches: [comment(text), dport(port.port)], target }))
  }

  const outside = refuse(port.externalLocal)
  const lostOutside = !hasExternal || (port.externalLocal && !hasLocal)
  for (const address of port.externalIPs) {
    if (hasExternal)
      services.push(
        rule({
          ...on,
          destination: `${address}/32`,
          matches: [comment(`${name} external IP`), dport(port.port)],
          target: jump(names.external),
        }),
      )
    if (lostOutside)
      rejectedOutside.push(
        rule({ ...on, destination: `${address}/32`, matches: [comment(outside.text), dport(port.port)], target: outside.target }),
      )
  }
  for (const address of port.loadBalancerIPs) {
    const guarded = port.sourceRanges.length > 0
    if (hasExternal)
      services.push(
        rule({
          ...on,
          destination: `${address}/32`,
          matches: [comment(`${name} loadbalancer IP`), dport(port.port)],
          target: jump(guarded ? names.firewall : names.external),
        }),
      )
    if (guarded)
      firewall.push(
        rule({
          ...on,
          destination: `${address}/32`,
          matches: [comment(`${name} traffic not accepted by ${names.firewall}`), dport(port.port)],
          target: { target: 'DROP' },
        }),
      )
    if (lostOutside)
      rejectedOutside.push(
        rule({ ...on, destination: `${address}/32`, matches: [comment(outside.text), dport(port.port)], target: outside.target }),
      )
  }
  if (port.nodePort !== undefined) {
    if (hasExternal) nodePorts.push(rule({ ...on, matches: [comment(name), dport(port.nodePort)], target: jump(names.external) }))
    if (lostOutside)
      rejectedOutside.push(
        rule({
          ...on,
          matches: [comment(outside.text), { match: 'addrtype', dstType: 'LOCAL' }, dport(port.nodePort)],
          target: outside.target,
        }),
      )
  }
  const healthChecks =
    port.healthCheckNodePort === undefined
      ? []
      : [
          rule({
            protocol: 'tcp',
            matches: [comment(`${name} health check node port`), { match: 'tcp', dport: String(port.healthCheckNodePort) }],
            target: { target: 'ACCEPT' },
          }),
        ]
  if (port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0 && hasExternal) {
    chains[names.firewall] = [
      ...port.sourceRanges.map((source) => rule({ source, matches: [comment(`${name} loadbalancer IP`)], target: jump(names.external) })),
      rule({ matches: [comment(`other traffic to ${name} will be dropped by KUBE-PROXY-FIREWALL`)] }),
    ]
  }
  if (usesExternal && hasExternal) chains[names.external] = externalChain()
  if (hasAny && (!port.internalLocal || usesExternal)) chains[names.cluster] = balance(port.endpoints)
  if (hasLocal && (port.internalLocal || port.externalLocal)) chains[names.local] = balance(port.localEndpoints)
  for (const endpoint of new Set([...port.endpoints, ...port.localEndpoints]))
    chains[endpointChain(name, protocol, endpoint)] = toEndpoint(endpoint)
  return { chains, services, nodePorts, rejected, rejectedOutside, firewall, healthChecks }

  function externalChain(): Rule[] {
    if (!port.externalLocal) {
      return [
        rule({ matches: [comment(`masquerade traffic for ${name} external destinations`)], target: markMasquerade }),
        rule({ target: jump(names.cluster) }),
      ]
    }
    const fromHere: Match = { match: 'addrtype', srcType: 'LOCAL' }
    return [
      ...(clusterCidr
        ? [rule({ source: clusterCidr, matches: [comment(`pod traffic for ${name} external destinations`)], target: jump(names.cluster) })]
        : []),
      rule({ matches: [comment(`masquerade LOCAL traffic for ${name} external destinations`), fromHere], target: markMasquerade }),
      rule({ matches: [comment(`route LOCAL traffic for ${name} external destinations`), fromHere], target: jump(names.cluster) }),
      ...(hasLocal ? [rule({ target: jump(names.local) })] : []),
    ]
  }

  /** Spreads new connections evenly: each rule takes one in as many as are left. */
  function balance(endpoints: readonly string[]): Rule[] {
    const rules: Rule[] = []
    if (clusterCidr) {
      rules.push(
        rule({
          ...on,
          source: `!${clusterCidr}`,
          destination: `${port.clusterIP}/32`,
          matches: [comment(`${name} cluster IP`), dport(port.port)],
          target: markMasquerade,
        }),
      )
    }
    const chainOf = (endpoint: string) => endpointChain(name, protocol, endpoint)
    if (port.affinity !== undefined) {
      for (const endpoint of endpoints) {
        rules.push(
          rule({
            matches: [
              comment(`${name} -> ${endpoint}`),
              { match: 'recent', action: 'rcheck', name: chainOf(endpoint), seconds: port.affinity, reap: true, side: 'source' },
            ],
            target: jump(chainOf(endpoint)),
          }),
        )
      }
    }
    endpoints.forEach((endpoint, index) => {
      const left = endpoints.length - index
      const chance: Match[] = left > 1 ? [{ match: 'statistic', mode: 'random', probability: 1 / left }] : []
      rules.push(
        rule(
          { matches: [comment(`${name} -> ${endpoint}`), ...chance], target: jump(chainOf(endpoint)) },
          port.endpointOrigins.get(endpoint),
        ),
      )
    })
    return rules
  }

  function toEndpoint(endpoint: string): Rule[] {
    const address = endpoint.slice(0, endpoint.lastIndexOf(':'))
    const remember: Match[] =
      port.affinity === undefined ? [] : [{ match: 'recent', action: 'set', name: endpointChain(name, protocol, endpoint), side: 'source' }]
    return [
      // A pod that reaches itself through its Service must see another source than its own, or the reply would not come back this way.
      rule({ source: `${address}/32`, matches: [comment(name)], target: markMasquerade }),
      rule(
        {
          ...on,
          matches: [comment(name), ...remember, { match: protocol === 'udp' ? 'udp' : 'tcp' }],
          target: { target: 'DNAT', to: endpoint },
        },
        port.endpointOrigins.get(endpoint),
      ),
    ]
  }
}
