import { fields, list, map, number, refused, text, truth, whole, wholeOrText } from './schemas.ts'

const accounts = fields({ names: list(text), selector: text })
const service = fields({ name: text, namespace: text })
const icmp = fields({ code: whole, type: whole })

const entity = fields({
  namespaceSelector: text,
  nets: list(text),
  notNets: list(text),
  notPorts: list(wholeOrText),
  notSelector: text,
  ports: list(wholeOrText),
  selector: text,
  serviceAccounts: accounts,
  services: refused(service),
})

const rule = fields(
  {
    action: text,
    destination: entity,
    http: refused(fields({ methods: list(text), paths: list(fields({ exact: text, prefix: text })) })),
    icmp,
    ipVersion: whole,
    metadata: fields({ annotations: map(text) }),
    notICMP: icmp,
    notProtocol: wholeOrText,
    protocol: wholeOrText,
    source: entity,
  },
  ['action'],
)

const common = {
  egress: list(rule),
  ingress: list(rule),
  order: number,
  performanceHints: list(text),
  selector: text,
  serviceAccountSelector: text,
  tier: text,
  types: list(text),
}

/** `spec` of a NetworkPolicy of Calico's own. */
export const networkPolicySpec = fields(common)

/** `spec` of a GlobalNetworkPolicy. What is only for host endpoints is refused; applyOnForward changes nothing without them. */
export const globalNetworkPolicySpec = fields({
  ...common,
  applyOnForward: truth,
  doNotTrack: refused(truth),
  namespaceSelector: text,
  preDNAT: refused(truth),
})
