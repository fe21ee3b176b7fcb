import type { KubeClient } from '../kubernetes/client.ts'
import type { KubeObject } from '../kubernetes/object.ts'
import { type ObjectReference, parseObjectReference } from '../labs/references.ts'

export function referenceOf(text: string): ObjectReference {
  const reference = parseObjectReference(text)
  if (reference === undefined) throw new Error(`"${text}" names no objects`)
  return reference
}

/** One object or null for a name; a list, ordered by namespace and name, otherwise. */
export async function fetchObjects(
  kube: KubeClient,
  reference: ObjectReference,
  signal?: AbortSignal,
): Promise<KubeObject | null | readonly KubeObject[]> {
  const kind = await kube.kind(reference.kind, reference.apiVersion)
  const namespace = kind.namespaced ? reference.namespace : undefined
  if (reference.name !== undefined) return (await kube.get(kind, reference.name, namespace ?? 'default', signal)) ?? null
  const scope = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(reference.selector === undefined ? {} : { selector: reference.selector }),
  }
  const items = await kube.list(kind, scope, signal)
  return [...items].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

export function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

/** The value at `spec.template.spec.containers[0].image` or `metadata.labels["app.kubernetes.io/name"]`; undefined where there is none. */
export function fieldOf(object: unknown, path: string): unknown {
  const keys = [...path.matchAll(/\["([^"]+)"\]|\[(\d+)\]|([^.[\]]+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
  let value = object
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/** Equal as JSON, whatever the order of keys. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = Object.keys(a)
  const right = Object.keys(b)
  return (
    left.length === right.length &&
    left.every((key) => key in b && equal((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  )
}
