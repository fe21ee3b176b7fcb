import type { KubeClient } from '../kubernetes/client.ts'
import type { KubeObject } from '../kubernetes/object.ts'
import type { Check } from '../labs/lab.ts'
import { fetchObjects, referenceOf } from './objects.ts'

/** The objects that `untouched` checks name, as they were before the fault, by reference. Plain JSON: it is stored with the session. */
export type Baseline = Readonly<Record<string, KubeObject | null | readonly KubeObject[]>>

export function referencesOf(check: Check): readonly string[] {
  if (check.untouched === undefined) return []
  return typeof check.untouched.objects === 'string' ? [check.untouched.objects] : check.untouched.objects
}

export async function takeBaseline(kube: KubeClient, checks: readonly Check[], signal?: AbortSignal): Promise<Baseline> {
  const references = [...new Set(checks.flatMap(referencesOf))]
  const found = await Promise.all(references.map((text) => fetchObjects(kube, referenceOf(text), signal)))
  return Object.fromEntries(references.map((text, index) => [text, found[index] ?? null]))
}
