import type { Event } from 'kubernetes-types/core/v1'
import { expect, test } from 'vitest'
import { createApi } from './apiserver/registry/api.ts'
import { EventLoop, HeldTime } from './clock.ts'
import { eventRecorder } from './events.ts'
import type { KubeObject } from './kubernetes.ts'
import { Random } from './random.ts'
import { resources } from './resources/catalogue.ts'
import { Store } from './store/store.ts'

function world() {
  const time = new HeldTime(Date.UTC(2026, 0, 1))
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const user = { username: 'system:kube-scheduler', groups: ['system:masters'] }
  const store = new Store({ clock })
  const api = createApi({ store, definitions: resources, clock, random: new Random(1), serviceCidr: '10.96.0.0/16', user, admission: [] })
  api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default', uid: 'u1' } }
  const events = () => api.list<Event & KubeObject>('events').map(({ message, count }) => `${message} x${count}`)
  return { time, clock, api, pod, events }
}

test('the same event again raises its count, another is another', () => {
  const { api, clock, pod, events, time } = world()
  const recorder = eventRecorder(api, clock, 'default-scheduler')
  recorder.record(pod, 'Warning', 'FailedScheduling', 'no nodes')
  time.advance(1000)
  recorder.record(pod, 'Warning', 'FailedScheduling', 'no nodes')
  recorder.record(pod, 'Normal', 'Scheduled', 'assigned')
  expect(events()).toEqual(['no nodes x2', 'assigned x1'])
})

test('a recorder that starts anew goes on counting what its component said before, and nothing of others', () => {
  const { api, clock, pod, events } = world()
  eventRecorder(api, clock, 'default-scheduler').record(pod, 'Normal', 'Scheduled', 'assigned')
  eventRecorder(api, clock, 'default-scheduler').record(pod, 'Normal', 'Scheduled', 'assigned')
  eventRecorder(api, clock, 'another').record(pod, 'Normal', 'Scheduled', 'assigned')
  expect(events()).toEqual(['assigned x2', 'assigned x1'])
})

test('an event that somebody deleted is written again from one', () => {
  const { api, clock, pod, events } = world()
  const recorder = eventRecorder(api, clock, 'default-scheduler')
  recorder.record(pod, 'Normal', 'Scheduled', 'assigned')
  api.delete('events', 'default', api.list('events')[0]?.metadata?.name ?? '')
  recorder.record(pod, 'Normal', 'Scheduled', 'assigned')
  expect(events()).toEqual(['assigned x1'])
})
