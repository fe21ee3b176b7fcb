import type { ObjectMeta, OwnerReference } from 'kubernetes-types/meta/v1'
import { sameJson } from '../../json.ts'
import type { ResourceName } from '../../kubernetes.ts'
import type { FieldError } from '../../resources/definition.ts'
import { forbidden, invalid, invalidEach, required } from '../../resources/fields.ts'
import { validateAnnotations, validateLabels } from '../../resources/metadata.ts'
import { isDns1035Label, isDns1123Label, isDns1123Subdomain, isPathSegmentName, isQualifiedName } from '../../resources/names.ts'

/** What a name must look like; a subdomain where the kind is not listed. Roles and API services may have any name that can stand in a path. */
const nameRules: Readonly<Record<ResourceName, (name: string) => string[]>> = {
  namespaces: isDns1123Label,
  services: isDns1035Label,
  'roles.rbac.authorization.k8s.io': isPathSegmentName,
  'rolebindings.rbac.authorization.k8s.io': isPathSegmentName,
  'clusterroles.rbac.authorization.k8s.io': isPathSegmentName,
  'clusterrolebindings.rbac.authorization.k8s.io': isPathSegmentName,
  'apiservices.apiregistration.k8s.io': isPathSegmentName,
}

/** What is wrong with the metadata of any object, whatever its kind. Follows apimachinery's ValidateObjectMeta. */
export function metadataErrors(resource: ResourceName, metadata: ObjectMeta): FieldError[] {
  const nameErrors = nameRules[resource] ?? isDns1123Subdomain
  const { name, generateName } = metadata
  return [
    // A prefix may end in a hyphen, since a suffix follows.
    ...(generateName ? invalidEach('metadata.generateName', generateName, nameErrors(generateName.replace(/-$/, 'a'))) : []),
    ...(name ? invalidEach('metadata.name', name, nameErrors(name)) : [required('metadata.name', 'name or generateName is required')]),
    ...validateLabels('metadata.labels', metadata.labels),
    ...validateAnnotations('metadata.annotations', metadata.annotations),
    ...ownerErrors(metadata.ownerReferences ?? []),
    ...finalizerErrors(metadata.finalizers ?? []),
  ]
}

function ownerErrors(owners: readonly OwnerReference[]): FieldError[] {
  const field = 'metadata.ownerReferences'
  const errors: FieldError[] = []
  let controller: OwnerReference | undefined
  for (const owner of owners) {
    if (!owner.apiVersion?.split('/').at(-1))
      errors.push(invalid(`${field}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'))
    for (const part of ['kind', 'name', 'uid'] as const) {
      if (!owner[part]) errors.push(invalid(`${field}.${part}`, owner[part] ?? '', 'must not be empty'))
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      errors.push(invalid(field, owner, '/v1, Kind=Event is disallowed from being an owner'))
    if (!owner.controller) continue
    if (controller) {
      const both = [controller, owner].map(({ kind, name }) => `${kind}/${name}`).join(' and ')
      errors.push(invalid(field, owners, `Only one reference can have Controller set to true. Found "true" in references for ${both}`))
    } else controller = owner
  }
  return errors
}

function finalizerErrors(finalizers: readonly string[]): FieldError[] {
  const field = 'metadata.finalizers'
  const errors = finalizers.flatMap((finalizer) => invalidEach(field, finalizer, isQualifiedName(finalizer)))
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(field, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
  return errors
}

/** What an update may not do to metadata, beyond what `metadataErrors` says of the result. Follows ValidateObjectMetaUpdate. */
export function metadataUpdateErrors(metadata: ObjectMeta, previous: ObjectMeta): FieldError[] {
  if (!previous.deletionTimestamp || sameJson(metadata.finalizers, previous.finalizers)) return []
  const added = (metadata.finalizers ?? []).filter((finalizer) => !previous.finalizers?.includes(finalizer)).sort()
  if (added.length === 0) return []
  const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`
  return [forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`)]
}

/** Kinds whose strategies never set `metadata.generation`. */
const withoutGeneration = new Set<ResourceName>([
  'configmaps',
  'secrets',
  'services',
  'endpoints',
  'events',
  'events.events.k8s.io',
  'nodes',
  'namespaces',
  'serviceaccounts',
  'persistentvolumes',
  'persistentvolumeclaims',
  'limitranges',
  'resourcequotas',
  'leases.coordination.k8s.io',
  'storageclasses.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'csidrivers.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'horizontalpodautoscalers.autoscaling',
  'certificatesigningrequests.certificates.k8s.io',
])

export function hasGeneration(resource: ResourceName): boolean {
  return !withoutGeneration.has(resource)
}
