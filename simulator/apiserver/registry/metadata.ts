import type { ObjectMeta } from 'kubernetes-types/meta/v1'
import { sameJson } from '../../json.ts'
import type { ResourceName } from '../../kubernetes.ts'
import type { FieldError } from '../../resources/definition.ts'

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?'
const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelValue = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'

interface NameRule {
  readonly pattern: RegExp
  readonly limit: number
  readonly sentence: string
}

/** The sentences are those of apimachinery's util/validation. */
const subdomainRule: NameRule = {
  pattern: new RegExp(`^${subdomain}$`),
  limit: 253,
  sentence: `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`,
}
const labelRule: NameRule = {
  pattern: new RegExp(`^${label}$`),
  limit: 63,
  sentence: `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`,
}
const label1035Rule: NameRule = {
  pattern: new RegExp(`^${label1035}$`),
  limit: 63,
  sentence: `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${label1035}')`,
}

const rules: Record<ResourceName, NameRule> = { namespaces: labelRule, services: label1035Rule }
/** Any name that can stand in a path (`system:node-proxier`). */
const pathSegments = new Set<ResourceName>([
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
])

export function nameErrors(resource: ResourceName, name: string): string[] {
  if (pathSegments.has(resource)) {
    if (name === '.' || name === '..') return [`may not be '${name}'`]
    return ['/', '%'].filter((character) => name.includes(character)).map((character) => `may not contain '${character}'`)
  }
  return against(rules[resource] ?? subdomainRule, name)
}

function against(rule: NameRule, value: string): string[] {
  const errors: string[] = []
  if (value.length > rule.limit) errors.push(`must be no more than ${rule.limit} bytes`)
  if (!rule.pattern.test(value)) errors.push(rule.sentence)
  return errors
}

function invalidValue(field: string, value: unknown, sentence: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${sentence}` }
}

/** What is wrong with the metadata of any object, whatever its kind (ValidateObjectMeta). */
export function metadataErrors(resource: ResourceName, metadata: ObjectMeta): FieldError[] {
  const errors: FieldError[] = []
  if (metadata.generateName) {
    // A prefix may end in a hyphen, since a suffix follows.
    for (const sentence of nameErrors(resource, metadata.generateName.replace(/-$/, 'a'))) {
      errors.push(invalidValue('metadata.generateName', metadata.generateName, sentence))
    }
  }
  if (!metadata.name) {
    errors.push({ reason: 'FieldValueRequired', field: 'metadata.name', message: 'Required value: name or generateName is required' })
  } else {
    for (const sentence of nameErrors(resource, metadata.name)) errors.push(invalidValue('metadata.name', metadata.name, sentence))
  }
  return [...errors, ...labelErrors(metadata.labels, 'metadata.labels'), ...annotationErrors(metadata.annotations)]
}

const qualifiedSentence = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualifiedName}')`
const qualifiedPattern = new RegExp(`^${qualifiedName}$`)
const labelValuePattern = new RegExp(`^${labelValue}$`)

function qualifiedErrors(key: string): string[] {
  const parts = key.split('/')
  const name = parts.at(-1)!
  const errors: string[] = []
  if (parts.length > 2) {
    return [
      `a valid label key must be a name part that ${qualifiedSentence} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  }
  if (parts.length === 2) {
    if (parts[0] === '') errors.push('prefix part must be non-empty')
    else for (const sentence of against(subdomainRule, parts[0]!)) errors.push(`prefix part ${sentence}`)
  }
  if (name === '') errors.push('name part must be non-empty')
  else if (name.length > 63) errors.push('name part must be no more than 63 bytes')
  if (!qualifiedPattern.test(name)) errors.push(`name part ${qualifiedSentence}`)
  return errors
}

export function labelErrors(labels: Record<string, string> | undefined, field: string): FieldError[] {
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const sentence of qualifiedErrors(key)) errors.push(invalidValue(field, key, sentence))
    if (typeof value !== 'string') {
      errors.push({ reason: 'FieldValueTypeInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: must be a string` })
      continue
    }
    if (value.length > 63) errors.push(invalidValue(field, value, 'must be no more than 63 bytes'))
    if (!labelValuePattern.test(value)) {
      errors.push(
        invalidValue(
          field,
          value,
          `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${labelValue}')`,
        ),
      )
    }
  }
  return errors
}

const annotationLimit = 256 * 1024

function annotationErrors(annotations: Record<string, string> | undefined): FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const sentence of qualifiedErrors(key.toLowerCase())) errors.push(invalidValue('metadata.annotations', key, sentence))
    size += key.length + String(value).length
  }
  if (size > annotationLimit) {
    const message = `Too long: may not be more than ${annotationLimit} bytes`
    errors.push({ reason: 'FieldValueTooLong', field: 'metadata.annotations', message })
  }
  return errors
}

/** What an update may not do to metadata (ValidateObjectMetaUpdate). */
export function metadataUpdateErrors(metadata: ObjectMeta, previous: ObjectMeta): FieldError[] {
  const errors: FieldError[] = []
  if (previous.deletionTimestamp) {
    const added = (metadata.finalizers ?? []).filter((finalizer) => !previous.finalizers?.includes(finalizer))
    if (added.length > 0) {
      const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`
      const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${list}`
      errors.push({ reason: 'FieldValueForbidden', field: 'metadata.finalizers', message })
    }
  }
  const controllers = (metadata.ownerReferences ?? []).filter((owner) => owner.controller)
  if (controllers.length > 1 && !sameJson(metadata.ownerReferences, previous.ownerReferences)) {
    const message = `Invalid value: "": Only one reference can have Controller set to true. Found "true" in references for ${controllers
      .slice(0, 2)
      .map((owner) => `${owner.kind}/${owner.name}`)
      .join(' and ')}`
    errors.push({ reason: 'FieldValueInvalid', field: 'metadata.ownerReferences', message })
  }
  return errors
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
