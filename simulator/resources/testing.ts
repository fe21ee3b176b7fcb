import type { KubeObject } from '../kubernetes.ts'
import { Random } from '../random.ts'
import type { FieldError, ResourceDefinition, StrategyContext } from './definition.ts'

export const noon = Date.parse('2026-01-01T12:00:00Z')

/** A strategy context over a few objects, by resource name, for tests of definitions without a registry. */
export function contextWith(objects: Record<string, readonly KubeObject[]> = {}, serviceCidr = '10.96.0.0/16'): StrategyContext {
  const list = (resource: string, namespace?: string) =>
    (objects[resource] ?? []).filter((object) => namespace === undefined || object.metadata?.namespace === namespace)
  return {
    now: noon,
    random: new Random(7),
    serviceCidr,
    list: list as StrategyContext['list'],
    find: ((resource: string, namespace: string | undefined, name: string) =>
      list(resource, namespace).find((object) => object.metadata?.name === name)) as StrategyContext['find'],
  }
}

/** `spec.ports: Required value`, as an `Invalid` Status says it. */
export function sentences(errors: readonly FieldError[] | undefined): string[] {
  return (errors ?? []).map(({ field, message }) => `${field}: ${message}`)
}

/** The object as it would be stored, and what validation says to it. */
export function created(definition: ResourceDefinition, object: object, context = contextWith()) {
  const named = { ...object, metadata: { name: 'web', namespace: 'shop', uid: 'u-1', ...(object as KubeObject).metadata } }
  const prepared = definition.prepareForCreate?.(named, context) ?? named
  const stored = definition.defaults?.(prepared, context) ?? prepared
  return { object: stored, errors: sentences(definition.validate?.(stored, context)) }
}

export function updated(definition: ResourceDefinition, object: object, previous: object, context = contextWith()) {
  const prepared = definition.prepareForUpdate?.(object, previous, context) ?? object
  const stored = definition.defaults?.(prepared, context) ?? prepared
  const errors = definition.validateUpdate ? definition.validateUpdate(stored, previous, context) : definition.validate?.(stored, context)
  return { object: stored, errors: sentences(errors) }
}

/** One line of the table: header to cell, in order. */
export function row(definition: ResourceDefinition, object: object, wide = false): Record<string, unknown> {
  return Object.fromEntries(
    definition.columns
      .filter((column) => wide || column.priority === 0)
      .map((column) => [column.name, column.value(object, { now: noon })]),
  )
}
