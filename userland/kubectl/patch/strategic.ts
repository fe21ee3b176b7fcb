import { listMerge, retainsKeys, rootOf } from './merge-keys.ts'

type Map_ = Record<string, any>
interface DiffOptions {
  readonly ignoreDeletions?: boolean
  readonly ignoreChanges?: boolean
}

/** The strategic merge patch that makes `modified` of `original`; `{}` where they are the same. After apimachinery's strategicpatch. */
export function twoWayPatch(original: Map_, modified: Map_): Map_ {
  return diffMaps(original, modified, rootOf(modified), {})
}

/**
 * What `apply` sends: additions and changes between `current` and `modified`, and deletions between `original`
 * (what was last applied) and `modified`. What others have added to `current` stays.
 */
export function threeWayPatch(original: Map_, modified: Map_, current: Map_): Map_ {
  const delta = diffMaps(current, modified, rootOf(modified), { ignoreDeletions: true })
  const deletions = diffMaps(original, modified, rootOf(modified), { ignoreChanges: true })
  return mergePatches(deletions, delta, rootOf(modified))
}

function isMap(value: unknown): value is Map_ {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => sameValue(item, b[at]))
  if (!isMap(a) || !isMap(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameValue(a[key], b[key]))
}

function diffMaps(original: Map_, modified: Map_, path: readonly string[], options: DiffOptions): Map_ {
  const patch: Map_ = {}
  for (const key of Object.keys(modified)) {
    const [before, after] = [original[key], modified[key]]
    if (!(key in original)) {
      if (!options.ignoreChanges) patch[key] = after
      continue
    }
    if (isMap(before) && isMap(after)) {
      const inner = diffMaps(before, after, [...path, key], options)
      if (Object.keys(inner).length > 0) patch[key] = inner
    } else if (Array.isArray(before) && Array.isArray(after)) diffLists(key, before, after, [...path, key], options, patch)
    else if (!sameValue(before, after) && !options.ignoreChanges) patch[key] = after
  }
  if (!options.ignoreDeletions) for (const key of Object.keys(original)) if (!(key in modified)) patch[key] = null
  if (retainsKeys(path) && Object.keys(patch).length > 0) patch['$retainKeys'] = Object.keys(modified).sort()
  return patch
}

function diffLists(field: string, before: any[], after: any[], path: readonly string[], options: DiffOptions, patch: Map_): void {
  const merge = listMerge(path)
  const items = [...before, ...after]
  if (merge === undefined || (merge !== 'set' && !items.every((item) => isMap(item) && item[merge.key] !== undefined))) {
    if (!options.ignoreChanges && !sameValue(before, after)) patch[field] = after
    return
  }
  if (merge === 'set') {
    const added = options.ignoreChanges ? [] : after.filter((value) => !before.includes(value))
    const removed = options.ignoreDeletions ? [] : before.filter((value) => !after.includes(value))
    if (added.length > 0) patch[field] = added
    if (removed.length > 0) patch[`$deleteFromPrimitiveList/${field}`] = removed
    if (added.length + removed.length > 0) patch[`$setElementOrder/${field}`] = after
    return
  }
  const { key } = merge
  const changes: Map_[] = []
  for (const [index, item] of after.entries()) {
    // Two ports may share a number (DNS over UDP and TCP): as upstream walks both lists, the second of a key meets the second.
    const old = before.filter((one) => one[key] === item[key])[after.slice(0, index).filter((one) => one[key] === item[key]).length]
    if (!old) {
      if (!options.ignoreChanges) changes.push(item)
      continue
    }
    const inner = diffMaps(old, item, [...path.slice(0, -1), `*${field}`], options)
    if (Object.keys(inner).length > 0) changes.push({ ...inner, [key]: item[key] })
  }
  if (!options.ignoreDeletions)
    for (const item of before) if (!after.some((one) => one[key] === item[key])) changes.push({ $patch: 'delete', [key]: item[key] })
  const order = after.map((item) => item[key])
  const known = before.map((item) => item[key]).filter((value) => order.includes(value))
  const reordered =
    !options.ignoreChanges &&
    !sameValue(
      known,
      order.filter((value) => known.includes(value)),
    )
  if (changes.length > 0) patch[field] = changes
  if (changes.length > 0 || reordered) patch[`$setElementOrder/${field}`] = order.map((value) => ({ [key]: value }))
}

function mergePatches(first: Map_, second: Map_, path: readonly string[]): Map_ {
  const merged: Map_ = { ...first }
  for (const [field, value] of Object.entries(second)) {
    const before = merged[field]
    if (isMap(before) && isMap(value)) merged[field] = mergePatches(before, value, [...path, field])
    else if (Array.isArray(before) && Array.isArray(value) && !field.startsWith('$'))
      merged[field] = mergeLists(before, value, [...path, field])
    else merged[field] = value
  }
  return merged
}

function mergeLists(first: any[], second: any[], path: readonly string[]): any[] {
  const merge = listMerge(path)
  if (merge === undefined) return second
  if (merge === 'set') return [...new Set([...first, ...second])]
  const { key } = merge
  const merged = first.map((item) => {
    const other = second.find((one) => one[key] === item[key])
    return other ? mergePatches(item, other, path) : item
  })
  return [...merged, ...second.filter((item) => !first.some((one) => one[key] === item[key]))]
}
