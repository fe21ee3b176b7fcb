import { parseCidr } from '../../../resources/addresses.ts'
import type { IcmpType, Part } from '../felix/felix-rule.ts'
import { when } from '../felix/felix-rule.ts'
import type { PortRange } from '../felix/policy-rule.ts'
import { parseSelector, type Selector } from '../selectors/selector.ts'
import { SelectorError } from '../selectors/tokens.ts'
import type { CalicoPolicyObject, EntityObject, IcmpObject, RuleObject } from './policy-objects.ts'
import { entitySelector, policySelector } from './policy-selectors.ts'

/** One side of a rule, with its selectors read. */
export interface CalicoEntity {
  readonly selector: Selector | undefined
  readonly notSelector: Selector | undefined
  readonly nets: readonly string[]
  readonly notNets: readonly string[]
  readonly ports: readonly PortRange[]
  readonly namedPorts: readonly string[]
  readonly notPorts: readonly PortRange[]
  readonly notNamedPorts: readonly string[]
}

export interface CalicoRule {
  readonly action: 'allow' | 'deny' | 'log' | 'pass'
  readonly protocol: Part | undefined
  readonly notProtocol: Part | undefined
  readonly portProtocol: 'TCP' | 'UDP' | 'SCTP'
  readonly icmp: IcmpType | undefined
  readonly notIcmp: IcmpType | undefined
  readonly source: CalicoEntity
  readonly destination: CalicoEntity
  readonly comments: readonly string[]
}

/** A policy of Calico's own kinds as its meaning. */
export interface CalicoPolicy {
  readonly kind: 'GlobalNetworkPolicy' | 'NetworkPolicy'
  readonly namespace: string | undefined
  readonly name: string
  /** `default.allow-dns`, `shop/default.web`: as Felix and its chains name it. */
  readonly id: string
  readonly tier: string
  /** Policies without an order come last. */
  readonly order: number
  readonly selector: Selector
  readonly ingress: readonly CalicoRule[] | undefined
  readonly egress: readonly CalicoRule[] | undefined
}

/** What Felix's validation finds; it treats the object as missing. */
export class PolicyError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PolicyError'
  }
}

/** The tier is the word before the first dot of the name (libcalico-go/lib/names); `spec.tier` is only for Calico's own API. */
export function tierOf(name: string): string {
  const dot = name.indexOf('.')
  return dot < 0 || name.startsWith('knp.default.') || name.startsWith('ossg.') ? 'default' : name.slice(0, dot)
}

/**
 * Reads a policy as Felix does. Without types it is about both directions: only Calico's own API server and calicoctl infer them.
 * Undefined for what is only about host endpoints. Throws PolicyError.
 */
export function readCalicoPolicy(object: CalicoPolicyObject, kind: CalicoPolicy['kind']): CalicoPolicy | undefined {
  const { name = '', namespace } = object.metadata ?? {}
  const spec = object.spec ?? {}
  if (spec.doNotTrack || spec.preDNAT) return undefined
  const types = (spec.types ?? []).map((type) => type.toLowerCase())
  const about = (direction: string) => types.length === 0 || types.includes(direction)
  const read = (rules: readonly RuleObject[] | undefined) => (rules ?? []).flatMap((rule) => readRule(rule, namespace) ?? [])
  const { selector, namespaceSelector, serviceAccountSelector } = spec
  const [ingress, egress] = [read(spec.ingress), read(spec.egress)]
  return {
    kind,
    namespace,
    name,
    id: namespace === undefined ? name : `${namespace}/${name}`,
    tier: tierOf(name),
    order: spec.order ?? Number.POSITIVE_INFINITY,
    selector: reading('Selector', selector ?? '', () =>
      policySelector(namespace, {
        ...(selector !== undefined && { selector }),
        ...(namespaceSelector !== undefined && { namespaceSelector }),
        ...(serviceAccountSelector !== undefined && { serviceAccountSelector }),
      }),
    ),
    ingress: about('ingress') ? ingress : undefined,
    egress: about('egress') ? egress : undefined,
  }
}

const actions: Readonly<Record<string, CalicoRule['action']>> = { allow: 'allow', deny: 'deny', log: 'log', pass: 'pass', '': 'allow' }
const protocolNames = { tcp: 'tcp', udp: 'udp', icmp: 'icmp', sctp: 'sctp', icmpv6: 'ipv6-icmp' } as const
const protocolNumbers = { 1: 'icmp', 4: 'ipip', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp', 132: 'sctp' } as const
const portsNeed = 'rules that specify ports must set protocol to TCP or UDP or SCTP'

/** Undefined: a rule about IPv6 alone, which says nothing here. */
function readRule(rule: RuleObject, namespace: string | undefined): CalicoRule | undefined {
  const action = actions[rule.action.toLowerCase()]
  if (!action) throw new PolicyError(`error with field Action = '${rule.action}' (Unknown rule action)`)
  if (rule.http) throw new PolicyError('the simulated Calico does not model http in rules')
  const protocol = protocolOf(rule.protocol)
  const notProtocol = protocolOf(rule.notProtocol)
  if (protocol && notProtocol) throw new PolicyError('the simulated Calico does not model protocol and notProtocol in one rule')
  const [source, destination] = [
    readEntity('Src', rule.source ?? {}, namespace, protocol),
    readEntity('Dst', rule.destination ?? {}, namespace, protocol),
  ]
  const [icmp, notIcmp] = [icmpOf(rule.icmp), icmpOf(rule.notICMP)]
  if ((icmp || notIcmp) && protocol !== 'icmp') throw new PolicyError("error with field ICMP (protocol must be 'ICMP')")
  if (rule.ipVersion === 6 || !source || !destination) return undefined
  return {
    action,
    protocol: protocol && when.protocolAs(String(rule.protocol).toLowerCase(), protocol),
    notProtocol: notProtocol && when.notProtocolAs(String(rule.notProtocol).toLowerCase(), `!${notProtocol}` as '!tcp'),
    portProtocol: protocol === 'udp' ? 'UDP' : protocol === 'sctp' ? 'SCTP' : 'TCP',
    icmp,
    notIcmp,
    source,
    destination,
    comments: Object.entries(rule.metadata?.annotations ?? {}).map(([key, value]) => `${key}=${value}`),
  }
}

function protocolOf(value: number | string | undefined) {
  if (value === undefined) return undefined
  const found =
    protocolNumbers[Number(value) as keyof typeof protocolNumbers] ??
    protocolNames[String(value).toLowerCase() as keyof typeof protocolNames]
  if (!found) throw new PolicyError(`the simulated Calico does not model protocol ${value} in rules`)
  return found
}

function icmpOf(icmp: IcmpObject | undefined): IcmpType | undefined {
  if (icmp?.type === undefined) return undefined
  return { type: icmp.type, ...(icmp.code !== undefined && { code: icmp.code }) }
}

/** Undefined where it is about IPv6 alone. */
function readEntity(
  side: 'Src' | 'Dst',
  entity: EntityObject,
  namespace: string | undefined,
  protocol: string | undefined,
): CalicoEntity | undefined {
  if (entity.services) throw new PolicyError('the simulated Calico does not model services in rules')
  if ((entity.ports?.length || entity.notPorts?.length) && !(protocol && /^(tcp|udp|sctp)$/.test(protocol))) {
    throw new PolicyError(`error with field ${side}Ports (${portsNeed})`)
  }
  const nets = readNets(entity.nets)
  const notNets = readNets(entity.notNets)
  if (!nets || !notNets || notNets.includes('0.0.0.0/0')) return undefined
  const { notSelector = '' } = entity
  const text = reading(`${side}Selector`, entity.selector ?? '', () => entitySelector(entity, namespace))
  const parsed = (field: string, wanted: string) => reading(field, wanted, () => parseSelector(wanted))
  if (entity.selector) parsed(`${side}Selector`, entity.selector)
  if (notSelector !== '') parsed(`Not${side}Selector`, notSelector)
  const ports = readPorts(`${side}Ports`, entity.ports)
  const notPorts = readPorts(`Not${side}Ports`, entity.notPorts)
  // Whoever is not to be is taken out of whoever is; alone it stands by itself, as it is about more than endpoints.
  const combined = text !== '' && notSelector !== '' ? `(${text}) && (!(${notSelector}))` : text
  return {
    selector: combined === '' ? undefined : parsed(`${side}Selector`, combined),
    notSelector: text === '' && notSelector !== '' ? parseSelector(notSelector) : undefined,
    nets,
    notNets,
    ports: ports.ranges,
    namedPorts: ports.names,
    notPorts: notPorts.ranges,
    notNamedPorts: notPorts.names,
  }
}

function reading<T>(field: string, value: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    throw new PolicyError(`error with field ${field} = '${value}' (invalid selector: ${error.message})`)
  }
}

/** IPv4 alone, and undefined where there is none of it among what there is. What is no net at all is passed over. */
function readNets(nets: readonly string[] = []): string[] | undefined {
  const known = nets.flatMap((net) => {
    const text = net.includes('/') ? net : `${net}/${net.includes(':') ? 128 : 32}`
    const cidr = parseCidr(text)
    return cidr ? { text: canonicalNet(text), family: cidr.family } : []
  })
  const four = known.filter(({ family }) => family === 'IPv4').map(({ text }) => text)
  return known.length > 0 && four.length === 0 ? undefined : four
}

function canonicalNet(text: string): string {
  const cidr = parseCidr(text)
  if (cidr?.family !== 'IPv4') return text
  const bytes = [24n, 16n, 8n, 0n].map((shift) => Number((cidr.network >> shift) & 255n))
  return `${bytes.join('.')}/${cidr.prefix}`
}

function readPorts(field: string, ports: readonly (number | string)[] = []) {
  const ranges: PortRange[] = []
  const names: string[] = []
  for (const port of ports) {
    const [, first, last] = /^(\d+)(?::(\d+))?$/.exec(String(port)) ?? []
    if (first === undefined) {
      if (!/^[a-zA-Z0-9_.-]{1,128}$/.test(String(port))) throw new PolicyError(`error with field ${field} = '${port}' (invalid name)`)
      names.push(String(port))
      continue
    }
    const range = { first: Number(first), last: Number(last ?? first) }
    if (range.first > range.last || range.last > 65535 || range.first < 1) {
      throw new PolicyError(`error with field ${field} = '${port}' (invalid port range)`)
    }
    ranges.push(range)
  }
  return { ranges, names }
}
