import { sameJson } from '../../json.ts'
import { timestamp } from '../../kubernetes.ts'
import { createdAtColumn, nameColumn } from '../columns.ts'
import type { ResourceDefinition } from '../definition.ts'
import { fillText } from '../fill.ts'
import { keepSpec } from '../strategy.ts'
import { isTrue, withCondition } from './conditions.ts'
import { type CustomResourceDefinition, cleanupFinalizer, type DefinitionStatus, storageVersion } from './types.ts'
import { definitionErrors, definitionUpdateErrors, statusErrors } from './validation.ts'

export const customResourceDefinitionsName = 'customresourcedefinitions.apiextensions.k8s.io'

/**
 * Kinds that people bring (pkg/registry/customresourcedefinition). What names it gets, and whether it is served, its controllers
 * write into the status: simulator/controllers/customresourcedefinition.
 */
export const customresourcedefinitions: ResourceDefinition<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  status: true,
  prepareForCreate: (definition) =>
    withStoredVersion({ ...withParts(definition), status: { acceptedNames: { kind: '', plural: '' }, storedVersions: [] } }),
  prepareForUpdate: (definition, previous) => {
    const { spec } = withSpecDefaults(withParts(definition))
    // A spec that says the same is the same, so that what is served goes on being served.
    const kept = sameJson(spec, previous.spec) ? previous.spec : spec
    return withStoredVersion({ ...definition, spec: kept, status: previous.status! })
  },
  prepareForStatusUpdate: keepSpec,
  defaults: withSpecDefaults,
  validate: definitionErrors,
  validateUpdate: definitionUpdateErrors,
  validateStatusUpdate: statusErrors,
  /** Upstream's REST.Delete: the finalizer that empties the kind comes with the deletion itself. */
  prepareForDelete: (definition, { now }) => {
    const finalizers = definition.metadata?.finalizers ?? []
    const metadata = {
      ...definition.metadata,
      deletionTimestamp: timestamp(now),
      finalizers: finalizers.includes(cleanupFinalizer) ? finalizers : [...finalizers, cleanupFinalizer],
    }
    if (isTrue(definition, 'Terminating')) return { ...definition, metadata }
    const reason = { type: 'Terminating', status: 'True', reason: 'InstanceDeletionPending' } as const
    const message = 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon'
    return withCondition({ ...definition, metadata }, { ...reason, message }, now)
  },
  columns: [nameColumn, createdAtColumn],
}

function withSpecDefaults(definition: CustomResourceDefinition): CustomResourceDefinition {
  const { spec } = definition
  const { kind } = spec.names
  const names = kind ? fillText(spec.names, { singular: kind.toLowerCase(), listKind: `${kind}List` }) : spec.names
  const conversion = fillText(spec.conversion ?? {}, { strategy: 'None' })
  return names === spec.names && conversion === spec.conversion ? definition : { ...definition, spec: { ...spec, conversion, names } }
}

/** What a Go decoder leaves zero where it is absent, so that whatever looks at the spec finds it. */
function withParts(definition: CustomResourceDefinition): CustomResourceDefinition {
  const spec = definition.spec ?? {}
  if (spec.names && spec.versions) return definition
  const names = { kind: '', plural: '' }
  return { ...definition, spec: { ...spec, names: spec.names ?? names, versions: spec.versions ?? [] } }
}

/** The version that objects are now written in is among those that they may be stored in. */
function withStoredVersion(definition: CustomResourceDefinition): CustomResourceDefinition {
  const name = storageVersion(definition.spec)?.name
  const status = definition.status as DefinitionStatus
  if (name === undefined || status.storedVersions.includes(name)) return definition
  return { ...definition, status: { ...status, storedVersions: [...status.storedVersions, name] } }
}
