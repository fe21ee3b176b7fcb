import type { Schema } from '../../resources/schema/schema.ts'

/** Where OpenAPI documents keep the schema of every object's metadata. */
export const objectMetaName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

const typeFields = {
  apiVersion: { type: 'string', description: 'Group and version of the API that this representation of the object follows.' },
  kind: { type: 'string', description: 'What the object is: the name of its type, in CamelCase.' },
}

/** The schema of a custom kind as OpenAPI v3 tells it: its definition's, with the fields that every object has (pkg/controller/openapi/builder). */
export function publishedSchema(schema: Schema): Readonly<Record<string, unknown>> {
  const metadata = { description: "Standard object's metadata.", allOf: [{ $ref: `#/components/schemas/${objectMetaName}` }], default: {} }
  return {
    ...schema,
    // A kind that takes anything says nothing of its fields, lest clients think that there are no others.
    ...(schema.properties && { properties: { ...schema.properties, ...typeFields, metadata } }),
  }
}
