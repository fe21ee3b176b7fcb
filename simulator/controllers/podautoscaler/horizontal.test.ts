import { describe, expect, it } from 'vitest'
import { looseDefinition, widget, widgetDefinition } from '../../apiserver/extensions/testing/widgets.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { customResourceDefinitionControllers } from '../customresourcedefinition/controllers.ts'
import { controllerBench, deployment } from '../testing.ts'
import { podAutoscaler } from './horizontal.ts'

const resource = 'horizontalpodautoscalers.autoscaling'
const crds = 'customresourcedefinitions.apiextensions.k8s.io'

function bench() {
  const made = controllerBench([podAutoscaler, ...customResourceDefinitionControllers])
  const autoscale = (apiVersion: string, kind: string, name: string) => {
    made.api.create(resource, {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name, namespace: 'default' },
      spec: { scaleTargetRef: { apiVersion, kind, name }, maxReplicas: 2 },
    })
    made.settle()
    made.time.advance(15_000)
    made.settle()
    const { status } = made.api.get<any>(resource, 'default', name)
    const events = made.api.list<any>('events').filter(({ involvedObject }) => involvedObject.name === name)
    return {
      ableToScale: status.conditions.find(({ type }: any) => type === 'AbleToScale'),
      events: events.map((event) => `${event.type} ${event.reason} ${event.message}`),
    }
  }
  return { ...made, autoscale }
}

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } }
const workloads: [resource: string, object: KubeObject][] = [
  ['deployments.apps', deployment('web', { replicas: 3 })],
  ...(
    [
      ['replicasets.apps', 'apps/v1', 'ReplicaSet', { matchLabels: { app: 'a' } }],
      ['statefulsets.apps', 'apps/v1', 'StatefulSet', { matchLabels: { app: 'a' } }],
      ['replicationcontrollers', 'v1', 'ReplicationController', { app: 'a' }],
    ] as const
  ).map(([plural, apiVersion, kind, selector]): [string, KubeObject] => [
    plural,
    { apiVersion, kind, metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 3, selector, template, serviceName: 'web' } },
  ]),
  ['widgets.example.com', widget('web', { replicas: 3 })],
]

describe('scales through the scale subresource', () => {
  it.each(workloads)('of %s', (plural, object) => {
    const { api, autoscale, settle, defects } = bench()
    api.create(crds, widgetDefinition)
    settle()
    const { spec, ...made } = object
    if (plural !== 'statefulsets.apps') delete (spec as { serviceName?: string }).serviceName
    api.create(plural, { ...made, spec })
    const { ableToScale, events } = autoscale(object.apiVersion!, object.kind!, 'web')
    expect(ableToScale).toMatchObject({ status: 'True', reason: 'SucceededRescale' })
    expect(events).toEqual(['Normal SuccessfulRescale New size: 2; reason: Current number of replicas above Spec.MaxReplicas'])
    const after = api.get<any>(plural, 'default', 'web')
    expect(after).toMatchObject({ spec: { replicas: 2 }, metadata: { generation: 2 } })
    const [byScale, ...others] = after.metadata.managedFields
    expect(byScale).toEqual({
      manager: 'admin',
      operation: 'Update',
      apiVersion: object.apiVersion,
      subresource: 'scale',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
    })
    for (const { fieldsV1 } of others) expect(fieldsV1['f:spec']).not.toHaveProperty('f:replicas')
    expect(defects).toEqual([])
  })

  it('and says what it cannot read', () => {
    const { api, autoscale, settle } = bench()
    api.create(crds, looseDefinition('gadgets', 'Gadget'))
    settle()
    api.create('gadgets.example.com', { metadata: { name: 'gadget', namespace: 'default' } })
    api.create('daemonsets.apps', {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent', namespace: 'default' },
      spec: { selector: { matchLabels: { app: 'a' } }, template },
    })
    const said = (apiVersion: string, kind: string, name: string, problem: string) => {
      const { ableToScale, events } = autoscale(apiVersion, kind, name)
      const message = `the HPA controller was unable to get the target's current scale: ${problem}`
      expect(ableToScale).toMatchObject({ status: 'False', reason: 'FailedGetScale', message })
      expect(events).toEqual([`Warning FailedGetScale ${problem}`])
    }
    said('apps/v1', 'Deployment', 'missing', 'deployments.apps "missing" not found')
    said('', 'Deployment', 'groupless', 'no matches for kind "Deployment" in group ""')
    said('example.com/v1', 'Gadget', 'gadget', 'gadgets.example.com "gadget" not found')
    said('apps/v1', 'DaemonSet', 'agent', 'the server could not find the requested resource (get daemonsets agent)')
  })

  it('gives the replicas to nobody when there are to be none', () => {
    const { api } = bench()
    api.create('deployments.apps', deployment('web', { replicas: 3 }))
    const scale = api.scale('deployments.apps', 'default', 'web')
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 3 }, status: { replicas: 0, selector: 'app=web' } })
    api.updateScale('deployments.apps', { ...scale, spec: {} })
    const none = api.get<any>('deployments.apps', 'default', 'web')
    expect(none.spec.replicas).toBe(0)
    expect(none.metadata.managedFields.filter(({ fieldsV1 }: any) => 'f:replicas' in (fieldsV1['f:spec'] ?? {}))).toEqual([])
    expect(() => api.updateScale('deployments.apps', scale)).toThrow('the object has been modified')
  })
})
