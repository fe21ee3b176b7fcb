import { sameValue } from './strategic.ts'

type Map_ = Record<string, any>

function isMap(value: unknown): value is Map_ {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The JSON merge patch (RFC 7386) that makes `modified` of `original`. */
export function mergePatch(original: Map_, modified: Map_): Map_ {
  const patch: Map_ = {}
  for (const key of Object.keys(modified)) {
    const [before, after] = [original[key], modified[key]]
    if (isMap(before) && isMap(after)) {
      const inner = mergePatch(before, after)
      if (Object.keys(inner).length > 0) patch[key] = inner
    } else if (!(key in original) || !sameValue(before, after)) patch[key] = after
  }
  for (const key of Object.keys(original)) if (!(key in modified)) patch[key] = null
  return patch
}

/** As `threeWayPatch`, for types without merge keys. */
export function threeWayMergePatch(original: Map_, modified: Map_, current: Map_): Map_ {
  return applyMergePatch(onlyNulls(mergePatch(original, modified)), withoutNulls(mergePatch(current, modified)), false)
}

function onlyNulls(patch: Map_): Map_ {
  const kept: Map_ = {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) kept[key] = null
    else if (isMap(value)) {
      const inner = onlyNulls(value)
      if (Object.keys(inner).length > 0) kept[key] = inner
    }
  }
  return kept
}

function withoutNulls(patch: Map_): Map_ {
  const kept: Map_ = {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) continue
    if (!isMap(value)) kept[key] = value
    else {
      const inner = withoutNulls(value)
      if (Object.keys(inner).length > 0 || Object.keys(value).length === 0) kept[key] = inner
    }
  }
  return kept
}

/** Applies a merge patch; with `remove` off, nulls stay, as when two patches are joined. */
export function applyMergePatch(target: unknown, patch: Map_, remove = true): Map_ {
  const result: Map_ = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null && remove) delete result[key]
    else result[key] = isMap(value) ? applyMergePatch(result[key], value, remove) : value
  }
  return result
}
