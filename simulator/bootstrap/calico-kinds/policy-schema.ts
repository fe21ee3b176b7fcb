import { fields, list, map, number, refusing, text, truth, whole, wholeOrText } from './schemas.ts'

const accounts = fields({ names: list(text), selector: text })
const service = fields({ name: text, namespace: text })
const icmp = fields({ code: whole, type: whole })

const entity = refusing(
  fields({
    namespaceSelector: text,
    nets: list(text),
    notNets: list(text),
    notPorts: list(wholeOrText),
    notSelector: text,
    ports: list(wholeOrText),
    selector: text,
    serviceAccounts: accounts,
    services: service,
  }),
  { unless: '!has(self.services)', what: 'services in rules' },
)

const rule = refusing(
  fields(
    {
      action: text,
      destination: entity,
      http: fields({ methods: list(text), paths: list(fields({ exact: text, prefix: text })) }),
      icmp,
      ipVersion: whole,
      metadata: fields({ annotations: map(text) }),
      notICMP: icmp,
      notProtocol: wholeOrText,
      protocol: wholeOrText,
      source: entity,
    },
    ['action'],
  ),
  { unless: '!has(self.http)', what: 'http in rules' },
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

/** `spec` of a GlobalNetworkPolicy. The three flags are about host endpoints, which are not modelled. */
export const globalNetworkPolicySpec = refusing(
  fields({ ...common, applyOnForward: truth, doNotTrack: truth, namespaceSelector: text, preDNAT: truth }),
  { unless: '!has(self.doNotTrack) || !self.doNotTrack', what: 'doNotTrack, which is for host endpoints' },
  { unless: '!has(self.preDNAT) || !self.preDNAT', what: 'preDNAT, which is for host endpoints' },
)
