import { type KubeObject, nameOf } from '../kubernetes/object.ts'
import type { UntouchedCheck } from '../labs/schema.ts'
import { messageOf } from '../refused.ts'
import { compileExpression } from './expression.ts'
import { type Finding, type Scene, shorten } from './finding.ts'
import { equal, fetchObjects, fieldOf, keyOf, referenceOf } from './objects.ts'

type Value = KubeObject | null | readonly KubeObject[]

/** What a repair must leave alone: compares with the baseline that was taken before the fault. */
export async function checkUntouched(check: UntouchedCheck, scene: Scene, signal?: AbortSignal): Promise<Finding> {
  const references = [check.objects].flat()
  const expected =
    check.expr === undefined
      ? `${references.join(', ')}: ${check.fields === undefined ? 'as before the fault' : `${check.fields.join(', ')} as before the fault`}`
      : shorten(check.expr)
  const { baseline } = scene
  if (baseline === undefined) return { outcome: 'unknown', expected, seen: 'the state before the fault was not recorded' }
  for (const text of references) {
    const before = baseline[text] ?? null
    const now = await fetchObjects(scene.kube, referenceOf(text), signal)
    const changed = check.expr === undefined ? difference(before, now, check.fields) : judgeExpression(check.expr, before, now, text)
    if (changed !== undefined) return { ...changed, expected }
  }
  return { outcome: 'passed', expected, seen: 'nothing of it has changed' }
}

type Change = Pick<Finding, 'outcome' | 'seen'> | undefined

function judgeExpression(text: string, before: Value, now: Value, reference: string): Change {
  try {
    const result = compileExpression(text, ['old', 'new'])({ old: before, new: now })
    if (result === true) return undefined
    if (result === false) return { outcome: 'failed', seen: now === null ? `${reference} is gone` : `${reference} has changed` }
    return { outcome: 'unknown', seen: `the expression gives no true or false but ${typeof result}` }
  } catch (error) {
    if (now === null) return { outcome: 'failed', seen: `${reference} is gone` }
    const reason = messageOf(error).split('\n')[0] ?? ''
    return { outcome: /^No such key/i.test(reason) ? 'failed' : 'unknown', seen: `${reference}: ${reason}` }
  }
}

/** The first difference, in words that name the object and the field but not what it should be. Objects that are new are no difference. */
function difference(before: Value, now: Value, fields: readonly string[] | undefined): Change {
  const current = new Map(listOf(now).map((object) => [keyOf(object), object]))
  for (const old of listOf(before)) {
    const object = current.get(keyOf(old))
    if (object === undefined) return { outcome: 'failed', seen: `${nameOf(old)} is gone` }
    const field = fields === undefined ? firstChange(old, object) : fields.find((path) => !equal(fieldOf(old, path), fieldOf(object, path)))
    if (field !== undefined) return { outcome: 'failed', seen: `${nameOf(old)} was changed: ${field}` }
  }
  return undefined
}

/** The top-level field that differs, status and book-keeping aside. */
function firstChange(old: KubeObject, object: KubeObject): string | undefined {
  if (!equal(old.metadata.labels ?? {}, object.metadata.labels ?? {})) return 'metadata.labels'
  const keys = new Set([...Object.keys(old), ...Object.keys(object)])
  for (const key of ['apiVersion', 'kind', 'metadata', 'status']) keys.delete(key)
  return [...keys].find((key) => !equal(old[key], object[key]))
}

function listOf(value: Value): readonly KubeObject[] {
  if (value === null) return []
  return Array.isArray(value) ? value : [value as KubeObject]
}
