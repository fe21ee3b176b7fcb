import { expect, it } from 'vitest'
import { type OpenapiSchema, referencePrefix } from '../../simulator/apiserver/openapi/schema.ts'
import { kinds, messages } from '../../simulator/apiserver/protobuf/messages.ts'
import { messageFields, type WireField } from '../../simulator/apiserver/protobuf/wire-types.ts'
import { openapiSchemas } from './cache.ts'

const { schemas } = openapiSchemas()

/** Fields that strict decoding knows and the documents do not: they came after v1.34, which the client library is of. */
const younger: readonly string[] = [
  'authentication.TokenRequestSpec.attestations',
  'autoscaling2.HorizontalPodAutoscalerCondition.observedGeneration',
  'batch.JobSpec.scheduling',
  'core.ClusterTrustBundleProjection.user',
  'core.ConfigMapVolumeSource.defaultUser',
  'core.DownwardAPIVolumeFile.user',
  'core.DownwardAPIVolumeSource.defaultUser',
  'core.EmptyDirVolumeSource.mode',
  'core.GRPCAction.mode',
  'core.HTTPGetAction.protocol',
  'core.KeyToPath.user',
  'core.NodeSpec.podPreemptionPolicy',
  'core.NodeStatus.declaredFeatures',
  'core.PersistentVolumeClaimStatus.healthStatus',
  'core.PodCertificateProjection.user',
  'core.PodCertificateProjection.userAnnotations',
  'core.PodSpec.evictionResponders',
  'core.PodSpec.schedulingGroup',
  'core.PodStatus.allocatedResources',
  'core.PodStatus.nodeAllocatableResourceClaimStatuses',
  'core.PodStatus.resources',
  'core.PodStatus.volumeHealth',
  'core.ProjectedVolumeSource.defaultUser',
  'core.ResourceHealth.message',
  'core.SecretVolumeSource.defaultUser',
  'core.ServiceAccountTokenProjection.user',
  'core.VolumeMount.bindMountOptions',
  'core.VolumeMountStatus.volumeStatus',
]

it('the documents and strict decoding know the same fields, with the same types', () => {
  const differences: string[] = []
  const compared = new Set<string>()
  for (const message of Object.values(kinds)) compare(message)

  expect(compared.size).toBeGreaterThan(300)
  expect(differences.sort()).toEqual([...younger].sort())

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
