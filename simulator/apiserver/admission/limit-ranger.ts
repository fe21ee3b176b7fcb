import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { compareQuantities, formatQuantity, type Quantity } from '../../resources/quantity.ts'
import { forbidden } from '../status.ts'
import type { Admission } from './admission.ts'
import { type Amounts, amountsOf, containerLimits, containerRequests, podAmounts } from './pod-amounts.ts'

const annotation = 'kubernetes.io/limit-ranger'

/** LimitRanger: fills in what containers leave open and refuses what lies outside of the namespace's limit ranges. */
export const limitRanger: Admission = {
  name: 'LimitRanger',
  mutate({ operation, resource, subresource, namespace, object }, context) {
    if (resource !== 'pods' || subresource || operation !== 'CREATE') return object
    let pod = object as Pod & KubeObject
    // A pod without containers is for validation to refuse.
    if (!Array.isArray(pod.spec?.containers)) return pod
    for (const range of context.list<LimitRange & KubeObject>('limitranges', namespace)) pod = withDefaults(pod, range)
    return pod
  },
  validate({ operation, definition, resource, subresource, namespace, name, object }, context) {
    if (subresource || !object || operation === 'DELETE') return
    const isPod = resource === 'pods' && operation === 'CREATE'
    if (!isPod && resource !== 'persistentvolumeclaims') return
    for (const range of context.list<LimitRange & KubeObject>('limitranges', namespace)) {
      const errors = isPod ? podErrors(object as Pod & KubeObject, range) : claimErrors(object as PersistentVolumeClaim & KubeObject, range)
      if (errors.length === 0) continue
      const sentence = errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`
      throw forbidden({ group: definition.group, resource: definition.plural, name }, sentence)
    }
  },
}

/** The pod with the defaults for its containers, and the annotation that says which were set. */
export function withDefaults(pod: Pod & KubeObject, range: LimitRange): Pod & KubeObject {
  const limits: Record<string, string> = {}
  const requests: Record<string, string> = {}
  for (const item of range.spec?.limits ?? []) {
    if (item.type !== 'Container') continue
    Object.assign(limits, item.default)
    Object.assign(requests, item.defaultRequest)
  }
  const said: string[] = []
  const fill =
    (what: string) =>
    (container: Container): Container => {
      const missing = (defaults: Record<string, string>, given: Amounts) =>
        Object.keys(defaults)
          .filter((name) => !given.has(name))
          .sort()
      const newRequests = missing(requests, containerRequests(container))
      const newLimits = missing(limits, containerLimits(container))
      if (newRequests.length) said.push(`${newRequests.join(', ')} request for ${what} ${container.name}`)
      if (newLimits.length) said.push(`${newLimits.join(', ')} limit for ${what} ${container.name}`)
      if (newRequests.length + newLimits.length === 0) return container
      const pick = (from: Record<string, string>, names: string[]) => Object.fromEntries(names.map((name) => [name, from[name]]))
      const resources = {
        ...container.resources,
        requests: {
          ...(container.resources?.limits as object),
          ...(container.resources?.requests as object),
          ...pick(requests, newRequests),
        },
        limits: { ...(container.resources?.limits as object), ...pick(limits, newLimits) },
      }
      return { ...container, resources: resources as Container['resources'] }
    }
  const containers = (pod.spec?.containers ?? []).map(fill('container'))
  const initContainers = pod.spec?.initContainers?.map(fill('init container'))
  if (said.length === 0) return pod
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...pod.metadata?.annotations, [annotation]: `LimitRanger plugin set: ${said.join('; ')}` },
    },
    spec: { ...pod.spec!, containers, ...(initContainers ? { initContainers } : {}) },
  }
}

/** Everything about a pod that lies outside of a range. */
export function podErrors(pod: Pod, range: LimitRange): string[] {
  const errors: string[] = []
  for (const item of range.spec?.limits ?? []) {
    if (item.type === 'Container') {
      for (const container of [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]) {
        errors.push(...outside(item, containerRequests(container), containerLimits(container)))
      }
    } else if (item.type === 'Pod') {
      errors.push(...outside(item, podAmounts(pod, containerRequests), podAmounts(pod, containerLimits)))
    }
  }
  return errors
}

export function claimErrors(claim: PersistentVolumeClaim, range: LimitRange): string[] {
  const requests = amountsOf(claim.spec?.resources?.requests)
  return (range.spec?.limits ?? [])
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) => [
      ...each(item.min, (name, bound) => belowMinimum(item.type, name, bound, requests.get(name), undefined)),
      ...each(item.max, (name, bound) => aboveMaximumRequest(item.type, name, bound, requests.get(name))),
    ])
}

function outside(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...each(item.min, (name, bound) => belowMinimum(item.type, name, bound, requests.get(name), limits.get(name))),
    ...each(item.max, (name, bound) => aboveMaximum(item.type, name, bound, requests.get(name), limits.get(name))),
    ...each(item.maxLimitRequestRatio, (name, bound) => beyondRatio(item.type, name, bound, requests.get(name), limits.get(name))),
  ]
}

function each(bounds: unknown, check: (name: string, bound: Quantity) => string | undefined): string[] {
  return [...amountsOf(bounds)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, bound]) => check(name, bound))
    .filter((sentence) => sentence !== undefined)
}

type Given = Quantity | undefined

function belowMinimum(type: string, name: string, bound: Quantity, request: Given, limit: Given): string | undefined {
  const rule = `minimum ${name} usage per ${type} is ${formatQuantity(bound)}`
  if (!request) return `${rule}.  No request is specified`
  if (compareQuantities(request, bound) < 0) return `${rule}, but request is ${formatQuantity(request)}`
  if (limit && compareQuantities(limit, bound) < 0) return `${rule}, but limit is ${formatQuantity(limit)}`
  return undefined
}

function aboveMaximum(type: string, name: string, bound: Quantity, request: Given, limit: Given): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`
  if (!limit) return `${rule}.  No limit is specified`
  if (compareQuantities(limit, bound) > 0) return `${rule}, but limit is ${formatQuantity(limit)}`
  if (request && compareQuantities(request, bound) > 0) return `${rule}, but request is ${formatQuantity(request)}`
  return undefined
}

function aboveMaximumRequest(type: string, name: string, bound: Quantity, request: Given): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`
  if (!request) return `${rule}.  No request is specified`
  return compareQuantities(request, bound) > 0 ? `${rule}, but request is ${formatQuantity(request)}` : undefined
}

function beyondRatio(type: string, name: string, bound: Quantity, request: Given, limit: Given): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${formatQuantity(bound)}`
  if (!request?.nanos) return `${rule}, but no request is specified or request is 0`
  if (!limit?.nanos) return `${rule}, but no limit is specified or limit is 0`
  // limit / request > bound, without dividing.
  if (limit.nanos * 1_000_000_000n <= bound.nanos * request.nanos) return undefined
  return `${rule}, but provided ratio is ${(Number(limit.nanos) / Number(request.nanos)).toFixed(6)}`
}
