import type { KubeObject } from '../../kubernetes.ts'
import type { CustomResourceDefinition, PrinterColumn } from '../../resources/customresourcedefinition/types.ts'
import type { Schema } from '../../resources/schema/schema.ts'

/** Cilium's kinds as its operator installs them: own schemas, in the form of upstream's (pkg/k8s/apis/cilium.io/client/crds/v2). */

const text: Schema = { type: 'string' }
const integer: Schema = { type: 'integer' }
const flag: Schema = { type: 'boolean' }
const anything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const list = (items: Schema): Schema => ({ type: 'array', items })
const object = (properties: Record<string, Schema>, required: string[] = []): Schema => ({
  type: 'object',
  properties,
  ...(required.length > 0 ? { required } : {}),
})
const map = (values: Schema): Schema => ({ type: 'object', additionalProperties: values })
const oneOf = (values: string[]): Schema => ({ type: 'string', enum: values })

const selector = object({
  matchExpressions: list(
    object({ key: text, operator: oneOf(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: list(text) }, ['key', 'operator']),
  ),
  matchLabels: map({ type: 'string', maxLength: 63, pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$' }),
})

const cidr: Schema = { type: 'string', format: 'cidr' }
const cidrSet = list(object({ cidr, cidrGroupRef: text, cidrGroupSelector: selector, except: list(cidr) }))
const entity = oneOf([
  'all',
  'world',
  'world-ipv4',
  'world-ipv6',
  'cluster',
  'host',
  'init',
  'ingress',
  'unmanaged',
  'remote-node',
  'health',
  'none',
  'kube-apiserver',
])
const ports = list(
  object(
    {
      endPort: { type: 'integer', format: 'int32', minimum: 0, maximum: 65_535 },
      port: {
        type: 'string',
        pattern:
          '^(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})|([a-zA-Z0-9]-?)*[a-zA-Z](-?[a-zA-Z0-9])*$',
      },
      protocol: oneOf(['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPv6', 'VRRP', 'IGMP', 'ANY']),
    },
    ['port'],
  ),
)
const denyPorts = list(object({ ports: { ...ports, maxItems: 40 } }))
const allowPorts = list(
  object({
    listener: anything,
    originatingTLS: anything,
    ports: { ...ports, maxItems: 40 },
    rules: object({ dns: list(anything), http: list(anything), kafka: list(anything), l7: list(map(text)), l7proto: text }),
    serverNames: list(text),
    terminatingTLS: anything,
  }),
)
const icmps = list(
  object({
    fields: list(
      object({ family: { ...oneOf(['IPv4', 'IPv6']), default: 'IPv4' }, type: { 'x-kubernetes-int-or-string': true } }, ['type']),
    ),
  }),
)
const authentication = object({ mode: oneOf(['disabled', 'required', 'test-always-fail']) }, ['mode'])
const services = list(
  object({
    k8sService: object({ namespace: text, serviceName: text }),
    k8sServiceSelector: object({ namespace: text, selector }, ['selector']),
  }),
)
const from = {
  fromCIDR: list(cidr),
  fromCIDRSet: cidrSet,
  fromEndpoints: list(selector),
  fromEntities: list(entity),
  fromGroups: list(anything),
  fromNodes: list(selector),
  fromRequires: list(selector),
  icmps,
}
const to = {
  icmps,
  toCIDR: list(cidr),
  toCIDRSet: cidrSet,
  toEndpoints: list(selector),
  toEntities: list(entity),
  toGroups: list(anything),
  toNodes: list(selector),
  toRequires: list(selector),
  toServices: services,
}

const rule = object({
  description: text,
  egress: list(object({ ...to, authentication, toFQDNs: list(object({ matchName: text, matchPattern: text })), toPorts: allowPorts })),
  egressDeny: list(object({ ...to, toPorts: denyPorts })),
  enableDefaultDeny: object({ egress: flag, ingress: flag }),
  endpointSelector: selector,
  ingress: list(object({ ...from, authentication, toPorts: allowPorts })),
  ingressDeny: list(object({ ...from, toPorts: denyPorts })),
  labels: list(object({ key: text, source: text, value: text }, ['key'])),
  nodeSelector: selector,
})

const conditions = list(
  object({ lastTransitionTime: { type: 'string', format: 'date-time' }, message: text, reason: text, status: text, type: text }, [
    'status',
    'type',
  ]),
)

const policySchema = object({ spec: rule, specs: list(rule), status: object({ conditions, derivativePolicies: map(anything) }) })

const endpointSchema = object({
  status: object({
    controllers: list(anything),
    encryption: object({ key: integer }),
    'external-identifiers': map(text),
    health: object({ bpf: text, connected: flag, overallHealth: text, policy: text }),
    id: { type: 'integer', format: 'int64' },
    identity: object({ id: { type: 'integer', format: 'int64' }, labels: list(text) }),
    log: list(anything),
    'named-ports': list(object({ name: text, port: integer, protocol: text })),
    networking: object({ addressing: list(object({ ipv4: text, ipv6: text })), node: text }, ['addressing']),
    policy: anything,
    'service-account': text,
    state: oneOf([
      'creating',
      'waiting-for-identity',
      'not-ready',
      'waiting-to-regenerate',
      'regenerating',
      'restoring',
      'ready',
      'disconnecting',
      'disconnected',
      'invalid',
    ]),
  }),
})

const identitySchema = object({ 'security-labels': map(text) }, ['security-labels'])

const nodeSchema = object({
  spec: object({
    addresses: list(object({ ip: text, type: text })),
    bootid: text,
    encryption: object({ key: integer }),
    health: object({ ipv4: text, ipv6: text }),
    ingress: object({ ipv4: text, ipv6: text }),
    'instance-id': text,
    ipam: object({ podCIDRs: list(cidr), pool: map(anything), pools: anything }),
    nodeidentity: integer,
  }),
  status: anything,
})

interface Kind {
  readonly kind: string
  readonly plural: string
  readonly short: string[]
  readonly namespaced?: boolean
  readonly categories?: string[]
  readonly columns: PrinterColumn[]
  readonly schema: Schema
  readonly status?: boolean
}

const age: PrinterColumn = { jsonPath: '.metadata.creationTimestamp', name: 'Age', type: 'date' }
const valid: PrinterColumn = { jsonPath: ".status.conditions[?(@.type=='Valid')].status", name: 'Valid', type: 'string' }

const kinds: readonly Kind[] = [
  {
    kind: 'CiliumClusterwideNetworkPolicy',
    plural: 'ciliumclusterwidenetworkpolicies',
    short: ['ccnp'],
    categories: ['cilium', 'ciliumpolicy'],
    columns: [valid],
    schema: policySchema,
    status: true,
  },
  {
    kind: 'CiliumEndpoint',
    plural: 'ciliumendpoints',
    short: ['cep', 'ciliumep'],
    namespaced: true,
    categories: ['cilium'],
    columns: [
      { description: 'Security Identity', jsonPath: '.status.identity.id', name: 'Security Identity', type: 'integer' },
      {
        description: 'Ingress enforcement in the endpoint',
        jsonPath: '.status.policy.ingress.state',
        name: 'Ingress Enforcement',
        priority: 1,
        type: 'string',
      },
      {
        description: 'Egress enforcement in the endpoint',
        jsonPath: '.status.policy.egress.state',
        name: 'Egress Enforcement',
        priority: 1,
        type: 'string',
      },
      { description: 'Endpoint current state', jsonPath: '.status.state', name: 'Endpoint State', type: 'string' },
      { description: 'Endpoint IPv4 address', jsonPath: '.status.networking.addressing[0].ipv4', name: 'IPv4', type: 'string' },
      { description: 'Endpoint IPv6 address', jsonPath: '.status.networking.addressing[0].ipv6', name: 'IPv6', type: 'string' },
    ],
    schema: endpointSchema,
  },
  {
    kind: 'CiliumIdentity',
    plural: 'ciliumidentities',
    short: ['ciliumid'],
    categories: ['cilium'],
    columns: [
      {
        description: 'The namespace of the entity',
        jsonPath: '.metadata.labels.io\\.kubernetes\\.pod\\.namespace',
        name: 'Namespace',
        type: 'string',
      },
      { ...age, description: 'The age of the identity' },
    ],
    schema: identitySchema,
  },
  {
    kind: 'CiliumNetworkPolicy',
    plural: 'ciliumnetworkpolicies',
    short: ['cnp', 'ciliumnp'],
    namespaced: true,
    categories: ['cilium', 'ciliumpolicy'],
    columns: [age, valid],
    schema: policySchema,
    status: true,
  },
  {
    kind: 'CiliumNode',
    plural: 'ciliumnodes',
    short: ['cn', 'ciliumn'],
    categories: ['cilium'],
    columns: [
      {
        description: 'Cilium internal IP for this node',
        jsonPath: '.spec.addresses[?(@.type=="CiliumInternalIP")].ip',
        name: 'CiliumInternalIP',
        type: 'string',
      },
      { description: 'IP of the node', jsonPath: '.spec.addresses[?(@.type=="InternalIP")].ip', name: 'InternalIP', type: 'string' },
      { ...age, description: 'Time duration since creation of Ciliumnode' },
    ],
    schema: nodeSchema,
    status: true,
  },
]

/** Names of the definitions without which an agent does not go on. */
export const neededDefinitions: readonly string[] = kinds.map(({ plural }) => `${plural}.cilium.io`)

/** Made once: every cluster shares what never differs. */
export const ciliumDefinitions: readonly (CustomResourceDefinition & KubeObject)[] = kinds.map((one) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${one.plural}.cilium.io`, labels: { 'io.cilium.k8s.crd.schema.version': '1.31.12' } },
  spec: {
    group: 'cilium.io',
    names: {
      kind: one.kind,
      listKind: `${one.kind}List`,
      plural: one.plural,
      singular: one.kind.toLowerCase(),
      shortNames: one.short,
      ...(one.categories ? { categories: one.categories } : {}),
    },
    scope: one.namespaced ? 'Namespaced' : 'Cluster',
    versions: [
      {
        name: 'v2',
        served: true,
        storage: true,
        additionalPrinterColumns: one.columns,
        schema: {
          openAPIV3Schema: {
            ...one.schema,
            properties: { apiVersion: text, kind: text, metadata: { type: 'object' }, ...one.schema.properties },
            required: ['metadata', ...((one.schema.required as string[] | undefined) ?? [])],
          },
        },
        ...(one.status ? { subresources: { status: {} } } : {}),
      },
    ],
  },
}))
