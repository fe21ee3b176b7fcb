import type { Container } from 'kubernetes-types/core/v1'
import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { KubeObject } from '../kubernetes.ts'
import type { Column } from './definition.ts'
import { age } from './duration.ts'
import { formatSelector } from './selectors.ts'

type Value<T> = Column<T>['value']

/** A column that is always shown. Header and order are those of pkg/printers/internalversion. */
export function column<T>(name: string, description: string, value: Value<T>, type: Column<T>['type'] = 'string'): Column<T> {
  return { name, type, description, priority: 0, value }
}

/** A column of `-o wide`. */
export function wide<T>(name: string, description: string, value: Value<T>, type: Column<T>['type'] = 'string'): Column<T> {
  return { name, type, description, priority: 1, value }
}

export const nameColumn: Column<any> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique within its namespace.',
  priority: 0,
  value: (object: KubeObject) => object.metadata?.name ?? '',
}

export const ageColumn: Column<any> = column('Age', 'Time since the object was created.', (object: KubeObject, { now }) =>
  age(object.metadata?.creationTimestamp as string | undefined, now),
)

/** Containers and Images of a pod template. */
export function containerColumns<T>(containers: (object: T) => readonly Container[] | undefined): Column<T>[] {
  return [
    wide('Containers', 'Names of each container in the template.', (object) => joined(containers(object), 'name')),
    wide('Images', 'Images referenced by each container in the template.', (object) => joined(containers(object), 'image')),
  ]
}

function joined(containers: readonly Container[] | undefined, field: 'name' | 'image'): string {
  return (containers ?? []).map((container) => container[field] ?? '').join(',')
}

export function selectorColumn<T>(selector: (object: T) => LabelSelector | undefined): Column<T> {
  return wide('Selector', 'Label selector of the pods that belong to the object.', (object) => formatSelector(selector(object)))
}

/** Of kinds that have no table of their own upstream: the time itself, not an age. */
export const createdAtColumn: Column<any> = column(
  'Created At',
  'When the object was created.',
  (object: KubeObject) => (object.metadata?.creationTimestamp as string | undefined) ?? '',
  'date',
)
