import type { Service, ServicePort, ServiceSpec } from 'kubernetes-types/core/v1'
import { validateAddress, validateCidr, validateEndpointAddress } from '../addresses.ts'
import type { FieldError } from '../definition.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, required, sameValue } from '../fields.ts'
import { validateLabels } from '../metadata.ts'
import { isDns1123Label, isDns1123Subdomain, isQualifiedName, isValidPortNumber } from '../names.ts'
import type { Plain } from '../plain.ts'
import { validateProtocol } from '../pod/container.ts'
import { validatePortNumberOrName } from '../pod/probe.ts'
import { isExternallyAccessible, isHeadless, needsHealthCheck } from './kinds.ts'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const affinities = ['ClientIP', 'None']
const trafficPolicies = ['Cluster', 'Local']
const families = ['IPv4', 'IPv6']
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']
const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
const affinityLimit = 86400

/** After core validation's validateService, in its order. */
export function validateService(service: Plain<Service>): FieldError[] {
  const spec: ServiceSpec = service.spec ?? {}
  const errors: FieldError[] = []
  const headless = isHeadless(service)
  const ports = spec.ports ?? []
  if (!ports.length && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'))
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && headless) {
    errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`))
  }
  if (spec.type === 'ExternalName') errors.push(...validateExternalName(spec))
  const names = new Set<string>()
  ports.forEach((port, index) => void errors.push(...validatePort(`spec.ports[${index}]`, port, ports.length > 1, names)))
  errors.push(...validateLabels('spec.selector', spec.selector), ...validateAffinity(spec), ...validateAddresses(service))
  spec.externalIPs?.forEach((address, index) => {
    const at = `spec.externalIPs[${index}]`
    const found = validateAddress(at, address)
    errors.push(...(found.length ? found : validateEndpointAddress(at, address)))
  })
  if (!spec.type) errors.push(required('spec.type'))
  else if (!types.includes(spec.type)) errors.push(notSupported('spec.type', spec.type, types))
  errors.push(...validatePortUse(spec, ports), ...validateLoadBalancer(spec), ...validateTraffic(spec))
  return errors
}

function validateExternalName(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const sentence = 'may not be set for ExternalName services'
  if (spec.clusterIPs?.length) errors.push(forbidden('spec.clusterIPs', sentence))
  if (spec.ipFamilies?.length) errors.push(forbidden('spec.ipFamilies', sentence))
  if (spec.ipFamilyPolicy) errors.push(forbidden('spec.ipFamilyPolicy', sentence))
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (!name) errors.push(required('spec.externalName'))
  else errors.push(...invalidEach('spec.externalName', name, isDns1123Subdomain(name)))
  return errors
}

function validatePort(at: string, port: ServicePort, needsName: boolean, names: Set<string>): FieldError[] {
  const errors: FieldError[] = []
  if (needsName && !port.name) errors.push(required(`${at}.name`))
  else if (port.name) {
    errors.push(...invalidEach(`${at}.name`, port.name, isDns1123Label(port.name)))
    if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name))
    names.add(port.name)
  }
  errors.push(
    ...invalidEach(`${at}.port`, port.port ?? 0, isValidPortNumber(port.port ?? 0)),
    ...validateProtocol(`${at}.protocol`, port.protocol),
    ...validatePortNumberOrName(`${at}.targetPort`, port.targetPort),
  )
  if (port.appProtocol !== undefined) {
    errors.push(...invalidEach(`${at}.appProtocol`, port.appProtocol, isQualifiedName(port.appProtocol)))
  }
  return errors
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  const { sessionAffinity: kind, sessionAffinityConfig: config } = spec
  const errors: FieldError[] = []
  if (!kind) errors.push(required('spec.sessionAffinity'))
  else if (!affinities.includes(kind)) errors.push(notSupported('spec.sessionAffinity', kind, affinities))
  const seconds = config?.clientIP?.timeoutSeconds
  if (kind === 'ClientIP' && seconds !== undefined && (seconds <= 0 || seconds > affinityLimit)) {
    const sentence = `must be greater than 0 and less than ${affinityLimit}`
    errors.push(invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, sentence))
  }
  return errors
}

function validateAddresses(service: Plain<Service>): FieldError[] {
  const spec = service.spec ?? {}
  if (spec.type === 'ExternalName') return []
  const errors: FieldError[] = []
  const addresses = spec.clusterIPs ?? []
  if (spec.clusterIP) {
    if (!addresses.length) errors.push(required('spec.clusterIPs'))
    else if (addresses[0] !== spec.clusterIP) errors.push(invalid('spec.clusterIPs', addresses, 'first value must match `clusterIP`'))
  } else if (addresses.length) {
    errors.push(invalid('spec.clusterIPs', addresses, 'must be empty when `clusterIP` is not specified'))
  }
  spec.ipFamilies?.forEach((family, index) => {
    if (!families.includes(family)) errors.push(notSupported(`spec.ipFamilies[${index}]`, family, families))
    if (spec.ipFamilies!.indexOf(family) < index) errors.push(duplicate(`spec.ipFamilies[${index}]`, family))
  })
  if (spec.ipFamilyPolicy && !familyPolicies.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, familyPolicies))
  }
  const before = errors.length
  addresses.forEach((address, index) => {
    if (index === 0 && address === 'None') {
      if (addresses.length > 1) errors.push(invalid('spec.clusterIPs', addresses, "'None' must be the first and only value"))
    } else errors.push(...validateAddress(`spec.clusterIPs[${index}]`, address))
  })
  const malformed = errors.length > before
  if (addresses.length > 2) errors.push(invalid('spec.clusterIPs', addresses, 'may only hold up to 2 values'))
  if (malformed) return errors
  const familyOf = (address: string) => (address.includes(':') ? 'IPv6' : 'IPv4')
  if (addresses.length > 1 && new Set(addresses.map(familyOf)).size < 2) {
    errors.push(invalid('spec.clusterIPs', addresses, 'may specify no more than one IP for each IP family'))
  }
  if (isHeadless(service)) return errors
  addresses.forEach((address, index) => {
    const family = spec.ipFamilies?.[index]
    if (families.includes(family ?? '') && family !== familyOf(address)) {
      const sentence = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``
      errors.push(invalid(`spec.clusterIPs[${index}]`, address, sentence))
    }
  })
  return errors
}

function validatePortUse(spec: ServiceSpec, ports: readonly ServicePort[]): FieldError[] {
  const errors: FieldError[] = []
  if (spec.type === 'ClusterIP') {
    ports.forEach((port, index) => {
      if (port.nodePort) errors.push(forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"))
    })
  }
  const nodePorts = new Set<string>()
  ports.forEach((port, index) => {
    if (!port.nodePort) return
    const key = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(key)) errors.push(duplicate(`spec.ports[${index}].nodePort`, port.nodePort))
    nodePorts.add(key)
  })
  const used = new Set<string>()
  ports.forEach((port, index) => {
    const key = `${port.protocol}/${port.port}`
    // The value is printed from the internal type, hence Go's field names.
    const value = { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 }
    if (used.has(key)) errors.push(duplicate(`spec.ports[${index}]`, value))
    used.add(key)
  })
  return errors
}

function validateLoadBalancer(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const only = "may only be used when `type` is 'LoadBalancer'"
  const isLoadBalancer = spec.type === 'LoadBalancer'
  if (spec.loadBalancerSourceRanges?.length) {
    if (!isLoadBalancer) errors.push(forbidden('spec.LoadBalancerSourceRanges', only))
    spec.loadBalancerSourceRanges.forEach(
      (range, index) => void errors.push(...validateCidr(`spec.LoadBalancerSourceRanges[${index}]`, range.trim())),
    )
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer) {
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', only))
  }
  if (spec.loadBalancerClass !== undefined) {
    if (!isLoadBalancer) errors.push(forbidden('spec.loadBalancerClass', only))
    else errors.push(...invalidEach('spec.loadBalancerClass', spec.loadBalancerClass, isQualifiedName(spec.loadBalancerClass)))
  }
  return errors
}

function validateTraffic(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = []
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal, healthCheckNodePort: health } = spec
  if (!isExternallyAccessible(spec)) {
    if (external) errors.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'))
  } else if (!external) errors.push(required('spec.externalTrafficPolicy'))
  else if (!trafficPolicies.includes(external)) {
    errors.push(notSupported('spec.externalTrafficPolicy', external, trafficPolicies))
  }
  if (!needsHealthCheck(spec)) {
    if (health) {
      const sentence = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
      errors.push(invalid('spec.healthCheckNodePort', health, sentence))
    }
  } else if (health) errors.push(...invalidEach('spec.healthCheckNodePort', health, isValidPortNumber(health)))
  if (internal && !trafficPolicies.includes(internal)) {
    errors.push(notSupported('spec.internalTrafficPolicy', internal, trafficPolicies))
  }
  const distribution = (spec as { trafficDistribution?: string }).trafficDistribution
  if (distribution !== undefined && !distributions.includes(distribution)) {
    errors.push(notSupported('spec.trafficDistribution', distribution, distributions))
  }
  return errors
}

const fixed = 'may not change once set'

/** What an update may not do to addresses, families and class (ValidateServiceUpdate). */
export function validateServiceUpdate(service: Plain<Service>, previous: Plain<Service>): FieldError[] {
  const spec = service.spec ?? {}
  const before = previous.spec ?? {}
  const errors: FieldError[] = []
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    if (!(isHeadless(service) && isHeadless(previous))) errors.push(...changedAddresses(spec, before))
    if (!isHeadless(service) && !isHeadless(previous)) errors.push(...changedFamilies(spec, before))
  }
  if (spec.type === 'LoadBalancer' && before.type === 'LoadBalancer' && !sameValue(spec.loadBalancerClass, before.loadBalancerClass)) {
    errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, fixed))
  }
  if (needsHealthCheck(spec) && needsHealthCheck(before) && spec.healthCheckNodePort !== before.healthCheckNodePort) {
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'))
  }
  return [...errors, ...validateService(service)]
}

function changedAddresses(spec: ServiceSpec, before: ServiceSpec): FieldError[] {
  const now = spec.clusterIPs ?? []
  const then = before.clusterIPs ?? []
  if (now.length === then.length) {
    return then.flatMap((address, index) => (address === now[index] ? [] : [invalid(`spec.clusterIPs[${index}]`, now, fixed)]))
  }
  const errors: FieldError[] = []
  if (then.length > now.length && !now.length) errors.push(invalid('spec.clusterIPs[0]', now, 'primary clusterIP can not be unset'))
  if (then.length && now.length && now[0] !== then[0]) errors.push(invalid('spec.clusterIPs[0]', now, fixed))
  if (then.length > now.length && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const sentence = "must be set to 'SingleStack' when releasing the secondary clusterIP"
    errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? null, sentence))
  }
  return errors
}

function changedFamilies(spec: ServiceSpec, before: ServiceSpec): FieldError[] {
  const now = spec.ipFamilies ?? []
  const then = before.ipFamilies ?? []
  if (now.length === then.length) {
    return then.flatMap((family, index) => (family === now[index] ? [] : [invalid('spec.ipFamilies[0]', now, fixed)]))
  }
  const errors: FieldError[] = []
  if (now.length && then.length && now[0] !== then[0]) errors.push(invalid('spec.ipFamilies[0]', spec.clusterIPs ?? [], fixed))
  if (then.length > now.length && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const sentence = "must be set to 'SingleStack' when releasing the secondary ipFamily"
    errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? null, sentence))
  }
  return errors
}

export function serviceWarnings(service: Plain<Service>): string[] {
  const spec = service.spec ?? {}
  const warnings: string[] = []
  if (isHeadless(service)) {
    if (spec.loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services')
    if (spec.externalIPs?.length) warnings.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity === 'ClientIP') warnings.push('spec.SessionAffinity is ignored for headless services')
  }
  if (spec.type === 'ExternalName' && spec.externalIPs?.length) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  }
  if (spec.type !== 'ExternalName' && spec.externalName) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  }
  return warnings
}
