import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describes, referencesOf } from '../../simulator/apiserver/openapi/schema.ts'
import { resources } from '../../simulator/resources/catalogue.ts'
import { cachedSchemas, openapiSchemas } from './cache.ts'
import { kubernetesSchemas } from './schemas.ts'

const { schemas } = openapiSchemas()
const core = (name: string) => schemas[`io.k8s.api.core.v1.${name}`]!
const field = (type: string, name: string) => core(type).properties![name]!

describe('the schemas of the installed client library', () => {
  it('refer to schemas that exist', () => {
    const lost = Object.entries(schemas).flatMap(([name, schema]) =>
      referencesOf(schema)
        .filter((reference) => !schemas[reference])
        .map((reference) => `${name} → ${reference}`),
    )
    expect(lost).toEqual([])
    expect(Object.keys(schemas).length).toBeGreaterThan(600)
  })

  it('describe every kind that is served, once, and its list', () => {
    for (const { group, version, kind } of resources) {
      for (const wanted of [kind, `${kind}List`]) {
        const found = Object.values(schemas).filter((schema) => describes(schema, { group, version, kind: wanted }))
        expect(found, `${group}/${version} ${wanted}`).toHaveLength(1)
      }
    }
  })

  it('have something to say of nearly every field that is served', () => {
    const silent = ['core', 'apps', 'batch', 'networking', 'discovery', 'rbac', 'policy', 'storage'].flatMap((folder) =>
      Object.entries(schemas)
        .filter(([name]) => name.startsWith(`io.k8s.api.${folder}.v1.`))
        .flatMap(([name, { properties = {} }]) =>
          Object.keys(properties)
            .filter((one) => !properties[one]!.description)
            .map((one) => `${name}.${one}`),
        ),
    )
    // Fields of other types that came after v1.30, whose texts no installed package has.
    expect(silent.length).toBeLessThan(25)
  })

  it('say of well-known fields what upstream says', () => {
    expect(core('Container').required).toEqual(['name'])
    expect(core('ServicePort').required).toEqual(['port'])
    expect(field('ServicePort', 'port')).toMatchObject({ type: 'integer', format: 'int32' })
    expect(field('ServicePort', 'protocol')).toMatchObject({ type: 'string', enum: ['SCTP', 'TCP', 'UDP'] })
    // The client library puts the text of the type in this one's place.
    expect(field('ServicePort', 'targetPort').description).toMatch(/^Number or name of the port to access on the pods/)
    expect(field('ServicePort', 'targetPort').allOf![0]!.$ref).toMatch(/IntOrString$/)
    expect(field('ServicePort', 'appProtocol').description).toContain(`either:\n\n* Un-prefixed`)
    expect(field('Secret', 'data')).toMatchObject({ type: 'object', additionalProperties: { type: 'string', format: 'byte' } })
    expect(referencesOf(field('ResourceRequirements', 'limits'))).toEqual(['io.k8s.apimachinery.pkg.api.resource.Quantity'])
    expect(referencesOf(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']!.properties!['creationTimestamp']!)).toEqual([
      'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
    ])
    // Names that the classes write otherwise, and quotes that their comments escape.
    expect(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta']!.properties).toHaveProperty('continue')
    const rules = schemas['io.k8s.api.rbac.v1.PolicyRule']!.properties!
    expect(rules['apiGroups']!.description).toContain('"" represents the core API group and "*" represents all API groups')
    const operations = schemas['io.k8s.api.admissionregistration.v1.RuleWithOperations']!.properties!
    expect(operations['resources']!.description).toContain("'*/scale' means all scale subresources")
  })

  it('tell clients how lists merge', () => {
    expect(field('Container', 'ports')).toMatchObject({
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-merge-key': 'containerPort',
      'x-kubernetes-patch-strategy': 'merge',
    })
    expect(field('PodSpec', 'volumes')['x-kubernetes-patch-strategy']).toBe('merge,retainKeys')
    expect(field('PodSpec', 'tolerations')).toMatchObject({ 'x-kubernetes-list-type': 'atomic' })
    expect(field('ServiceSpec', 'selector')['x-kubernetes-map-type']).toBe('atomic')
    expect(core('LocalObjectReference')['x-kubernetes-map-type']).toBe('atomic')
    const strategy = schemas['io.k8s.api.apps.v1.DeploymentSpec']!.properties!['strategy']!
    expect(strategy['x-kubernetes-patch-strategy']).toBe('retainKeys')
  })
})

it('the cache holds what the generator makes, and no half of it', () => {
  expect(JSON.parse(cachedSchemas()).schemas).toEqual(JSON.parse(JSON.stringify(kubernetesSchemas())))
  const folder = new URL('../../dist/openapi/', import.meta.url)
  if (existsSync(folder)) expect(readdirSync(folder)).toContain(`${openapiSchemas().version}.json`)
})
