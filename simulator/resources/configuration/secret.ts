import type { Secret } from 'kubernetes-types/core/v1'
import { decodeBase64, encodeBase64 } from '../../base64.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid, invalidEach, required, tooLong, unchanged } from '../fields.ts'
import { fillText } from '../fill.ts'
import { isConfigMapKey } from '../names.ts'
import type { Plain } from '../plain.ts'
import { dataLimit, validateImmutable } from './configmap.ts'

type SecretObject = Plain<Secret>

/** Keys that the type calls for. */
const requiredKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ['kubernetes.io/dockercfg', ['.dockercfg']],
  ['kubernetes.io/dockerconfigjson', ['.dockerconfigjson']],
  ['kubernetes.io/ssh-auth', ['ssh-privatekey']],
  ['kubernetes.io/tls', ['tls.crt', 'tls.key']],
])

/** `stringData` is a way in, never stored: it goes over `data`, encoded. */
function mergeStringData(secret: SecretObject): SecretObject {
  if (!secret.stringData) return secret
  const { stringData, ...rest } = secret
  const encoded = Object.entries(stringData).map(([key, text]) => [key, encodeBase64(new TextEncoder().encode(text))])
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } }
}

function validateSecret(secret: SecretObject): FieldError[] {
  const errors: FieldError[] = []
  const data = secret.data ?? {}
  let size = 0
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidEach(`data[${key}]`, key, isConfigMapKey(key)))
    const bytes = decodeBase64(value ?? '')
    if (!bytes) errors.push(invalid(`data[${key}]`, '<secret contents redacted>', 'illegal base64 data'))
    size += bytes?.length ?? 0
  }
  if (size > dataLimit) errors.push(tooLong('data', dataLimit))
  const type = secret.type ?? ''
  if (type === 'kubernetes.io/service-account-token') {
    const annotation = 'kubernetes.io/service-account.name'
    if (!secret.metadata?.annotations?.[annotation]) errors.push(required(`metadata.annotations[${annotation}]`))
  } else if (type === 'kubernetes.io/basic-auth') {
    if (data['username'] === undefined && data['password'] === undefined) {
      errors.push(required('data[username]'), required('data[password]'))
    }
  } else if (type === 'kubernetes.io/ssh-auth') {
    if (!data['ssh-privatekey']) errors.push(required('data[ssh-privatekey]'))
  } else {
    for (const key of requiredKeys.get(type) ?? []) {
      if (data[key] === undefined) errors.push(required(`data[${key}]`))
      else if (type.startsWith('kubernetes.io/dockerc')) errors.push(...validateJson(`data[${key}]`, data[key]!))
    }
  }
  return errors
}

function validateJson(field: string, base64: string): FieldError[] {
  try {
    JSON.parse(new TextDecoder().decode(decodeBase64(base64)))
    return []
  } catch {
    return [invalid(field, '<secret contents redacted>', 'invalid character in JSON text')]
  }
}

export const secrets: ResourceDefinition<SecretObject> = {
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  prepareForCreate: mergeStringData,
  prepareForUpdate: (secret, previous) => mergeStringData(secret.type ? secret : { ...secret, type: previous.type }),
  defaults: (secret) => fillText(secret, { type: 'Opaque' }),
  validate: validateSecret,
  validateUpdate: (secret, previous) => [
    ...unchanged('type', secret.type, previous.type),
    ...validateImmutable(secret, previous, ['data']),
    ...validateSecret(secret),
  ],
  selectableFields: (secret) => ({ type: secret.type ?? '' }),
  columns: [
    nameColumn,
    column('Type', 'What the secret is for.', (secret) => secret.type ?? ''),
    column('Data', 'Number of keys.', (secret) => Object.keys(secret.data ?? {}).length),
    ageColumn,
  ],
}
