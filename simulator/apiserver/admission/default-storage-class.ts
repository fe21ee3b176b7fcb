import type { PersistentVolumeClaim } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { Admission } from './admission.ts'
import { newestDefault } from './default-class.ts'

const marks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export function defaultStorageClassOf<T extends KubeObject>(classes: readonly T[]): T | undefined {
  return newestDefault(classes, marks)
}

/** Whether a claim leaves its class open; an empty name says on purpose that there is to be none. */
export function leavesClassOpen({ metadata, spec }: PersistentVolumeClaim): boolean {
  if (metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return false
  return spec?.storageClassName === undefined || spec.storageClassName === null
}

/** DefaultStorageClass: a claim that leaves its class open gets the default one. */
export const defaultStorageClass: Admission = {
  name: 'DefaultStorageClass',
  mutate({ operation, resource, subresource, object }, context) {
    if (resource !== 'persistentvolumeclaims' || subresource || operation !== 'CREATE') return object
    const claim = object as PersistentVolumeClaim & KubeObject
    if (!claim.spec || !leavesClassOpen(claim)) return object
    const found = defaultStorageClassOf(context.list<KubeObject>('storageclasses.storage.k8s.io'))
    return found ? { ...claim, spec: { ...claim.spec, storageClassName: found.metadata?.name } } : object
  },
}
