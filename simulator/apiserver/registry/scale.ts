import type { KubeObject } from '../../kubernetes.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { ScaleObject, StatusError } from '../api.ts'
import { badRequest, internalError, invalid, notFound, unknownResource } from '../status.ts'
import type { Registry } from './registry.ts'
import type { RequestContext } from './world.ts'

/** The Scale (autoscaling/v1) that stands for an object. Throws NotFound where the kind has none. */
export function scaleOf(definition: ResourceDefinition, object: KubeObject): ScaleObject {
  if (!definition.scale) throw scaleless(definition, object.metadata?.name ?? '')
  const missing = definition.scale.missing?.(object)
  if (missing !== undefined) throw internalError(missing)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata!
  const status: NonNullable<ScaleObject['status']> = { replicas: definition.scale.statusReplicas(object) }
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

/** Writes a Scale to the object of its name, as the object stands now; the Scale's own resourceVersion decides whether that matters. */
export function updateScale(registry: Registry, definition: ResourceDefinition, scale: KubeObject, who: RequestContext): ScaleObject {
  const { namespace, name = '' } = scale.metadata ?? {}
  const object = registry.get(definition, namespace, name)
  return scaleOf(definition, registry.update(definition, rescaled(definition, object, scale), who, 'scale'))
}

/** Custom kinds answer with a Status that names the object, a path that nobody serves does not (apiextensions' customresource_handler.go). */
function scaleless({ custom, group, plural }: ResourceDefinition, name: string): StatusError {
  return custom ? notFound({ group, resource: plural, name }) : unknownResource()
}

function rescaled(definition: ResourceDefinition, object: KubeObject, scale: KubeObject): KubeObject {
  if (!definition.scale) throw scaleless(definition, object.metadata?.name ?? '')
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
