import { expect, it } from 'vitest'
import { created, row } from '../testing.ts'
import { replicationcontrollers } from './replicationcontroller.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] } }

it('takes selector and labels from its template', () => {
  const { object, errors } = created(replicationcontrollers, { spec: { template } })
  expect(errors).toEqual([])
  expect(object).toMatchObject({
    metadata: { labels: { app: 'web' } },
    spec: { replicas: 1, selector: { app: 'web' }, template: { spec: { restartPolicy: 'Always' } } },
  })
  expect(replicationcontrollers.defaults!(object, undefined as never)).toBe(object)
})

it.each<[object, string[]]>([
  [{}, ['spec.selector: Required value', 'spec.template: Required value']],
  [{ replicas: -1, template }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
  [
    { selector: { app: 'db' }, template },
    ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
  ],
  [
    { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 5 } } },
    [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported',
    ],
  ],
])('refuses %j', (spec, sentences) => {
  expect(created(replicationcontrollers, { spec }).errors).toEqual(sentences)
})

it('shows what a ReplicaSet shows', () => {
  const { object } = created(replicationcontrollers, { spec: { replicas: 3, template } })
  const shown = row(replicationcontrollers, { ...object, status: { replicas: 2, readyReplicas: 1 } }, true)
  expect(shown).toMatchObject({ Desired: 3, Current: 2, Ready: 1, Containers: 'web', Images: 'nginx:1.27', Selector: 'app=web' })
})
