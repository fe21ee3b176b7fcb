import type { ConfigMap } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, invalid, invalidEach, sameValue, tooLong } from '../fields.ts'
import { isConfigMapKey } from '../names.ts'
import type { Plain } from '../plain.ts'

/** etcd's limit on one object, less what metadata needs. */
export const dataLimit = 1024 * 1024
const fixed = 'field is immutable when `immutable` is set'

function validateConfigMap(map: Plain<ConfigMap>): FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  for (const [key, value] of Object.entries(map.data ?? {})) {
    errors.push(...invalidEach(`data[${key}]`, key, isConfigMapKey(key)))
    if (map.binaryData?.[key] !== undefined) errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
    size += value.length
  }
  for (const [key, value] of Object.entries(map.binaryData ?? {})) {
    errors.push(...invalidEach(`binaryData[${key}]`, key, isConfigMapKey(key)))
    size += Math.floor((value.length * 3) / 4)
  }
  if (size > dataLimit) errors.push(tooLong('[]', dataLimit))
  return errors
}

/** An object that was declared immutable keeps its data, and stays immutable. */
export function validateImmutable<T extends { immutable?: boolean }>(
  object: T,
  previous: T,
  fields: readonly (keyof T & string)[],
): FieldError[] {
  if (!previous.immutable) return []
  return [
    ...(object.immutable ? [] : [forbidden('immutable', fixed)]),
    ...fields.filter((field) => !sameValue(object[field], previous[field])).map((field) => forbidden(field, fixed)),
  ]
}

export const configmaps: ResourceDefinition<Plain<ConfigMap>> = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  validate: validateConfigMap,
  validateUpdate: (map, previous) => [...validateImmutable(map, previous, ['data', 'binaryData']), ...validateConfigMap(map)],
  columns: [
    nameColumn,
    column('Data', 'Number of keys.', (map) => Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length),
    ageColumn,
  ],
}
