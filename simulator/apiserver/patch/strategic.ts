import { sameJson } from '../../json.ts'
import { badRequest } from '../status.ts'
import { isObject, setOwn } from './merge.ts'
import { type ListStrategy, listStrategy } from './strategies.ts'

type Json = Record<string, unknown>

/**
 * Strategic merge patch as kube-apiserver applies it (apimachinery's strategicpatch): lists with a merge key merge by that key, and
 * `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder` are obeyed. Never changes its arguments; throws BadRequest.
 */
export function strategicPatch(target: Json, patch: unknown, kind: string): Json {
  if (!isObject(patch)) throw badRequest('error decoding patch: a strategic merge patch must be an object')
  return mergeObject(target, patch, kind, []) ?? {}
}

/** Undefined where the patch deletes the object. */
function mergeObject(original: Json, patch: Json, kind: string, path: readonly string[]): Json | undefined {
  if ('$patch' in patch) {
    const { $patch: directive, ...rest } = patch
    if (directive === 'replace') return clean(rest) as Json
    if (directive === 'delete') return undefined
    if (directive !== 'merge') throw badRequest(`Unknown patch type found: ${String(directive)}`)
    patch = rest
  }
  const result: Json = retained(original, patch)
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$retainKeys' || value === undefined) continue
    if (key.startsWith('$setElementOrder/')) {
      const field = key.slice('$setElementOrder/'.length)
      // With a patch of the list itself, the order is applied there.
      if (!(field in patch)) setList(result, field, [], value, kind, path)
    } else if (key.startsWith('$deleteFromPrimitiveList/')) {
      const field = key.slice('$deleteFromPrimitiveList/'.length)
      if (!Array.isArray(value)) throw badRequest(`invalid patch format of $deleteFromPrimitiveList list: ${field}`)
      const list = result[field]
      if (Array.isArray(list)) result[field] = list.filter((item) => !value.some((gone) => sameJson(gone, item)))
    } else if (value === null) {
      delete result[key]
    } else if (isObject(value)) {
      const before = Object.hasOwn(result, key) ? result[key] : undefined
      const merged = mergeObject(isObject(before) ? before : {}, value, kind, [...path, key])
      if (merged === undefined) delete result[key]
      else setOwn(result, key, merged)
    } else if (Array.isArray(value)) {
      setList(result, key, value, patch[`$setElementOrder/${key}`], kind, path)
    } else {
      setOwn(result, key, value)
    }
  }
  return result
}

function retained(original: Json, patch: Json): Json {
  const keep = patch.$retainKeys
  if (keep === undefined) return { ...original }
  if (!Array.isArray(keep)) throw badRequest('invalid patch format of retainKeys')
  for (const key of Object.keys(patch)) {
    if (!key.startsWith('$') && patch[key] !== null && !keep.includes(key))
      throw badRequest('$retainKeys directives must contain all the fields of the patch')
  }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keep.includes(key)))
}

function setList(result: Json, field: string, patch: unknown[], order: unknown, kind: string, path: readonly string[]): void {
  const fieldPath = [...path, field]
  const strategy = listStrategy(kind, fieldPath)
  if (!strategy) {
    if (order === undefined) result[field] = patch.map(clean)
    return
  }
  const before = Array.isArray(result[field]) ? (result[field] as unknown[]) : []
  const merged = strategy.key === undefined ? mergeValues(before, patch) : mergeList(before, patch, strategy.key, kind, fieldPath)
  result[field] = Array.isArray(order) ? ordered(merged, before, order, strategy) : merged
}

function mergeValues(before: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const merged = [...before]
  for (const value of patch) if (!merged.some((known) => sameJson(known, value))) merged.push(value)
  return merged
}

function mergeList(before: unknown[], patch: unknown[], key: string, kind: string, path: readonly string[]): unknown[] {
  if (patch.some((item) => isObject(item) && item.$patch === 'replace')) {
    return patch.filter((item) => !(isObject(item) && item.$patch === 'replace')).map(clean)
  }
  let merged = [...before]
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`invalid patch: ${path.join('.')} is a list of objects`)
    if (item[key] === undefined) throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    const same = (other: unknown) => isObject(other) && sameJson(other[key], item[key])
    if (item.$patch === 'delete') {
      merged = merged.filter((other) => !same(other))
      continue
    }
    const at = merged.findIndex(same)
    const result = mergeObject(at < 0 ? {} : (merged[at] as Json), item, kind, path)
    if (result === undefined) continue
    if (at < 0) merged.push(result)
    else merged[at] = result
  }
  return merged
}

/** Elements that the client listed come in its order; those only the server knows keep their place among their old neighbours. */
function ordered(merged: unknown[], before: readonly unknown[], order: readonly unknown[], strategy: ListStrategy): unknown[] {
  const identity = (item: unknown) => (strategy.key !== undefined && isObject(item) ? item[strategy.key] : item)
  const position = (list: readonly unknown[], item: unknown) => list.findIndex((other) => sameJson(identity(other), identity(item)))
  const listed = merged.filter((item) => position(order, item) >= 0).sort((a, b) => position(order, a) - position(order, b))
  const others = merged.filter((item) => position(order, item) < 0)
  const result: unknown[] = []
  while (listed.length > 0 && others.length > 0) {
    const there = position(before, listed[0])
    result.push(there >= 0 && position(before, others[0]) < there ? others.shift() : listed.shift())
  }
  return [...result, ...listed, ...others]
}

/** New content without directives and nulls. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean)
  if (!isObject(value)) return value
  const result: Json = {}
  for (const [key, inner] of Object.entries(value)) {
    if (
      inner === null ||
      inner === undefined ||
      key === '$patch' ||
      key === '$retainKeys' ||
      key.startsWith('$setElementOrder/') ||
      key.startsWith('$deleteFromPrimitiveList/')
    )
      continue
    setOwn(result, key, clean(inner))
  }
  return result
}
