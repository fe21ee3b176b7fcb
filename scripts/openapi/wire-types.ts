import { type OpenapiSchema, referencePrefix } from '../../simulator/apiserver/openapi/schema.ts'
import type { ClientModel } from './client-models.ts'
import { typeText } from './descriptions.ts'
import type { DocumentedType } from './typed-docs.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'
const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity'
const intOrString = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString'

/** Types that the client library writes as plain values: by kubernetes-types' name, upstream's name and what they are in JSON. */
const types: Readonly<Record<string, { readonly name: string; readonly schema: OpenapiSchema }>> = {
  Quantity: { name: quantity, schema: { oneOf: [{ type: 'string' }, { type: 'number' }] } },
  Time: { name: `${meta}.Time`, schema: { type: 'string', format: 'date-time' } },
  MicroTime: { name: `${meta}.MicroTime`, schema: { type: 'string', format: 'date-time' } },
  FieldsV1: { name: `${meta}.FieldsV1`, schema: { type: 'object' } },
  RawExtension: { name: 'io.k8s.apimachinery.pkg.runtime.RawExtension', schema: { type: 'object' } },
  JSON: { name: `${extensions}.JSON`, schema: {} },
  JSONSchemaPropsOrArray: { name: `${extensions}.JSONSchemaPropsOrArray`, schema: {} },
  JSONSchemaPropsOrBool: { name: `${extensions}.JSONSchemaPropsOrBool`, schema: {} },
  JSONSchemaPropsOrStringArray: { name: `${extensions}.JSONSchemaPropsOrStringArray`, schema: {} },
  CustomResourceSubresourceStatus: { name: `${extensions}.CustomResourceSubresourceStatus`, schema: { type: 'object' } },
}

export function reference(name: string): OpenapiSchema {
  return { $ref: `${referencePrefix}${name}` }
}

/** Undefined where the client's type is none of these. */
export function plainTypes(type: string, format: string, documented: string | undefined): OpenapiSchema | undefined {
  const known = documented === undefined ? undefined : types[documented]
  switch (type) {
    case 'string':
      return known ? reference(known.name) : { type: 'string', ...(format && { format }) }
    case 'boolean':
      return { type: 'boolean' }
    case 'number':
      return format === 'double' ? { type: 'number', format } : { type: 'integer', ...(format && { format }) }
    case 'Date':
      return reference(format === 'date-time-micro' ? `${meta}.MicroTime` : `${meta}.Time`)
    case 'V1MicroTime':
      return reference(`${meta}.MicroTime`)
    case 'IntOrString':
      return reference(intOrString)
    case 'any':
      return known ? reference(known.name) : { type: 'object' }
    default:
      return undefined
  }
}

/** The schemas of these types, with the comments that kubernetes-types has, or those that the client put in place of a field's own. */
export function wireTypes(models: readonly ClientModel[], documented: readonly DocumentedType[]): Record<string, OpenapiSchema> {
  const described = (name: string) => documented.find((type) => type.name === name)?.description ?? ''
  const port = models.find(({ name }) => name === 'V1ServicePort')?.fields.find(({ name }) => name === 'targetPort')
  const schemas: Record<string, OpenapiSchema> = {
    [intOrString]: {
      description: typeText(port?.description ?? '', undefined),
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    },
  }
  for (const [own, { name, schema }] of Object.entries(types)) {
    const description = described(own)
    schemas[name] = { ...(description && { description }), ...schema }
  }
  return schemas
}
