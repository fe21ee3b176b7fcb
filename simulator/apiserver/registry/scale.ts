import type { Scale } from 'kubernetes-types/autoscaling/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import { badRequest, internalError, invalid, unknownResource } from '../status.ts'

/** The Scale (autoscaling/v1) that stands for an object. Throws NotFound where the kind has none. */
export function scaleOf(definition: ResourceDefinition, object: KubeObject): Scale & KubeObject {
  if (!definition.scale) throw unknownResource()
  const missing = definition.scale.missing?.(object)
  if (missing !== undefined) throw internalError(missing)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata!
  const status: NonNullable<Scale['status']> = { replicas: definition.scale.statusReplicas(object) }
  const selector = definition.scale.selector(object)
  if (selector) status.selector = selector
  const replicas = definition.scale.replicas(object)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status,
  }
}

/** The object with the replicas that a Scale asks for; conflicts are the update's business, through the Scale's resourceVersion. */
export function rescaled(definition: ResourceDefinition, object: KubeObject, scale: KubeObject): KubeObject {
  if (!definition.scale) throw unknownResource()
  if (scale.kind !== undefined && scale.kind !== 'Scale') throw badRequest(`expected a Scale, got ${scale.kind}`)
  const replicas = (scale.spec as { replicas?: unknown } | undefined)?.replicas ?? 0
  if (typeof replicas !== 'number' || !Number.isInteger(replicas)) throw badRequest('spec.replicas must be a whole number')
  if (replicas < 0) {
    throw invalid('autoscaling', 'Scale', object.metadata!.name!, [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.replicas',
        message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
      },
    ])
  }
  const changed = definition.scale.withReplicas(object, replicas) as KubeObject
  const { resourceVersion, uid } = scale.metadata ?? {}
  const metadata = { ...changed.metadata, ...(uid && { uid }) }
  if (resourceVersion) metadata.resourceVersion = resourceVersion
  else delete metadata.resourceVersion
  return { ...changed, metadata }
}
