import type { OpenapiSchema } from '../../simulator/apiserver/openapi/schema.ts'
import { type FieldMerge, mergeOf } from '../../simulator/apiserver/patch/strategies.ts'
import { messages } from '../../simulator/apiserver/protobuf/messages.ts'
import { messageFields } from '../../simulator/apiserver/protobuf/wire-types.ts'
import { type ClientField, type ClientModel, clientApis, clientModels } from './client-models.ts'
import { fieldText, typeText } from './descriptions.ts'
import { groupVersionKind, placesOf, schemaName, type TypePlace } from './schema-names.ts'
import { atomicTypes, enums } from './type-facts.ts'
import { type DocumentedType, documentedTypes } from './typed-docs.ts'
import { plainTypes, reference, wireTypes } from './wire-types.ts'

type Building = { -readonly [key in keyof OpenapiSchema]: OpenapiSchema[key] }

/** The schema of every type of the Kubernetes API that the installed client library knows, by upstream's names. */
export function kubernetesSchemas(): Record<string, OpenapiSchema> {
  const models = clientModels()
  const documented = documentedTypes()
  const places = placesOf(models, documented, clientApis())
  const texts = new Map(documented.map((type) => [`${type.place} ${type.name}`, type]))
  const schemas: Record<string, OpenapiSchema> = wireTypes(models, documented)
  for (const model of models) {
    const place = places.get(model.name)!
    schemas[schemaName(place)] = typeSchema(model, place, texts.get(`${place.folder}/${place.version} ${place.name}`), places)
  }
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function typeSchema(
  model: ClientModel,
  place: TypePlace,
  text: DocumentedType | undefined,
  places: ReadonlyMap<string, TypePlace>,
): OpenapiSchema {
  const type = `${place.folder}${place.version === 'v1' ? '' : place.version.slice(1)}.${place.name}`
  const description = typeText(model.description, text?.description)
  const properties: Record<string, OpenapiSchema> = {}
  for (const field of [...model.fields].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    properties[field.name] = fieldSchema(field, type, text?.fields.get(field.name), places)
  }
  const required = model.fields.filter((field) => field.required).map(({ name }) => name)
  const has = (name: string) => name in properties
  return {
    ...(description && { description }),
    type: 'object',
    ...(required.length > 0 && { required: required.sort() }),
    ...(model.fields.length > 0 && { properties }),
    ...(has('kind') && has('apiVersion') && has('metadata') && { 'x-kubernetes-group-version-kind': [groupVersionKind(place)] }),
    ...(atomicTypes.has(type) && { 'x-kubernetes-map-type': 'atomic' }),
  }
}

function fieldSchema(
  field: ClientField,
  type: string,
  text: { type: string; description: string } | undefined,
  places: ReadonlyMap<string, TypePlace>,
): OpenapiSchema {
  const wire = messages[type] === undefined ? undefined : messageFields(type).get(field.name)
  // A quantity that is younger than kubernetes-types is a string to both packages.
  const documented = wire?.type === 'Q' && !wire.map ? 'Quantity' : text?.type
  const shape = shapeOf(field.type, field.format, documented, places)
  const description = fieldText(field, text?.description)
  const values = enums[type]?.[field.name]
  const merge = wire && mergeOf(wire)
  const extensions = {
    ...(merge && shape.type === 'array' && listExtensions(merge)),
    ...(merge?.patch && { 'x-kubernetes-patch-strategy': merge.patch }),
    ...(wire?.map && wire.tags.split(',').includes('atomic') && { 'x-kubernetes-map-type': 'atomic' }),
  }
  const whole = values ? withEnum(shape, values) : shape
  // What stands beside a reference is ignored in OpenAPI 3.0, so that it is wrapped where something is said of it.
  const wrapped = whole.$ref && (description || Object.keys(extensions).length > 0) ? { allOf: [whole] } : whole
  return { ...(description && { description }), ...wrapped, ...extensions }
}

function withEnum(shape: OpenapiSchema, values: readonly string[]): OpenapiSchema {
  if (shape.items) return { ...shape, items: withEnum(shape.items, values) }
  if (typeof shape.additionalProperties === 'object')
    return { ...shape, additionalProperties: withEnum(shape.additionalProperties, values) }
  return { ...shape, enum: values }
}

function listExtensions({ key, list, keys }: FieldMerge): OpenapiSchema {
  return {
    ...(keys && { 'x-kubernetes-list-map-keys': keys }),
    'x-kubernetes-list-type': list,
    ...(key && { 'x-kubernetes-patch-merge-key': key }),
  }
}

/** `documented` is what kubernetes-types calls the type: it tells quantities from strings, and names what the client calls `any`. */
function shapeOf(type: string, format: string, documented: string | undefined, places: ReadonlyMap<string, TypePlace>): Building {
  const list = /^Array<(.+)>$/.exec(type)?.[1]
  if (list) return { type: 'array', items: shapeOf(list, '', documented && /^Array<(.+)>$/.exec(documented)?.[1], places) }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1]
  if (map) {
    const inner = documented && /^\{ \[\w+: string\]: (.+); \}$/.exec(documented)?.[1]
    return { type: 'object', additionalProperties: shapeOf(map, format, inner, places) }
  }
  const place = places.get(type)
  if (place) return reference(schemaName(place))
  const plain = plainTypes(type, format, documented)
  if (!plain) throw new Error(`@kubernetes/client-node: no schema for the type ${type}`)
  return plain
}
