import type { Container, PersistentVolumeClaim, Pod, ResourceQuota, Service } from 'kubernetes-types/core/v1'
import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import { podQosClass } from '../../resources/pod/qos.ts'
import { parseQuantity, type Quantity } from '../../resources/quantity.ts'
import { type Amounts, addAmounts, amountsOf, containerLimits, containerRequests, podAmounts } from './pod-amounts.ts'

type QuotaObject = ResourceQuota & KubeObject

const one: Quantity = { nanos: 1_000_000_000n, format: 'DecimalSI' }
const nothing: Quantity = { nanos: 0n, format: 'DecimalSI' }
/** Resources that are counted under their own name too, not only as `count/…`. */
const plainlyCounted = new Set(['configmaps', 'secrets', 'services', 'persistentvolumeclaims', 'replicationcontrollers', 'resourcequotas'])
const native = new Set(['cpu', 'memory', 'ephemeral-storage'])
const ofClass = '.storageclass.storage.k8s.io/'

/** The resource that a name in `spec.hard` is about: `requests.cpu` is about pods, `count/jobs.batch` about jobs. */
export function countedResource(name: string): ResourceName {
  if (name.startsWith('count/')) return name.slice('count/'.length)
  if (name === 'requests.storage' || name.includes(ofClass)) return 'persistentvolumeclaims'
  if (name.startsWith('services.')) return 'services'
  return plainlyCounted.has(name) ? name : 'pods'
}

/** What one object uses of everything that a quota can limit. `now` is ms since the epoch. Follows pkg/quota/v1/evaluator/core. */
export function usageOf(resource: ResourceName, object: KubeObject, now: number): Amounts {
  const usage: Amounts = new Map([[`count/${resource}`, one]])
  if (plainlyCounted.has(resource)) usage.set(resource, one)
  if (resource === 'pods') addAmounts(usage, podUsage(object as Pod & KubeObject, now))
  if (resource === 'services') addAmounts(usage, serviceUsage(object as Service & KubeObject))
  if (resource === 'persistentvolumeclaims') addAmounts(usage, claimUsage(object as PersistentVolumeClaim & KubeObject))
  return usage
}

/** A pod that has ended, or whose time to end is over, uses nothing but its place in the store. */
function podUsage(pod: Pod & KubeObject, now: number): Amounts {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {}
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return new Map()
  if (deletionTimestamp && now > Date.parse(deletionTimestamp as string) + (deletionGracePeriodSeconds ?? 0) * 1000) return new Map()
  return computeUsage(podAmounts(pod, containerRequests), podAmounts(pod, containerLimits))
}

function computeUsage(requests: Amounts, limits: Amounts): Amounts {
  const usage: Amounts = new Map([['pods', one]])
  for (const [name, amount] of requests) {
    if (native.has(name) || name.startsWith('hugepages-')) usage.set(name, amount)
    usage.set(`requests.${name}`, amount)
  }
  for (const [name, amount] of limits) if (native.has(name)) usage.set(`limits.${name}`, amount)
  return usage
}

function serviceUsage({ spec }: Service & KubeObject): Amounts {
  const ports = spec?.ports ?? []
  const usage: Amounts = new Map([
    ['services.nodeports', nothing],
    ['services.loadbalancers', nothing],
  ])
  if (spec?.type === 'NodePort') usage.set('services.nodeports', times(ports.length))
  if (spec?.type === 'LoadBalancer') {
    const allocated = spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length
    usage.set('services.nodeports', times(allocated))
    usage.set('services.loadbalancers', one)
  }
  return usage
}

function claimUsage(claim: PersistentVolumeClaim & KubeObject): Amounts {
  const size = amountsOf(claim.spec?.resources?.requests).get('storage')
  const storageClass = claim.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName
  const usage: Amounts = new Map()
  if (size) usage.set('requests.storage', size)
  if (storageClass) {
    usage.set(`${storageClass}${ofClass}persistentvolumeclaims`, one)
    if (size) usage.set(`${storageClass}${ofClass}requests.storage`, size)
  }
  return usage
}

function times(count: number): Quantity {
  return { nanos: BigInt(count) * 1_000_000_000n, format: 'DecimalSI' }
}

/** Whether a quota's scopes take in an object; anything but a pod is in no scope at all. */
export function inScope(quota: ResourceQuota, resource: ResourceName, object: KubeObject): boolean {
  const scopes: { scopeName: string; operator: string; values?: string[] }[] = [
    ...(quota.spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(quota.spec?.scopeSelector?.matchExpressions ?? []),
  ]
  if (scopes.length === 0) return true
  if (resource !== 'pods') return false
  return scopes.every((scope) => podInScope(object as Pod & KubeObject, scope))
}

function podInScope(
  pod: Pod & KubeObject,
  { scopeName, operator, values = [] }: { scopeName: string; operator: string; values?: string[] },
): boolean {
  const deadline = pod.spec?.activeDeadlineSeconds
  switch (scopeName) {
    case 'Terminating':
      return deadline !== undefined && deadline >= 0
    case 'NotTerminating':
      return deadline === undefined || deadline < 0
    case 'BestEffort':
      return podQosClass(pod) === 'BestEffort'
    case 'NotBestEffort':
      return podQosClass(pod) !== 'BestEffort'
    case 'PriorityClass': {
      const name = pod.spec?.priorityClassName
      if (operator === 'Exists') return Boolean(name)
      if (operator === 'DoesNotExist') return !name
      return operator === 'In' ? Boolean(name) && values.includes(name!) : !name || !values.includes(name)
    }
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod)
    default:
      return false
  }
}

function reachesOtherNamespaces({ spec }: Pod): boolean {
  return [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some((term) => term.namespaces?.length || term.namespaceSelector),
  )
}

/** Where cpu or memory is limited, every container must say what it wants of it; the names of those that do not. */
const mustSpecify = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

/** `must specify limits.cpu for: main,proxy; memory for: main`, or undefined where all do. */
export function unspecified(pod: Pod, names: readonly string[]): string | undefined {
  const containers: Container[] = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
  const parts: string[] = []
  for (const name of names.filter((one) => mustSpecify.has(one)).sort()) {
    const silent = containers.filter((one) => !computeUsage(containerRequests(one), containerLimits(one)).has(name))
    if (silent.length) parts.push(`${name} for: ${[...new Set(silent.map((one) => one.name))].sort().join(',')}`)
  }
  return parts.length ? `must specify ${parts.join('; ')}` : undefined
}

/** What is used of every name in `hard`, zero where nothing is. `list` gives the objects of the quota's namespace. */
export function usedOf(
  quota: QuotaObject,
  names: Iterable<string>,
  list: (resource: ResourceName) => readonly KubeObject[],
  now: number,
): Amounts {
  const byResource = new Map<ResourceName, string[]>()
  for (const name of names) {
    const resource = countedResource(name)
    const among = byResource.get(resource)
    if (among) among.push(name)
    else byResource.set(resource, [name])
  }
  const used: Amounts = new Map()
  for (const [resource, among] of byResource) {
    const sum: Amounts = new Map()
    for (const object of list(resource)) if (inScope(quota, resource, object)) addAmounts(sum, usageOf(resource, object, now))
    for (const name of among) used.set(name, sum.get(name) ?? nothing)
  }
  return used
}

/** The limits of a quota as they were last taken over into its status. */
export function hardOf(quota: ResourceQuota): Amounts {
  const hard: Amounts = new Map()
  for (const [name, text] of Object.entries((quota.status?.hard ?? {}) as Record<string, string>)) {
    const quantity = parseQuantity(text)
    if (quantity) hard.set(name, quantity)
  }
  return hard
}
