import { expect, it } from 'vitest'
import { type OpenapiSchema, referencePrefix } from '../../simulator/apiserver/openapi/schema.ts'
import { kinds } from '../../simulator/apiserver/protobuf/kinds.ts'
import { messages } from '../../simulator/apiserver/protobuf/messages.ts'
import { messageFields, type WireField } from '../../simulator/apiserver/protobuf/wire-types.ts'
import { openapiSchemas } from './cache.ts'

const { schemas } = openapiSchemas()

it('the documents and strict decoding know the same fields, with the same types', () => {
  const differences: string[] = []
  const compared = new Set<string>()
  for (const message of Object.values(kinds)) compare(message)

  expect(compared.size).toBeGreaterThan(300)
  // Both are of v1.34: whoever raises one of them raises the other, or says here why not.
  expect(differences).toEqual([])

  function compare(message: string): void {
    if (compared.has(message)) return
    compared.add(message)
    const schema = schemas[nameOf(message)]
    if (!schema) {
      differences.push(message)
      return
    }
    const fields = messageFields(message)
    const properties = schema.properties ?? {}
    for (const name of Object.keys(properties)) {
      if (!fields.has(name) && name !== 'apiVersion' && name !== 'kind') differences.push(`${message}.${name}: not decoded`)
    }
    for (const [name, field] of fields) {
      const property = properties[name]
      if (!property) differences.push(`${message}.${name}`)
      else {
        const wanted = shapeOf(field)
        const found = shapeIn(property)
        if (wanted !== found) differences.push(`${message}.${name}: ${found} in OpenAPI, ${wanted} when decoded`)
        if (messages[field.type]) compare(field.type)
      }
    }
  }
})

function nameOf(message: string): string {
  const [folder = '', name = ''] = message.split('.')
  const [, group, version = ''] = /^([a-z]+)(\d*)$/.exec(folder)!
  return group === 'meta' ? `io.k8s.apimachinery.pkg.apis.meta.v1.${name}` : `io.k8s.api.${group}.v${version || '1'}.${name}`
}

const wireNames: Record<string, string> = {
  s: 'string',
  b: 'boolean',
  i: 'integer',
  d: 'number',
  y: 'string',
  T: 'Time',
  U: 'MicroTime',
  Q: 'Quantity',
  I: 'IntOrString',
  R: 'RawExtension',
  F: 'FieldsV1',
  E: 'list of string',
}

function shapeOf({ list, map, type }: WireField): string {
  const inner = /^\[\](.+)$/.exec(type)?.[1]
  const one = inner ? `list of ${wireNames[inner] ?? inner}` : (wireNames[type] ?? type.slice(type.indexOf('.') + 1))
  return list ? `list of ${one}` : map ? `map of ${one}` : one
}

function shapeIn(schema: OpenapiSchema): string {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref
  if (reference) return reference.slice(referencePrefix.length).replace(/^.*\./, '')
  if (schema.items) return `list of ${shapeIn(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return `map of ${shapeIn(schema.additionalProperties)}`
  return schema.type ?? 'anything'
}
