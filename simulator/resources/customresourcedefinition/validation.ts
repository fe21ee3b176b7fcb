import type { FieldError } from '../definition.ts'
import { forbidden, invalid, notSupported, required, unchanged } from '../fields.ts'
import { isDns1035Label, isDns1123Subdomain } from '../names.ts'
import { approvalErrors } from './approval.ts'
import { isTrue } from './conditions.ts'
import { namesErrors } from './names.ts'
import type { CustomResourceDefinition, DefinitionSpec, Version } from './types.ts'
import { versionsErrors } from './versions.ts'

/** ValidateCustomResourceDefinition of apiextensions-apiserver's pkg/apis/apiextensions/validation. */
export function definitionErrors(definition: CustomResourceDefinition): FieldError[] {
  const { spec, metadata } = definition
  const errors: FieldError[] = []
  if (metadata?.name !== `${spec.names.plural}.${spec.group}`) {
    errors.push(invalid('metadata.name', metadata?.name ?? '', 'must be spec.names.plural+"."+spec.group'))
  }
  return [...errors, ...specErrors(spec), ...approvalErrors(definition)]
}

export function definitionUpdateErrors(definition: CustomResourceDefinition, previous: CustomResourceDefinition): FieldError[] {
  const { spec } = definition
  const before = previous.spec
  const errors = specErrors(spec)
  if (isTrue(previous, 'Established')) {
    errors.push(...unchanged('spec.scope', spec.scope, before.scope), ...unchanged('spec.names.kind', spec.names.kind, before.names.kind))
  }
  errors.push(
    ...unchanged('spec.group', spec.group, before.group),
    ...unchanged('spec.names.plural', spec.names.plural, before.names.plural),
  )
  return [...errors, ...statusErrors(definition), ...approvalErrors(definition, previous)]
}

/** What the status may not say: names, and versions that objects may still be stored in. */
export function statusErrors({ spec, status }: CustomResourceDefinition): FieldError[] {
  const errors = namesErrors(status?.acceptedNames ?? {}, 'status.acceptedNames')
  const stored = status?.storedVersions ?? []
  const field = 'status.storedVersions'
  if (stored.length === 0) return [...errors, invalid(field, stored, 'must have at least one stored version')]
  for (const { name, storage } of spec.versions) {
    if (storage && !stored.includes(name)) errors.push(invalid(field, stored, `must have the storage version ${name}`))
  }
  for (const [index, name] of stored.entries()) {
    if (spec.versions.some((version) => version.name === name)) continue
    const sentence = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    errors.push(invalid(`${field}[${index}]`, name, sentence))
  }
  return errors
}

function specErrors(spec: DefinitionSpec): FieldError[] {
  const errors: FieldError[] = []
  const { group, scope, names, versions } = spec
  if (!group) errors.push(required('spec.group'))
  else if (isDns1123Subdomain(group).length > 0) errors.push(invalid('spec.group', group, isDns1123Subdomain(group).join(',')))
  else if (!group.includes('.')) errors.push(invalid('spec.group', group, 'should be a domain with at least one dot'))
  const scopes = ['Cluster', 'Namespaced']
  if (!scope) errors.push(required('spec.scope'))
  else if (!scopes.includes(scope)) errors.push(notSupported('spec.scope', scope, scopes))
  if (spec.preserveUnknownFields) {
    errors.push(
      invalid(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    )
  }
  versions.forEach((version, index) => {
    if (!version.schema?.openAPIV3Schema) {
      errors.push(required(`spec.versions[${index}].schema.openAPIV3Schema`, 'schemas are required'))
    }
  })
  versions.forEach(({ name = '' }, index) => {
    const sentences = isDns1035Label(name)
    if (sentences.length > 0) errors.push(invalid(`spec.versions[${index}].name`, name, sentences.join(',')))
  })
  errors.push(...versionsErrors(spec))
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    errors.push(invalid('spec.versions', versions.map(internalForm), 'must contain unique version names'))
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', versions.map(internalForm), 'must have exactly one version marked as storage version'))
  }
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names[name]) errors.push(required(`spec.names.${name}`))
  return [...errors, ...namesErrors(names, 'spec.names'), ...conversionErrors(spec)]
}

function conversionErrors({ conversion }: DefinitionSpec): FieldError[] {
  const field = 'spec.conversion'
  const strategies = ['None', 'Webhook']
  const strategy = conversion?.strategy
  if (!conversion) return []
  if (!strategy) return [required(`${field}.strategy`)]
  if (!strategies.includes(strategy)) return [notSupported(`${field}.strategy`, strategy, strategies)]
  if (strategy === 'Webhook')
    return [invalid(`${field}.strategy`, strategy, 'the simulated cluster does not model conversion webhooks; use None')]
  return conversion.webhook ? [forbidden(`${field}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook')] : []
}

/** A version as upstream's messages print it: its internal type, without what versions have in common. */
function internalForm({
  name,
  served,
  storage,
  deprecated = false,
  deprecationWarning = null,
}: Pick<Version, 'name' | 'served' | 'storage' | 'deprecated'> & { deprecationWarning?: string | null }) {
  return {
    Name: name,
    Served: served,
    Storage: storage,
    Deprecated: deprecated,
    DeprecationWarning: deprecationWarning,
    Schema: null,
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }
}
