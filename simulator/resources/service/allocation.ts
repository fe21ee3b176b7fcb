import type { Service } from 'kubernetes-types/core/v1'
import type { Random } from '../../random.ts'
import { type Cidr, cidrContains, formatAddress, parseAddress, parseCidr } from '../addresses.ts'
import type { FieldError, StrategyContext } from '../definition.ts'
import { invalid } from '../fields.ts'
import type { Plain } from '../plain.ts'
import { hasNodePorts, isHeadless, needsHealthCheck } from './kinds.ts'

export const nodePortRange = { first: 30000, last: 32767 } as const

/** The cluster's service ranges, the primary family first. `10.96.0.0/16` or, dual-stack, `10.96.0.0/16,fd00:10:96::/112`. */
export function serviceRanges(context: StrategyContext): Cidr[] {
  return context.serviceCidr.split(',').flatMap((text) => parseCidr(text.trim()) ?? [])
}

/**
 * Cluster addresses that other services hold. Anything but the service itself counts, so that an update may keep what it has.
 */
function takenAddresses(service: Plain<Service>, context: StrategyContext): Set<string> {
  return new Set(others(service, context).flatMap((other) => (isHeadless(other) ? [] : (other.spec?.clusterIPs ?? []))))
}

function takenNodePorts(service: Plain<Service>, context: StrategyContext): Set<string> {
  const taken = new Set<string>()
  for (const other of others(service, context)) {
    for (const port of other.spec?.ports ?? []) if (port.nodePort) taken.add(`${port.protocol}/${port.nodePort}`)
    if (other.spec?.healthCheckNodePort) taken.add(`TCP/${other.spec.healthCheckNodePort}`)
  }
  return taken
}

function others(service: Plain<Service>, context: StrategyContext): readonly Plain<Service>[] {
  const { name, namespace } = service.metadata ?? {}
  return context
    .list<Plain<Service>>('services')
    .filter((other) => other.metadata?.name !== name || other.metadata?.namespace !== namespace)
}

/** Gives out what is missing: cluster addresses for every family, node ports, the health-check port. Explicit values are left alone. */
export function allocate(service: Plain<Service>, context: StrategyContext): Plain<Service> {
  const given = service.spec
  if (!given) return service
  const spec = { ...given }
  if (spec.type !== 'ExternalName' && !isHeadless(service)) {
    const taken = takenAddresses(service, context)
    const ranges = serviceRanges(context)
    const addresses = [...(spec.clusterIPs ?? [])]
    for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
      const range = ranges.find((one) => one.family === family)
      if (addresses[index] || !range) continue
      const address = nextAddress(range, taken, context.random)
      if (address) addresses[index] = address
    }
    if (addresses.length) Object.assign(spec, { clusterIP: addresses[0], clusterIPs: addresses })
  }
  if (hasNodePorts(spec) && spec.ports) {
    const taken = takenNodePorts(service, context)
    for (const port of spec.ports) if (port.nodePort) taken.add(`${port.protocol}/${port.nodePort}`)
    // A port number that serves both TCP and UDP gets one node port, as a DNS service wants it.
    const byPort = new Map<number, number>()
    for (const port of spec.ports) if (port.nodePort) byPort.set(port.port, port.nodePort)
    spec.ports = spec.ports.map((port) => {
      if (port.nodePort) return port
      const twin = byPort.get(port.port)
      const free = twin && !taken.has(`${port.protocol}/${twin}`) ? twin : nextNodePort(port.protocol ?? 'TCP', taken, context.random)
      if (!free) return port
      taken.add(`${port.protocol}/${free}`)
      byPort.set(port.port, free)
      return { ...port, nodePort: free }
    })
  }
  if (needsHealthCheck(spec) && !spec.healthCheckNodePort) {
    const taken = takenNodePorts(service, context)
    for (const port of spec.ports ?? []) if (port.nodePort) taken.add(`TCP/${port.nodePort}`)
    spec.healthCheckNodePort = nextNodePort('TCP', taken, context.random)
  }
  return { ...service, spec }
}

/**
 * A random free address, from the upper band while it lasts: the first min(max(16, size/16), 256) are left for explicit wishes
 * (KEP-3070, registry/core/service/ipallocator). Network and broadcast address are never given out.
 */
export function nextAddress(range: Cidr, taken: ReadonlySet<string>, random: Random): string | undefined {
  const hostBits = (range.family === 'IPv4' ? 32 : 128) - range.prefix
  // No more than 2^16 of an IPv6 range are handed out; more would never be used.
  const size = 2 ** Math.min(hostBits, 20)
  const last = range.family === 'IPv4' ? size - 2 : size - 1
  const reserved = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256)
  const at = (offset: number) => formatAddress({ family: range.family, value: range.network + BigInt(offset) })
  return pick(reserved + 1, last, (offset) => !taken.has(at(offset)), random, at) ?? pick(1, reserved, (o) => !taken.has(at(o)), random, at)
}

/** As for addresses: the first min(max(16, size/32), 128) ports come last (KEP-3668). */
function nextNodePort(protocol: string, taken: ReadonlySet<string>, random: Random): number | undefined {
  const { first, last } = nodePortRange
  const reserved = Math.min(Math.max(16, Math.floor((last - first + 1) / 32)), 128)
  const free = (port: number) => !taken.has(`${protocol}/${port}`)
  const same = (port: number) => port
  return pick(first + reserved, last, free, random, same) ?? pick(first, first + reserved - 1, free, random, same)
}

/** From a random start upwards, round the band once. */
function pick<T>(low: number, high: number, free: (one: number) => boolean, random: Random, give: (one: number) => T): T | undefined {
  const count = high - low + 1
  if (count <= 0) return undefined
  const start = random.below(count)
  for (let step = 0; step < count; step++) {
    const candidate = low + ((start + step) % count)
    if (free(candidate)) return give(candidate)
  }
  return undefined
}

/** What the allocators refuse. `previous` holds what the service already has and so need not ask for. */
export function validateAllocation(service: Plain<Service>, previous: Plain<Service> | undefined, context: StrategyContext): FieldError[] {
  const spec = service.spec ?? {}
  const errors: FieldError[] = []
  const ranges = serviceRanges(context)
  if (spec.type !== 'ExternalName') {
    if (spec.ipFamilyPolicy === 'RequireDualStack' && ranges.length < 2 && !isHeadless(service)) {
      errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
    }
    if (!isHeadless(service)) {
      spec.ipFamilies?.forEach((family, index) => {
        if (!ranges.some((range) => range.family === family)) {
          errors.push(invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'))
        }
      })
    }
  }
  if (errors.length) return errors
  if (spec.type !== 'ExternalName' && !isHeadless(service)) {
    const taken = takenAddresses(service, context)
    if (!spec.clusterIPs?.length) {
      errors.push(invalid('spec.clusterIPs', spec.clusterIPs ?? null, 'failed to allocate a serviceIP: range is full'))
    }
    for (const address of spec.clusterIPs ?? []) {
      if (previous?.spec?.clusterIPs?.includes(address)) continue
      const parsed = parseAddress(address)
      if (!parsed) continue
      const refuse = (why: string) => errors.push(invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${address}: ${why}`))
      if (!ranges.some((range) => cidrContains(range, parsed))) refuse('the provided network does not match the current range')
      else if (taken.has(formatAddress(parsed))) refuse('provided IP is already allocated')
    }
  }
  const taken = takenNodePorts(service, context)
  spec.ports?.forEach((port, index) => {
    if (!port.nodePort) return
    const had = previous?.spec?.ports?.some((one) => one.nodePort === port.nodePort && one.protocol === port.protocol)
    if (!had) errors.push(...nodePortErrors(`spec.ports[${index}].nodePort`, port.nodePort, `${port.protocol}/${port.nodePort}`, taken))
  })
  const health = spec.healthCheckNodePort
  if (health && health !== previous?.spec?.healthCheckNodePort) {
    errors.push(...nodePortErrors('spec.healthCheckNodePort', health, `TCP/${health}`, taken))
  }
  return errors
}

function nodePortErrors(field: string, port: number, key: string, taken: ReadonlySet<string>): FieldError[] {
  const { first, last } = nodePortRange
  if (port < first || port > last) {
    return [invalid(field, port, `provided port is not in the valid range. The range of valid ports is ${first}-${last}`)]
  }
  return taken.has(key) ? [invalid(field, port, 'provided port is already allocated')] : []
}
