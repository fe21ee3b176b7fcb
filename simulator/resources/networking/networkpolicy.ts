import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from 'kubernetes-types/networking/v1'
import { cidrContains, parseCidr, validateCidr } from '../addresses.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, invalid, invalidEach, notSupported, required } from '../fields.ts'
import { change, fillText, mapSame } from '../fill.ts'
import { isValidPortName, isValidPortNumber } from '../names.ts'
import type { Plain } from '../plain.ts'
import { formatSelector, validateSelector } from '../selectors.ts'

type PolicyObject = Plain<NetworkPolicy>

/** Ingress always, Egress where there is an egress rule (networking/v1 defaults.go SetDefaults_NetworkPolicy). */
function defaultPolicy(policy: PolicyObject): PolicyObject {
  return change(policy, 'spec', (given) => {
    const ports = (list: NetworkPolicyPort[]) => mapSame(list, (port) => fillText(port, { protocol: 'TCP' }))
    let spec = given
    if (!spec.policyTypes?.length) spec = { ...spec, policyTypes: spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'] }
    if (!spec.podSelector) spec = { ...spec, podSelector: {} }
    spec = change(spec, 'ingress', (rules) => mapSame(rules, (rule) => change(rule, 'ports', ports)))
    return change(spec, 'egress', (rules) => mapSame(rules, (rule) => change(rule, 'ports', ports)))
  })
}

function validatePolicy(policy: PolicyObject): FieldError[] {
  const spec: Partial<NetworkPolicySpec> = policy.spec ?? {}
  const errors = validateSelector('spec.podSelector', spec.podSelector)
  spec.ingress?.forEach(({ ports = [], from = [] }, index) => {
    const at = `spec.ingress[${index}]`
    ports.forEach((port, position) => void errors.push(...validatePort(`${at}.ports[${position}]`, port)))
    from.forEach((peer, position) => void errors.push(...validatePeer(`${at}.from[${position}]`, peer)))
  })
  spec.egress?.forEach(({ ports = [], to = [] }, index) => {
    const at = `spec.egress[${index}]`
    ports.forEach((port, position) => void errors.push(...validatePort(`${at}.ports[${position}]`, port)))
    to.forEach((peer, position) => void errors.push(...validatePeer(`${at}.to[${position}]`, peer)))
  })
  const types = spec.policyTypes ?? []
  if (types.length > 2) return [...errors, invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')]
  types.forEach((type, index) => {
    if (type !== 'Ingress' && type !== 'Egress') errors.push(notSupported(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress']))
  })
  return errors
}

function validatePort(at: string, { protocol, port, endPort }: NetworkPolicyPort): FieldError[] {
  const errors: FieldError[] = []
  const supported = ['TCP', 'UDP', 'SCTP']
  if (protocol !== undefined && !supported.includes(protocol)) errors.push(notSupported(`${at}.protocol`, protocol, supported))
  if (port === undefined) {
    if (endPort !== undefined) errors.push(invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified'))
  } else if (typeof port === 'number') {
    errors.push(...invalidEach(`${at}.port`, port, isValidPortNumber(port)))
    if (endPort !== undefined) {
      if (endPort < port) errors.push(invalid(`${at}.endPort`, endPort, 'must be greater than or equal to `port`'))
      errors.push(...invalidEach(`${at}.endPort`, endPort, isValidPortNumber(endPort)))
    }
  } else {
    if (endPort !== undefined) errors.push(invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
    errors.push(...invalidEach(`${at}.port`, port, isValidPortName(port)))
  }
  return errors
}

function validatePeer(at: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): FieldError[] {
  const errors = [...validateSelector(`${at}.podSelector`, podSelector), ...validateSelector(`${at}.namespaceSelector`, namespaceSelector)]
  if (ipBlock) errors.push(...validateBlock(`${at}.ipBlock`, ipBlock))
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(at, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector)) errors.push(forbidden(at, 'may not specify both ipBlock and another peer'))
  return errors
}

function validateBlock(at: string, block: IPBlock): FieldError[] {
  if (!block.cidr) return [required(`${at}.cidr`)]
  const errors = validateCidr(`${at}.cidr`, block.cidr)
  const cidr = parseCidr(block.cidr)
  if (!cidr) return errors
  block.except?.forEach((text, index) => {
    const field = `${at}.except[${index}]`
    errors.push(...validateCidr(field, text))
    const except = parseCidr(text)
    if (!except) return
    if (!cidrContains(cidr, { family: except.family, value: except.network }) || cidr.prefix >= except.prefix) {
      errors.push(invalid(field, text, 'must be a strict subset of `cidr`'))
    }
  })
  return errors
}

export const networkpolicies: ResourceDefinition<PolicyObject> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  defaults: defaultPolicy,
  validate: validatePolicy,
  validateUpdate: validatePolicy,
  columns: [
    nameColumn,
    column('Pod-Selector', 'Labels of the pods that the policy holds for.', (policy) => formatSelector(policy.spec?.podSelector)),
    ageColumn,
  ],
}
