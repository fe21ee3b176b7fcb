import type { EnvFromSource, EnvVar, EnvVarSource } from 'kubernetes-types/core/v1'
import type { FieldError } from '../definition.ts'
import { invalid, invalidEach, notSupported, required } from '../fields.ts'
import { isConfigMapKey, isDns1123Subdomain, isEnvironmentVariableName } from '../names.ts'

const fieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
const resourcePaths = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]

export function validateEnv(field: string, variables: readonly EnvVar[]): FieldError[] {
  return variables.flatMap((variable, index) => {
    const at = `${field}[${index}]`
    const errors = variable.name
      ? invalidEach(`${at}.name`, variable.name, isEnvironmentVariableName(variable.name))
      : [required(`${at}.name`)]
    if (variable.valueFrom) errors.push(...validateSource(`${at}.valueFrom`, variable.valueFrom, variable.value))
    return errors
  })
}

function validateSource(field: string, source: EnvVarSource, value: string | undefined): FieldError[] {
  const errors: FieldError[] = []
  if (source.fieldRef) errors.push(...validateFieldRef(`${field}.fieldRef`, source.fieldRef.fieldPath))
  if (source.resourceFieldRef) {
    const { resource } = source.resourceFieldRef
    if (!resource) errors.push(required(`${field}.resourceFieldRef.resource`))
    else if (!resourcePaths.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
      errors.push(notSupported(`${field}.resourceFieldRef.resource`, resource, resourcePaths))
    }
  }
  for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = source[kind]
    if (!ref) continue
    errors.push(...invalidEach(`${field}.${kind}.name`, ref.name ?? '', isDns1123Subdomain(ref.name ?? '')))
    if (!ref.key) errors.push(required(`${field}.${kind}.key`))
    else errors.push(...invalidEach(`${field}.${kind}.key`, ref.key, isConfigMapKey(ref.key)))
  }
  const count = [source.fieldRef, source.resourceFieldRef, source.configMapKeyRef, source.secretKeyRef].filter(Boolean).length
  if (!count) {
    errors.push(invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'))
  } else if (value) errors.push(invalid(field, '', 'may not be specified when `value` is not empty'))
  else if (count > 1) errors.push(invalid(field, '', 'may not have more than one field specified at a time'))
  return errors
}

function validateFieldRef(field: string, path: string | undefined): FieldError[] {
  if (!path) return [required(`${field}.fieldPath`)]
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(path)
  if (subscript || fieldPaths.includes(path)) return []
  return [notSupported(`${field}.fieldPath`, path, fieldPaths)]
}

export function validateEnvFrom(field: string, sources: readonly EnvFromSource[]): FieldError[] {
  return sources.flatMap((source, index) => {
    const at = `${field}[${index}]`
    const errors: FieldError[] = []
    if (source.prefix) errors.push(...invalidEach(`${at}.prefix`, source.prefix, isEnvironmentVariableName(source.prefix)))
    for (const kind of ['configMapRef', 'secretRef'] as const) {
      const ref = source[kind]
      if (!ref) continue
      if (!ref.name) errors.push(required(`${at}.${kind}.name`))
      else errors.push(...invalidEach(`${at}.${kind}.name`, ref.name, isDns1123Subdomain(ref.name)))
    }
    if (!source.configMapRef && !source.secretRef) errors.push(invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (source.configMapRef && source.secretRef) {
      errors.push(invalid(field, '', 'may not have more than one field specified at a time'))
    }
    return errors
  })
}
