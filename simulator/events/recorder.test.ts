import type { Event } from 'kubernetes-types/core/v1'
import { expect, it } from 'vitest'
import { controllerBench } from '../controllers/testing.ts'
import type { KubeObject } from '../kubernetes.ts'
import type { EventMemory } from './correlator.ts'
import { eventRecorder } from './recorder.ts'

type EventObject = Event & KubeObject

function speaker(memory: EventMemory = {}) {
  const bench = controllerBench([])
  const clock = { now: () => bench.time.now() } as Parameters<typeof eventRecorder>[1]
  const recorder = (kept = memory) => eventRecorder(bench.api, clock, { component: 'test-controller' }, kept)
  const about = bench.api.create('configmaps', { metadata: { name: 'thing', namespace: 'default' } })
  const events = () => bench.api.list<EventObject>('events', { namespace: 'default' })
  return { ...bench, recorder, about, events, memory }
}

it('counts the same event, and writes it anew when it has expired', () => {
  const { recorder, about, events, api, time } = speaker()
  const events_ = recorder()
  for (let said = 0; said < 3; said++) {
    events_.record(about, 'Warning', 'Bad', 'it broke')
    time.advance(1000)
  }
  expect(events()).toHaveLength(1)
  const [event] = events()
  expect(event).toMatchObject({ count: 3, source: { component: 'test-controller' }, involvedObject: { kind: 'ConfigMap', name: 'thing' } })
  expect(Date.parse(event!.lastTimestamp as string) - Date.parse(event!.firstTimestamp as string)).toBe(2000)
  api.delete('events', 'default', event!.metadata!.name!)
  events_.record(about, 'Warning', 'Bad', 'it broke')
  expect(events()[0]).toMatchObject({ count: 4, firstTimestamp: event!.firstTimestamp })
})

it('names what falls into one moment one after the other, and asks for no name that it gave before', () => {
  const { recorder, about, events, memory, api, time } = speaker()
  const asked: string[] = []
  const { create } = api
  const spied = (...[resource, object]: Parameters<typeof create>) => {
    asked.push(object.metadata?.name ?? '')
    return create(resource, object)
  }
  api.create = spied as typeof create
  recorder().record(about, 'Normal', 'Scheduled', 'one')
  recorder(JSON.parse(JSON.stringify(memory))).record(about, 'Normal', 'Pulled', 'two')
  const another = recorder({})
  another.record(about, 'Normal', 'Created', 'three')
  another.record(about, 'Normal', 'Started', 'four')
  const base = BigInt(time.now()) * 1_000_000n
  const name = (offset: bigint) => `thing.${(base + offset).toString(16)}`
  expect(events().map(({ metadata }) => metadata?.name)).toEqual([0n, 1n, 2n, 3n].map(name))
  // Another recorder's names it finds out.
  expect(asked).toEqual([0n, 1n, 0n, 1n, 2n, 3n].map(name))
})

it('combines similar events from the tenth message on', () => {
  const { recorder, about, events } = speaker()
  const recording = recorder()
  for (let pod = 0; pod < 12; pod++) recording.record(about, 'Normal', 'SuccessfulCreate', `Created pod: web-${pod}`)
  const combined = events().filter(({ message }) => message?.startsWith('(combined from similar events): '))
  expect(events()).toHaveLength(10)
  expect(combined).toHaveLength(1)
  expect(combined[0]).toMatchObject({ count: 3, message: '(combined from similar events): Created pod: web-11' })
})

it('does not combine what is ten minutes apart', () => {
  const { recorder, about, events, time } = speaker()
  const recording = recorder()
  for (let pod = 0; pod < 12; pod++) {
    recording.record(about, 'Normal', 'SuccessfulCreate', `Created pod: web-${pod}`)
    time.advance(600_001)
  }
  expect(events().some(({ message }) => message?.startsWith('(combined'))).toBe(false)
})

it('holds back a source after 25 events about one object, one more each five minutes; a restore does not forget that', () => {
  const { recorder, about, events, memory, time } = speaker()
  for (let said = 0; said < 40; said++) recorder().record(about, 'Warning', 'Bad', 'it broke')
  expect(events()[0]?.count).toBe(25)
  const kept = recorder(JSON.parse(JSON.stringify(memory)))
  kept.record(about, 'Warning', 'Bad', 'it broke')
  expect(events()[0]?.count).toBe(25)
  time.advance(300_000)
  kept.record(about, 'Warning', 'Bad', 'it broke')
  // What was held back was counted all the same.
  expect(events()[0]?.count).toBe(42)
})

it('drops what the server refuses', () => {
  const { recorder, about } = speaker()
  const gone = { ...about, metadata: { ...about.metadata, namespace: 'gone' } }
  expect(() => recorder().record(gone, 'Normal', 'Said', 'nothing')).not.toThrow()
})
