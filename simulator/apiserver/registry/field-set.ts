import { sameJson } from '../../json.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { isObject } from '../patch/merge.ts'
import type { ListStrategy } from '../patch/strategies.ts'
import type { Structure } from '../patch/structure.ts'

/**
 * Sets of field paths as `managedFields` keeps them (structured-merge-diff's fieldpath). A path is its FieldsV1 steps
 * (`f:spec`, `k:{"name":"web"}`, `v:"x"`) joined by newlines, which cannot occur in JSON-encoded steps.
 */
export type Path = string
export type FieldsV1 = { [step: string]: FieldsV1 }

const separator = '\n'

/** Fields that nobody owns. */
const unownedRoots = new Set(['apiVersion', 'kind'])
const unownedMetadata = new Set([
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
  'managedFields',
  'selfLink',
])

export interface FieldChanges {
  /** Set or given another value. */
  readonly set: Set<Path>
  readonly removed: Set<Path>
}

/** What differs between two states of an object. Looks only into parts that are not one and the same value. */
export function fieldChanges(before: KubeObject | undefined, after: KubeObject, structure: Structure): FieldChanges {
  const changes: FieldChanges = { set: new Set(), removed: new Set() }
  compare(before ?? {}, after, [], '', structure, changes)
  return changes
}

function compare(before: unknown, after: unknown, names: string[], path: Path, structure: Structure, changes: FieldChanges): void {
  if (before === after) return
  if (before === undefined) return added(after, names, path, structure, changes.set)
  const strategy = Array.isArray(before) && (Array.isArray(after) || after === undefined) ? structure.list(names) : undefined
  if (strategy) {
    const old = elements(before as unknown[], strategy)
    const fresh = elements((after as unknown[]) ?? [], strategy)
    for (const [step, value] of fresh) {
      const at = join(path, step)
      if (!old.has(step)) changes.set.add(at)
      if (strategy.key !== undefined) compare(old.get(step) ?? {}, value, names, at, structure, changes)
    }
    for (const [step, value] of old) {
      if (fresh.has(step)) continue
      changes.removed.add(join(path, step))
      if (strategy.key !== undefined) compare(value, {}, names, join(path, step), structure, changes)
    }
    return
  }
  if (isObject(before) && (after === undefined || isObject(after)) && !structure.atomic(names)) {
    const old = before
    const fresh = after ?? {}
    if (after === undefined && path !== '' && structure.counted(names)) changes.removed.add(path)
    for (const key of Object.keys(fresh)) {
      if (fresh[key] === old[key]) continue
      // One array is the path for the whole walk; it is what it was when a step returns.
      names.push(key)
      if (fresh[key] !== undefined && !skipped(names)) compare(old[key], fresh[key], names, join(path, `f:${key}`), structure, changes)
      names.pop()
    }
    for (const key of Object.keys(old)) {
      if (fresh[key] !== undefined || old[key] === undefined) continue
      names.push(key)
      if (!skipped(names)) compare(old[key], undefined, names, join(path, `f:${key}`), structure, changes)
      names.pop()
    }
    return
  }
  if (sameJson(before, after)) return
  if (after === undefined) changes.removed.add(path)
  else changes.set.add(path)
}

/** What `compare` finds where there was nothing: half of all writes are of this kind, and there is nothing to look up for them. */
function added(after: unknown, names: string[], path: Path, structure: Structure, set: Set<Path>): void {
  const strategy = Array.isArray(after) ? structure.list(names) : undefined
  if (strategy) {
    for (const [step, element] of elements(after as unknown[], strategy)) {
      const at = join(path, step)
      set.add(at)
      if (strategy.key !== undefined && isObject(element)) addedFields(element, names, at, structure, set)
    }
    return
  }
  if (!isObject(after) || structure.atomic(names)) {
    set.add(path)
    return
  }
  if (path !== '' && (structure.counted(names) || Object.keys(after).length === 0)) set.add(path)
  addedFields(after, names, path, structure, set)
}

function addedFields(after: Record<string, unknown>, names: string[], path: Path, structure: Structure, set: Set<Path>): void {
  for (const key of Object.keys(after)) {
    if (after[key] === undefined) continue
    names.push(key)
    if (!skipped(names)) added(after[key], names, join(path, `f:${key}`), structure, set)
    names.pop()
  }
}

/** The fields that an applied configuration names: leaves, elements of keyed lists, and empty objects. */
export function appliedFields(configuration: KubeObject, structure: Structure): Map<Path, unknown> {
  const fields = new Map<Path, unknown>()
  visit(configuration, [], '', structure, fields)
  return fields
}

function visit(value: unknown, names: string[], path: Path, structure: Structure, fields: Map<Path, unknown>): void {
  const strategy = Array.isArray(value) ? structure.list(names) : undefined
  if (strategy) {
    for (const [step, element] of elements(value as unknown[], strategy)) {
      fields.set(join(path, step), elementMark)
      if (strategy.key !== undefined) visit(element, names, join(path, step), structure, fields)
    }
    return
  }
  if (isObject(value) && !structure.atomic(names) && (Object.keys(value).length > 0 || path === '')) {
    for (const [key, inner] of Object.entries(value)) {
      names.push(key)
      if (inner !== undefined && inner !== null && !skipped(names)) visit(inner, names, join(path, `f:${key}`), structure, fields)
      names.pop()
    }
    return
  }
  fields.set(path, value)
}

/** Stands for a list element as such: two appliers may both name it, whatever they say about its fields. */
export const elementMark = Symbol('element')

function skipped(names: readonly string[]): boolean {
  if (names.length === 1) return unownedRoots.has(names[0]!)
  return names.length === 2 && names[0] === 'metadata' && unownedMetadata.has(names[1]!)
}

function elements(list: readonly unknown[], strategy: ListStrategy): Map<string, unknown> {
  return new Map(list.map((element) => [elementStep(element, strategy), element]))
}

export function elementStep(element: unknown, strategy: ListStrategy): string {
  if (strategy.key === undefined || !isObject(element)) return `v:${JSON.stringify(element)}`
  const keys = strategy.applyKeys ? [...strategy.applyKeys].sort() : [strategy.key]
  // By far the most lists have one key, and nearly all its values are texts.
  const [first] = keys
  if (keys.length === 1 && first !== undefined && typeof element[first] === 'string')
    return `k:{${JSON.stringify(first)}:${JSON.stringify(element[first])}}`
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, element[key] ?? strategy.keyDefaults?.[key]])))}`
}

export function join(path: Path, step: string): Path {
  return path === '' ? step : `${path}${separator}${step}`
}

export function steps(path: Path): string[] {
  return path.split(separator)
}

const parsed = new WeakMap<object, Set<Path>>()

export function fromFieldsV1(fields: FieldsV1): ReadonlySet<Path> {
  const known = parsed.get(fields)
  if (known) return known
  const paths = new Set<Path>()
  const walk = (node: FieldsV1, path: Path) => {
    for (const [step, inner] of Object.entries(node)) {
      if (step === '.') paths.add(path)
      else if (Object.keys(inner).length === 0) paths.add(join(path, step))
      else walk(inner, join(path, step))
    }
  }
  walk(fields, '')
  parsed.set(fields, paths)
  return paths
}

interface TreeNode {
  member: boolean
  readonly below: Map<string, TreeNode>
}

/** Shared by every leaf there is; nobody may write to it. */
const leaf: FieldsV1 = Object.freeze({})

/** Most objects of a kind have the same fields (think of events): they share what was written for the first. */
const shared = new Map<string, FieldsV1>()
const sharedAtMost = 500

export function toFieldsV1(paths: Iterable<Path>): FieldsV1 {
  const list = [...paths]
  const key = list.join(separator + separator)
  const known = shared.get(key)
  if (known) return known
  if (shared.size >= sharedAtMost) shared.clear()
  const fields = treeOf(list)
  shared.set(key, fields)
  return fields
}

function treeOf(paths: readonly Path[]): FieldsV1 {
  const root: TreeNode = { member: false, below: new Map() }
  for (const path of paths) {
    let node = root
    for (const step of steps(path)) {
      let next = node.below.get(step)
      if (!next) node.below.set(step, (next = { member: false, below: new Map() }))
      node = next
    }
    node.member = true
  }
  return written(root)
}

function written({ member, below }: TreeNode): FieldsV1 {
  if (below.size === 0) return leaf
  const fields: FieldsV1 = {}
  // A member that has members below it is told apart by a dot.
  if (member) fields['.'] = leaf
  for (const [step, node] of below) fields[step] = written(node)
  return fields
}

/** `.spec.containers[name="web"].image`, as conflict messages print it. */
export function printPath(path: Path): string {
  return steps(path)
    .map((step) => {
      const rest = step.slice(2)
      if (step.startsWith('f:')) return `.${rest}`
      if (step.startsWith('v:')) return `[=${rest}]`
      const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>)
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
    })
    .join('')
}
