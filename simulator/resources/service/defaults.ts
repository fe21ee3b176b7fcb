import type { Service, ServicePort, ServiceSpec } from 'kubernetes-types/core/v1'
import type { StrategyContext } from '../definition.ts'
import { change, fill, fillText, mapSame, put } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { serviceRanges } from './allocation.ts'
import { hasNodePorts, isExternallyAccessible, isHeadless, needsHealthCheck } from './kinds.ts'

type ServiceObject = Plain<Service>

const affinitySeconds = 10800

/** After core/v1 defaults.go SetDefaults_Service. */
export function defaultService(service: ServiceObject): ServiceObject {
  return change(service, 'spec', (given) => {
    let spec = fillText(given, { sessionAffinity: 'None', type: 'ClusterIP' })
    if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) {
      const { sessionAffinityConfig: _none, ...rest } = spec
      spec = rest
    } else if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
      spec = { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: affinitySeconds } } }
    }
    spec = change(spec, 'ports', (ports) => mapSame(ports, defaultPort))
    if (isExternallyAccessible(spec)) spec = fillText(spec, { externalTrafficPolicy: 'Cluster' })
    if (['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type!)) spec = fill(spec, { internalTrafficPolicy: 'Cluster' })
    return spec.type === 'LoadBalancer' ? fill(spec, { allocateLoadBalancerNodePorts: true }) : spec
  })
}

function defaultPort(port: ServicePort): ServicePort {
  const result = fillText(port, { protocol: 'TCP' })
  // As in Go, where an absent IntOrString is the number 0.
  return result.targetPort ? result : put(result, 'targetPort', result.port)
}

/** `ipFamilyPolicy` and `ipFamilies`, from what was asked for, the addresses given, and what the cluster has (registry/core/service/alloc.go). */
export function defaultFamilies(service: ServiceObject, context: StrategyContext): ServiceObject {
  const spec = service.spec
  if (!spec || spec.type === 'ExternalName') return service
  const ranges = serviceRanges(context)
  const primary = ranges[0]?.family ?? 'IPv4'
  const loose = isHeadless(service) && !Object.keys(spec.selector ?? {}).length
  const addresses = isHeadless(service) ? [] : (spec.clusterIPs ?? [])
  const families = [...(spec.ipFamilies ?? [])]
  if (!families.length) families.push(...addresses.map((address) => (address.includes(':') ? 'IPv6' : 'IPv4')))
  if (!families.length) families.push(primary)
  const policy = spec.ipFamilyPolicy ?? (loose || families.length > 1 ? 'RequireDualStack' : 'SingleStack')
  const wantsBoth = policy === 'RequireDualStack' || (policy === 'PreferDualStack' && (ranges.length > 1 || loose))
  if (wantsBoth && families.length === 1 && (ranges.length > 1 || loose)) families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4')
  return { ...service, spec: { ...spec, ipFamilyPolicy: policy, ipFamilies: families } }
}

/** `clusterIP` and `clusterIPs` say the same: on create the first fills the second (NormalizeClusterIPs). */
export function normalizeAddresses(service: ServiceObject, previous: ServiceObject | undefined): ServiceObject {
  const spec = service.spec
  if (!spec) return service
  const before = previous?.spec
  if (!before) {
    return spec.clusterIP && !spec.clusterIPs?.length ? { ...service, spec: { ...spec, clusterIPs: [spec.clusterIP] } } : service
  }
  const single = spec.clusterIP ?? ''
  const list = spec.clusterIPs ?? []
  const sameList = list.length === (before.clusterIPs ?? []).length && list.every((one, index) => one === before.clusterIPs![index])
  // A client that knows only the older field changed or cleared it; the list follows.
  if (single !== (before.clusterIP ?? '') && sameList) return withAddresses(service, single ? [single] : [])
  if (single && !list.length) return withAddresses(service, [single, ...(before.clusterIPs ?? []).slice(1)])
  return service
}

function withAddresses(service: ServiceObject, addresses: readonly string[]): ServiceObject {
  const { clusterIP: _ip, clusterIPs: _ips, ...spec } = service.spec!
  return { ...service, spec: addresses.length ? { ...spec, clusterIP: addresses[0], clusterIPs: [...addresses] } : spec }
}

/** On update what was allocated and is not mentioned stays: addresses, node ports, the health-check port (patchAllocatedValues). */
export function keepAllocated(service: ServiceObject, previous: ServiceObject): ServiceObject {
  const before = previous.spec
  if (!service.spec || !before) return service
  let spec: ServiceSpec = service.spec
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName' && !spec.clusterIP && !spec.clusterIPs?.length) {
    spec = { ...spec, clusterIP: before.clusterIP, clusterIPs: before.clusterIPs }
  }
  if (hasNodePorts(spec) && hasNodePorts(before)) {
    const used = new Set(spec.ports?.map((port) => port.nodePort).filter(Boolean))
    spec = change(spec, 'ports', (ports) =>
      mapSame(ports, (port) => {
        if (port.nodePort) return port
        const same = before.ports?.find((old) => old.protocol === port.protocol && old.port === port.port)
        return same?.nodePort && !used.has(same.nodePort) ? put(port, 'nodePort', same.nodePort) : port
      }),
    )
  }
  if (needsHealthCheck(spec) && needsHealthCheck(before)) spec = fill(spec, { healthCheckNodePort: before.healthCheckNodePort })
  return put(service, 'spec', spec)
}

/** Fields that mean nothing for the new type are dropped where the client left them as they were (dropTypeDependentFields). */
export function dropForeignFields(service: ServiceObject, previous: ServiceObject): ServiceObject {
  const before = previous.spec
  if (!service.spec || !before) return service
  const spec: ServiceSpec = { ...service.spec }
  const gone = (key: keyof ServiceSpec) => {
    if (JSON.stringify(spec[key]) === JSON.stringify(before[key])) delete spec[key]
  }
  if (spec.type === 'ExternalName' && before.type !== 'ExternalName') {
    for (const key of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) gone(key)
  }
  if (hasNodePorts(before) && !hasNodePorts(spec)) {
    const held = new Set(before.ports?.map((port) => port.nodePort))
    spec.ports = spec.ports?.map((port) => {
      if (!port.nodePort || !held.has(port.nodePort)) return port
      const { nodePort: _none, ...rest } = port
      return rest
    })
  }
  if (needsHealthCheck(before) && !needsHealthCheck(spec)) gone('healthCheckNodePort')
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    for (const key of ['allocateLoadBalancerNodePorts', 'loadBalancerClass', 'loadBalancerSourceRanges', 'loadBalancerIP'] as const)
      gone(key)
  }
  if (isExternallyAccessible(before) && !isExternallyAccessible(spec)) gone('externalTrafficPolicy')
  return { ...service, spec }
}
