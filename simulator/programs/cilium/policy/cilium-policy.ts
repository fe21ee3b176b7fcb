import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import { isAddress, parsePrefix } from '../../../network/address.ts'
import type { AddressBlock } from '../../../network-policy/policy.ts'
import type { L4Protocol } from '../datapath/maps.ts'
import { entities } from './entities.ts'
import { exists, namespaceLabel } from './labels.ts'
import type { Clause, Rule, RulePort, Side } from './rule.ts'

interface CiliumPort {
  readonly port: string
  readonly endPort?: number
  readonly protocol?: string
}

interface ServiceReference {
  readonly k8sService?: { readonly serviceName?: string; readonly namespace?: string }
  readonly k8sServiceSelector?: { readonly selector: LabelSelector; readonly namespace?: string }
}

type RuleBody = Readonly<Record<string, unknown>>

export interface Specification extends RuleBody {
  readonly endpointSelector?: LabelSelector
  readonly nodeSelector?: LabelSelector
  readonly enableDefaultDeny?: { readonly ingress?: boolean; readonly egress?: boolean }
  readonly ingress?: readonly RuleBody[]
  readonly ingressDeny?: readonly RuleBody[]
  readonly egress?: readonly RuleBody[]
  readonly egressDeny?: readonly RuleBody[]
}

/** CiliumNetworkPolicy and, without a namespace, CiliumClusterwideNetworkPolicy. */
export interface CiliumPolicy extends KubeObject {
  readonly spec?: Specification
  readonly specs?: readonly Specification[]
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[] }
}

/** What a policy needs to know of the cluster: where a Service leads. */
export interface ServiceWorld {
  /** Of a Service with a selector, that selector; of one without, the addresses behind it. Undefined where there is none. */
  service(namespace: string, name: string): { readonly selector?: LabelSelector; readonly addresses: readonly string[] } | undefined
  services(namespace: string | undefined, selector: LabelSelector): readonly { readonly namespace: string; readonly name: string }[]
}

/** The policy cannot be: the message is what its condition Valid says. */
export class PolicyError extends Error {}

const unmodelled = (what: string) => new PolicyError(`the simulated cluster does not model ${what}`)

/** Reads a policy as pkg/policy/api documents its rules. Throws PolicyError. */
export function readCiliumPolicy(policy: CiliumPolicy, world: ServiceWorld): Rule[] {
  const { namespace, name = '' } = policy.metadata ?? {}
  const kind = namespace ? 'CiliumNetworkPolicy' : 'CiliumClusterwideNetworkPolicy'
  const specifications = [...(policy.spec ? [policy.spec] : []), ...(policy.specs ?? [])]
  if (specifications.length === 0)
    throw new PolicyError('Invalid CiliumNetworkPolicy spec(s) empty: must have at least one of spec or specs')
  return specifications.map((specification) => {
    const { endpointSelector, nodeSelector, enableDefaultDeny = {} } = specification
    if (nodeSelector) throw unmodelled("Cilium's host firewall (nodeSelector)")
    if (!endpointSelector) throw new PolicyError('rule must have one of EndpointSelector or NodeSelector')
    const side = (direction: 'ingress' | 'egress'): Side | undefined => {
      const [allow, deny] = [specification[direction], specification[`${direction}Deny`]]
      if (!allow?.length && !deny?.length) return undefined
      const isolates = enableDefaultDeny[direction] ?? true
      const read = (bodies: readonly RuleBody[] | undefined) => (bodies ?? []).flatMap((body) => clauses(body, direction, namespace, world))
      return { isolates, allow: read(allow), deny: read(deny) }
    }
    return {
      origin: { kind, ...(namespace ? { namespace } : {}), name },
      subject: namespace ? within(endpointSelector, namespace) : managed(endpointSelector),
      ingress: side('ingress'),
      egress: side('egress'),
    }
  })
}

const refused: Readonly<Record<string, string>> = {
  toFQDNs: 'toFQDNs',
  toGroups: 'toGroups',
  fromGroups: 'fromGroups',
  fromNodes: 'fromNodes',
  toNodes: 'toNodes',
  authentication: "Cilium's mutual authentication",
  fromRequires: 'fromRequires',
  toRequires: 'toRequires',
}

function clauses(body: RuleBody, direction: 'ingress' | 'egress', namespace: string | undefined, world: ServiceWorld): Clause[] {
  const way = direction === 'ingress' ? 'from' : 'to'
  for (const [field, what] of Object.entries(refused)) if (body[field] !== undefined) throw unmodelled(what)
  const members = [`${way}Endpoints`, `${way}CIDR`, `${way}CIDRSet`, `${way}Entities`, 'toServices'].filter(
    (field) => body[field] !== undefined,
  )
  for (const [index, field] of members.entries()) {
    const other = members.slice(index + 1).find((candidate) => !(field.endsWith('CIDR') && candidate.endsWith('CIDRSet')))
    if (other) throw new PolicyError(`combining ${capital(field)} and ${capital(other)} is not supported yet`)
  }
  const ports = portsOf(body)
  const list = <T>(field: string) => body[field] as readonly T[] | undefined
  const selectors: LabelSelector[] = []
  const blocks: AddressBlock[] = []
  let everybody = false
  for (const selector of list<LabelSelector>(`${way}Endpoints`) ?? []) selectors.push(peer(selector, namespace))
  for (const cidr of list<string>(`${way}CIDR`) ?? []) blocks.push({ cidr: prefix(cidr), except: [] })
  for (const set of list<{ cidr?: string; except?: string[] }>(`${way}CIDRSet`) ?? []) {
    if (set.cidr === undefined) throw unmodelled('CiliumCIDRGroups')
    blocks.push({ cidr: prefix(set.cidr), except: (set.except ?? []).map(prefix) })
  }
  for (const entity of list<string>(`${way}Entities`) ?? []) {
    const known = entities[entity]
    if (!known) throw new PolicyError(`unsupported entity: ${entity}`)
    if (entity === 'all') everybody = true
    selectors.push(...known)
  }
  for (const service of list<ServiceReference>('toServices') ?? []) {
    for (const found of referenced(service, namespace, world)) {
      if (found.selector) selectors.push(found.selector)
      else blocks.push(...found.addresses.map((address): AddressBlock => ({ cidr: parsePrefix(address), except: [] })))
    }
  }
  // A rule that names neither peers nor ports selects nothing: all that it does is to isolate.
  if (members.length === 0 && ports === undefined) return []
  return [{ peers: members.length === 0 || everybody ? undefined : { selectors, blocks }, ports }]
}

function* referenced({ k8sService, k8sServiceSelector }: ServiceReference, namespace: string | undefined, world: ServiceWorld) {
  const named = k8sServiceSelector
    ? world.services(k8sServiceSelector.namespace ?? namespace, k8sServiceSelector.selector)
    : [{ namespace: k8sService?.namespace ?? namespace ?? '', name: k8sService?.serviceName ?? '' }]
  for (const one of named) {
    const found = world.service(one.namespace, one.name)
    if (found?.selector) yield { selector: within(found.selector, one.namespace), addresses: [] }
    else if (found) yield { selector: undefined, addresses: found.addresses }
  }
}

/** Ports of toPorts and types of icmps; undefined where the rule names none. */
function portsOf(body: RuleBody): RulePort[] | undefined {
  const toPorts = body['toPorts'] as readonly Readonly<Record<string, unknown>>[] | undefined
  const icmps = body['icmps'] as readonly { fields?: readonly { type: number | string; family?: string }[] }[] | undefined
  if (!toPorts?.length && !icmps?.length) return undefined
  if (toPorts?.length && icmps?.length)
    throw new PolicyError('The ICMPs block may only be present without ToPorts. Define a separate rule to use ToPorts.')
  const ports = (toPorts ?? []).flatMap((rule) => {
    if (rule['rules'] !== undefined) throw unmodelled("Cilium's layer 7 rules (toPorts.rules)")
    for (const field of ['listener', 'terminatingTLS', 'originatingTLS', 'serverNames'])
      if (rule[field] !== undefined) throw unmodelled(`toPorts.${field}`)
    const listed = rule['ports'] as readonly CiliumPort[] | undefined
    return listed?.length ? listed.flatMap(portOf) : [{ protocol: 'any' as const }]
  })
  const types = (icmps ?? []).flatMap(({ fields = [] }) =>
    fields.flatMap(({ type, family }): RulePort[] => {
      if (family === 'IPv6') throw unmodelled('IPv6')
      const number = typeof type === 'number' ? type : (icmpTypes[type] ?? Number(type))
      return [{ protocol: 'icmp', range: { first: number, last: number } }]
    }),
  )
  return [...ports, ...types]
}

const icmpTypes: Readonly<Record<string, number>> = {
  EchoReply: 0,
  DestinationUnreachable: 3,
  Redirect: 5,
  Echo: 8,
  EchoRequest: 8,
  RouterAdvertisement: 9,
  RouterSelection: 10,
  TimeExceeded: 11,
  ParameterProblem: 12,
  Timestamp: 13,
  TimestampReply: 14,
}

/** Protocol ANY, the default, is TCP, UDP and SCTP; port 0 is every port. */
function portOf({ port, endPort, protocol = 'ANY' }: CiliumPort): RulePort[] {
  const protocols = protocol.toUpperCase() === 'ANY' ? (['tcp', 'udp', 'sctp'] as const) : [protocol.toLowerCase() as L4Protocol]
  if (!/^\d+$/.test(port)) {
    if (!/^[a-zA-Z0-9-]{1,15}$/.test(port))
      throw new PolicyError(`unable to parse port: strconv.ParseUint: parsing "${port}": invalid syntax`)
    return protocols.map((one) => ({ protocol: one, name: port }))
  }
  const first = Number(port)
  if (first > 65_535) throw new PolicyError(`unable to parse port: strconv.ParseUint: parsing "${port}": value out of range`)
  if (first === 0) return protocols.map((one) => ({ protocol: one }))
  const last = endPort && endPort > 0 ? endPort : first
  return protocols.map((one) => ({ protocol: one, range: { first, last } }))
}

function prefix(text: string) {
  if (!isAddress(text.split('/')[0] ?? '')) throw new PolicyError(`unable to parse CIDR: netip.ParsePrefix("${text}"): no '/'`)
  return parsePrefix(text)
}

/** A selector of a namespaced policy: it selects in that namespace, whatever it says. */
function within({ matchLabels = {}, matchExpressions = [] }: LabelSelector, namespace: string): LabelSelector {
  return { matchLabels: { ...matchLabels, [namespaceLabel]: namespace }, matchExpressions }
}

/** Of a peer's selector the policy's namespace is only the default, and reserved identities have none. */
function peer(selector: LabelSelector, namespace: string | undefined): LabelSelector {
  const { matchLabels = {}, matchExpressions = [] } = selector
  const keys = [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)]
  const bare = keys.map((key) => key.replace(/^(k8s|any):/, ''))
  if (keys.some((key) => key.startsWith('reserved:'))) return selector
  const placed = bare.some((key) => key === 'io.kubernetes.pod.namespace' || key.startsWith('io.cilium.k8s.namespace.labels.'))
  if (placed) return selector
  return namespace === undefined ? managed(selector) : within(selector, namespace)
}

/** In a cluster-wide policy a selector is about pods, of whatever namespace. */
function managed({ matchLabels = {}, matchExpressions = [] }: LabelSelector): LabelSelector {
  if ([...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)].some((key) => key.startsWith('reserved:')))
    return { matchLabels, matchExpressions }
  return { matchLabels, matchExpressions: [...matchExpressions, ...(exists(namespaceLabel).matchExpressions ?? [])] }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
