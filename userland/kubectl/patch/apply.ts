import { Failure } from '../cli/failure.ts'
import { applyMergePatch } from './json-merge.ts'
import { listMerge, rootOf } from './merge-keys.ts'
import { sameValue } from './strategic.ts'

type Map_ = Record<string, any>

/** The object with the patch applied, as `--dry-run=client` shows it. Throws for a JSON patch that does not fit. */
export function patched(type: 'json' | 'merge' | 'strategic', object: Map_, patch: unknown): Map_ {
  if (type === 'merge') return applyMergePatch(object, patch as Map_)
  return type === 'strategic' ? strategic(object, patch as Map_, rootOf(object)) : jsonPatch(object, patch)
}

function isMap(value: unknown): value is Map_ {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function strategic(target: Map_, patch: Map_, path: readonly string[]): Map_ {
  if (patch['$patch'] === 'replace') {
    const { $patch: _, ...rest } = patch
    return rest
  }
  const result: Map_ = { ...target }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue
    const before = result[key]
    if (value === null) delete result[key]
    else if (isMap(value)) result[key] = strategic(isMap(before) ? before : {}, value, [...path, key])
    else if (Array.isArray(value)) result[key] = strategicList(Array.isArray(before) ? before : [], value, [...path, key])
    else result[key] = value
  }
  const kept = patch['$retainKeys'] as string[] | undefined
  return kept ? Object.fromEntries(Object.entries(result).filter(([key]) => kept.includes(key))) : result
}

function strategicList(before: readonly any[], patch: readonly any[], path: readonly string[]): any[] {
  const merge = listMerge(path)
  if (merge === 'set') return [...before, ...patch.filter((one) => !before.some((other) => sameValue(one, other)))]
  if (!merge || patch.some((one) => !isMap(one))) return [...patch]
  if (patch.some((one) => one.$patch === 'replace')) return patch.filter((one) => one.$patch !== 'replace')
  const result = [...before]
  for (const item of patch) {
    const at = result.findIndex((one) => one[merge.key] === item[merge.key])
    if (item.$patch === 'delete') {
      if (at >= 0) result.splice(at, 1)
    } else if (at >= 0) result[at] = strategic(result[at], item, path)
    else result.push(strategic({}, item, path))
  }
  return result
}

/** RFC 6902. */
function jsonPatch(object: Map_, operations: unknown): Map_ {
  if (!Array.isArray(operations)) throw new Failure('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  const root = { '': structuredClone(object) } as Map_
  for (const one of operations) {
    if (one.op === 'test') {
      if (!sameValue(read(root, one.path), one.value)) throw new Failure(`testing value ${one.path} failed: test failed`)
      continue
    }
    const value = one.op === 'copy' || one.op === 'move' ? structuredClone(read(root, one.from)) : one.value
    if (one.op === 'move') write(root, one.from, undefined, 'remove')
    write(root, one.path, value, one.op === 'remove' || one.op === 'replace' ? one.op : 'add')
  }
  return root['']
}

const steps = (pointer: string) => pointer.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))

function read(root: Map_, pointer: string): unknown {
  return steps(pointer).reduce<any>((at, step) => at?.[step], root)
}

function write(root: Map_, pointer: string, value: unknown, operation: 'add' | 'remove' | 'replace'): void {
  const path = steps(pointer)
  const last = path.pop() as string
  const parent: any = path.reduce<any>((at, step) => at?.[step], root)
  const missing = parent === undefined || (operation !== 'add' && !(last in parent))
  if (missing) throw new Failure(`${operation} operation does not apply: doc is missing path: ${JSON.stringify(pointer)}: missing value`)
  if (!Array.isArray(parent)) {
    if (operation === 'remove') delete parent[last]
    else parent[last] = value
  } else if (operation === 'add') parent.splice(last === '-' ? parent.length : Number(last), 0, value)
  else parent.splice(Number(last), 1, ...(operation === 'remove' ? [] : [value]))
}
