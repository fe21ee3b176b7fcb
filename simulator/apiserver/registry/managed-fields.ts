import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1'
import { sameJson } from '../../json.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { PatchOptions } from '../api.ts'
import { isObject } from '../patch/merge.ts'
import { type Structure, structureOf } from '../patch/structure.ts'
import { applyConflict, badRequest, invalid } from '../status.ts'
import { apiVersionOf, typed } from './definitions.ts'
import {
  appliedFields,
  elementMark,
  elementStep,
  type FieldsV1,
  fieldChanges,
  fromFieldsV1,
  type Path,
  printPath,
  steps,
  toFieldsV1,
} from './field-set.ts'
import type { RequestContext } from './world.ts'

/** `object` with `managedFields` as an ordinary write (operation Update) by `who` leaves them. */
export function ownership(
  previous: KubeObject | undefined,
  object: KubeObject,
  definition: ResourceDefinition,
  who: RequestContext,
  subresource: string | undefined,
  now: number,
): KubeObject {
  const { set, removed } = fieldChanges(previous, object, structureOf(definition))
  if (set.size === 0 && removed.size === 0) return object
  const manager = managerOf(who)
  const entries: ManagedFieldsEntry[] = []
  let own: ManagedFieldsEntry | undefined
  for (const entry of object.metadata?.managedFields ?? []) {
    if (entry.manager === manager && entry.operation === 'Update' && (entry.subresource ?? '') === (subresource ?? '')) own = entry
    else entries.push(...without(entry, set, removed))
  }
  const held = own && fromFieldsV1(own.fieldsV1 as FieldsV1)
  if (!held) {
    if (set.size > 0) entries.push(entryOf(manager, 'Update', definition, subresource, toFieldsV1(set), now))
  } else if (!isWithin(set, held) || !isDisjoint(removed, held)) {
    const paths = new Set(held)
    for (const path of set) paths.add(path)
    for (const path of removed) paths.delete(path)
    if (paths.size > 0) entries.push(entryOf(manager, 'Update', definition, subresource, toFieldsV1(paths), now))
  } else if (own) {
    entries.push({ ...own, time: timestamp(now) })
  }
  return withEntries(object, entries)
}

/**
 * The same for a write through `scale` (apimachinery's managedfields/scalehandler.go): whoever set the replicas loses them to the writer's
 * entry for the subresource, which has no time; of none, which a Scale does not say, nobody is the owner.
 */
export function scaleOwnership(
  previous: KubeObject | undefined,
  object: KubeObject,
  definition: ResourceDefinition,
  who: RequestContext,
  subresource: string | undefined,
  now: number,
): KubeObject {
  const { set, removed } = fieldChanges(previous, object, structureOf(definition))
  if (set.size === 0 && removed.size === 0) return object
  const entries = (object.metadata?.managedFields ?? []).flatMap((entry) => without(entry, set, removed))
  if (set.size > 0 && definition.scale?.replicas(object)) {
    const { time: _none, ...entry } = entryOf(managerOf(who), 'Update', definition, subresource, toFieldsV1(set), now)
    entries.push(entry)
  }
  return withEntries(object, entries)
}

function managerOf(who: RequestContext): string {
  if (who.fieldManager) return who.fieldManager
  const { username } = who.user
  if (username.startsWith('system:node:')) return 'kubelet'
  if (username === 'system:apiserver') return 'kube-apiserver'
  // As the first word of the component's user agent, which is its binary's name.
  return username.slice(username.lastIndexOf(':') + 1) || 'unknown'
}

function entryOf(
  manager: string,
  operation: 'Apply' | 'Update',
  definition: ResourceDefinition,
  subresource: string | undefined,
  fieldsV1: FieldsV1,
  now: number,
): ManagedFieldsEntry {
  const entry: ManagedFieldsEntry = {
    manager,
    operation,
    apiVersion: apiVersionOf(definition),
    time: timestamp(now),
    fieldsType: 'FieldsV1',
    fieldsV1,
  }
  if (subresource) entry.subresource = subresource
  return entry
}

/** The entry less what somebody else has set or removed; none where nothing is left. */
function without(entry: ManagedFieldsEntry, ...taken: readonly ReadonlySet<Path>[]): ManagedFieldsEntry[] {
  const held = fromFieldsV1((entry.fieldsV1 ?? {}) as FieldsV1)
  if (taken.every((paths) => isDisjoint(paths, held))) return [entry]
  const kept = [...held].filter((path) => !taken.some((paths) => paths.has(path)))
  return kept.length === 0 ? [] : [{ ...entry, fieldsV1: toFieldsV1(kept) }]
}

function isWithin(paths: ReadonlySet<Path>, others: ReadonlySet<Path>): boolean {
  for (const path of paths) if (!others.has(path)) return false
  return true
}

function isDisjoint(paths: ReadonlySet<Path>, others: ReadonlySet<Path>): boolean {
  for (const path of paths) if (others.has(path)) return false
  return true
}

function withEntries(object: KubeObject, entries: ManagedFieldsEntry[]): KubeObject {
  const { managedFields: _before, ...metadata } = object.metadata ?? {}
  entries.sort((a, b) => inOrder(a.operation, b.operation) || inOrder(a.time, b.time))
  return { ...object, metadata: entries.length > 0 ? { ...metadata, managedFields: entries } : metadata }
}

/** What is absent comes first. */
function inOrder(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What a server-side apply makes of the live object, and the ownership that it leaves on the object once it is admitted. */
export interface Applied {
  readonly object: KubeObject
  own(after: KubeObject): KubeObject
}

/** Server-side apply (KEP-555). Throws Conflict in the real words, unless forced. */
export function applyPatch(
  definition: ResourceDefinition,
  live: KubeObject | undefined,
  body: unknown,
  at: { name: string; namespace: string | undefined },
  options: PatchOptions,
  who: RequestContext,
  now: number,
): Applied {
  if (!who.fieldManager) {
    const field = { reason: 'FieldValueRequired' as const, field: 'fieldManager', message: 'Required value: is required for apply patch' }
    throw invalid('meta.k8s.io', 'PatchOptions', '', [field])
  }
  if (!isObject(body)) throw badRequest('error decoding YAML: an applied configuration must be an object')
  const configuration = typed(definition, body)
  if (configuration.metadata?.managedFields) throw badRequest('metadata.managedFields must be nil')
  if (configuration.metadata?.name && configuration.metadata.name !== at.name) {
    throw badRequest(`the name of the object (${configuration.metadata.name}) does not match the name on the URL (${at.name})`)
  }
  const manager = who.fieldManager
  const subresource = options.subresource
  const structure = structureOf(definition)
  const applied = appliedFields(configuration, structure)
  const current = live ? appliedFields(live, structure) : new Map<Path, unknown>()
  const changed = new Set([...applied].filter(([path, value]) => differs(value, current, path)).map(([path]) => path))

  const others: ManagedFieldsEntry[] = []
  let own: ManagedFieldsEntry | undefined
  for (const entry of live?.metadata?.managedFields ?? []) {
    if (entry.manager === manager && entry.operation === 'Apply' && (entry.subresource ?? '') === (subresource ?? '')) own = entry
    else others.push(entry)
  }
  const taken = live ? conflicts(others, changed) : []
  if (taken.length > 0 && !options.force) throw conflictError(taken)
  const left = others.flatMap((entry) => without(entry, changed))

  const name: KubeObject['metadata'] = { name: at.name, ...(at.namespace !== undefined && { namespace: at.namespace }) }
  const wanted: KubeObject = { ...configuration, metadata: { ...configuration.metadata, ...name } }
  let object = live ? (merge(live, wanted, [], structure) as KubeObject) : wanted
  if (own) {
    const kept = new Set([...applied.keys(), ...left.flatMap((entry) => [...fromFieldsV1(entry.fieldsV1 as FieldsV1)])])
    const dropped = [...fromFieldsV1(own.fieldsV1 as FieldsV1)].filter((path) => !kept.has(path) && !hasBelow(kept, path))
    for (const path of dropped) object = removePath(object, steps(path), [], structure) as KubeObject
  }
  return {
    object,
    own: (after) => {
      const fields = toFieldsV1(applied.keys())
      if (own && sameJson(own.fieldsV1, fields) && live && fieldsSame(live, after, structure)) return withEntries(after, [...left, own])
      return withEntries(after, [...left, entryOf(manager, 'Apply', definition, subresource, fields, now)])
    },
  }
}

function fieldsSame(live: KubeObject, after: KubeObject, structure: Structure): boolean {
  const { set, removed } = fieldChanges(live, after, structure)
  return set.size === 0 && removed.size === 0
}

function differs(value: unknown, current: ReadonlyMap<Path, unknown>, path: Path): boolean {
  if (value === elementMark) return false
  // An object applied as empty says nothing about one that has fields.
  if (isObject(value) && Object.keys(value).length === 0) return false
  return !sameJson(value, current.get(path))
}

function hasBelow(paths: ReadonlySet<Path>, path: Path): boolean {
  for (const other of paths) if (other.startsWith(`${path}\n`)) return true
  return false
}

interface FieldConflict {
  entry: ManagedFieldsEntry
  path: Path
}

function conflicts(others: readonly ManagedFieldsEntry[], changed: ReadonlySet<Path>): FieldConflict[] {
  return others.flatMap((entry) => {
    const held = fromFieldsV1((entry.fieldsV1 ?? {}) as FieldsV1)
    return [...changed].filter((path) => held.has(path)).map((path) => ({ entry, path }))
  })
}

function conflictError(taken: readonly FieldConflict[]): Error {
  const print = ({ manager, subresource, operation, apiVersion }: ManagedFieldsEntry) =>
    `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}${operation === 'Update' ? ` using ${apiVersion}` : ''}`
  const causes = taken.map(({ entry, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${print(entry)}`,
    field: printPath(path),
  }))
  if (taken.length === 1) return applyConflict(`Apply failed with 1 conflict: ${causes[0]!.message}: ${causes[0]!.field}`, causes)
  const lines: string[] = []
  for (const message of [...new Set(taken.map(({ entry }) => print(entry)))].sort()) {
    lines.push(`conflicts with ${message}:`)
    for (const conflict of taken) if (print(conflict.entry) === message) lines.push(`- ${printPath(conflict.path)}`)
  }
  return applyConflict(`Apply failed with ${taken.length} conflicts: ${lines.join('\n')}`, causes)
}

function merge(live: unknown, applied: unknown, names: readonly string[], structure: Structure): unknown {
  const strategy = Array.isArray(applied) ? structure.list(names) : undefined
  if (strategy && Array.isArray(live)) {
    const result = [...live]
    for (const element of applied as unknown[]) {
      const step = elementStep(element, strategy)
      const at = result.findIndex((other) => elementStep(other, strategy) === step)
      if (at < 0) result.push(element)
      else result[at] = merge(result[at], element, names, structure)
    }
    return result
  }
  if (isObject(applied) && isObject(live)) {
    if (structure.atomic(names)) return applied
    const result: Record<string, unknown> = { ...live }
    for (const [key, value] of Object.entries(applied)) {
      if (value !== undefined && value !== null) result[key] = merge(live[key], value, [...names, key], structure)
    }
    return result
  }
  return applied
}

function removePath(value: unknown, [step, ...rest]: readonly string[], names: readonly string[], structure: Structure): unknown {
  if (step === undefined) return value
  if (Array.isArray(value)) {
    const strategy = structure.list(names)
    if (!strategy) return value
    const at = value.findIndex((element) => elementStep(element, strategy) === step)
    if (at < 0) return value
    const copy = [...value]
    if (rest.length === 0) copy.splice(at, 1)
    else copy[at] = removePath(value[at], rest, names, structure)
    return copy
  }
  const key = step.slice(2)
  if (!isObject(value) || !step.startsWith('f:') || !(key in value)) return value
  if (rest.length > 0) {
    const inner = removePath(value[key], rest, [...names, key], structure)
    if (Array.isArray(inner) && inner.length === 0) return omit(value, key)
    return { ...value, [key]: inner }
  }
  return omit(value, key)
}

function omit(value: Record<string, unknown>, key: string): Record<string, unknown> {
  const { [key]: _gone, ...others } = value
  return others
}
