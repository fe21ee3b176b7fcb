import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventLoop, HeldTime } from '../clock.ts'
import type { KubeObject } from '../kubernetes.ts'
import { Store, type StoreEvent } from './store.ts'

const loop = () =>
  new EventLoop(new HeldTime(0), (error) => {
    throw error
  })

type Write = { kind: 'put' | 'remove'; namespace: string; name: string; value: number }
const writes = fc.array(
  fc.record({
    kind: fc.constantFrom('put' as const, 'put' as const, 'remove' as const),
    namespace: fc.constantFrom('a', 'a-b', 'b'),
    name: fc.constantFrom('x', 'y', 'z'),
    value: fc.nat(9),
  }),
  { maxLength: 60 },
)
const apply = (store: Store, { kind, namespace, name, value }: Write) => {
  if (kind === 'put') store.put('pods', { metadata: { namespace, name }, value })
  else store.remove('pods', namespace, name)
}
const names = (objects: readonly KubeObject[]) => objects.map((object) => `${object.metadata!.namespace}/${object.metadata!.name}`)

describe('store', () => {
  it('lists in the order of etcd keys', () => {
    const store = new Store({ clock: loop() })
    for (const namespace of ['a', 'a-b', 'b']) store.put('pods', { metadata: { namespace, name: 'x' } })
    expect(names(store.list('pods'))).toEqual(['a-b/x', 'a/x', 'b/x'])
  })

  it('gives, from any revision, exactly the later events, and they rebuild the state', () => {
    fc.assert(
      fc.property(writes, fc.nat(60), (all, cut) => {
        const clock = loop()
        const store = new Store({ clock })
        for (const write of all.slice(0, cut)) apply(store, write)
        const from = store.revision
        const before = store.list('pods')
        const live: StoreEvent[] = []
        store.subscribe('pods', (event) => live.push(event))
        for (const write of all.slice(cut)) apply(store, write)
        expect(live).toEqual([])
        clock.settle()
        expect(store.since('pods', from)).toEqual(live)
        expect(live.map((event) => event.revision)).toEqual(live.map((_, i) => from + 1 + i))

        const state = new Map(before.map((object) => [`${object.metadata!.namespace}/${object.metadata!.name}`, object]))
        for (const { type, object } of live) {
          const key = `${object.metadata!.namespace}/${object.metadata!.name}`
          if (type === 'DELETED') state.delete(key)
          else state.set(key, object)
        }
        expect([...state.keys()].sort()).toEqual(names(store.list('pods')).sort())
        expect(store.listAt('pods', undefined, from)).toEqual(before)
      }),
      { numRuns: 100 },
    )
  })

  it('forgets beyond its history and says so', () => {
    const store = new Store({ clock: loop(), history: 5 })
    for (let i = 0; i < 30; i++) store.put('pods', { metadata: { namespace: 'a', name: `p${i}` } })
    expect(store.since('pods', 1)).toBeUndefined()
    expect(store.since('pods', store.revision - 5)).toHaveLength(5)
    expect(store.compacted).toBeGreaterThan(1)
  })

  it('takes no more than its quota, and again once there is room', () => {
    const store = new Store({ clock: loop(), quotaBytes: 10_000 })
    const put = (name: string, size: number) =>
      store.put('configmaps', { metadata: { namespace: 'a', name }, data: { text: 'x'.repeat(size) } })
    put('one', 4_000)
    put('two', 4_000)
    const full = 'etcdserver: mvcc: database space exceeded'
    const before = store.snapshot()
    expect(() => put('three', 4_000)).toThrow(full)
    expect(() => put('one', 7_000)).toThrow(full)
    expect(store.snapshot()).toEqual(before)
    put('one', 100)
    put('three', 4_000)
    store.remove('configmaps', 'a', 'two')
    put('four', 4_000)
    expect(() =>
      new Store({ clock: loop(), quotaBytes: 10_000 }, store.snapshot()).put('configmaps', {
        metadata: { name: 'x' },
        data: { text: 'x'.repeat(4_000) },
      }),
    ).toThrow(full)
  })

  it('counts exactly what it holds, whatever was written before', () => {
    fc.assert(
      fc.property(writes, (all) => {
        const store = new Store({ clock: loop() })
        for (const write of all) apply(store, write)
        const { bytes: _counted, ...uncounted } = store.snapshot()
        expect(new Store({ clock: loop() }, uncounted).snapshot().bytes).toBe(store.snapshot().bytes)
      }),
    )
  })

  it('refuses what one request may not carry', () => {
    const store = new Store({ clock: loop() })
    const put = (size: number) => store.put('configmaps', { metadata: { name: 'large' }, data: { text: 'x'.repeat(size) } })
    put(1_500_000)
    expect(() => put(1_600_000)).toThrow('etcdserver: request is too large')
    expect(() => put(2_200_000)).toThrow(
      /^rpc error: code = ResourceExhausted desc = trying to send message larger than max \(22000\d\d vs\. 2097152\)$/,
    )
  })

  it('keeps no more of the past than its quota', () => {
    const store = new Store({ clock: loop(), quotaBytes: 100_000 })
    for (let i = 0; i < 200; i++) store.put('configmaps', { metadata: { name: 'one' }, data: { text: 'x'.repeat(4_000) } })
    expect(store.since('configmaps', store.revision - 5)).toHaveLength(5)
    expect(store.since('configmaps', store.revision - 50)).toBeUndefined()
  })

  it('does not deliver to a closed subscriber, even what was already queued', () => {
    const clock = loop()
    const store = new Store({ clock })
    const seen: string[] = []
    const subscription = store.subscribe('pods', (event) => seen.push(event.type))
    store.put('pods', { metadata: { namespace: 'a', name: 'x' } })
    subscription.close()
    clock.settle()
    expect(seen).toEqual([])
  })

  it('restores to the same state and the same future, without touching its source', () => {
    fc.assert(
      fc.property(writes, writes, (past, future) => {
        const store = new Store({ clock: loop() })
        for (const write of past) apply(store, write)
        const snapshot = store.snapshot()
        const fork = new Store({ clock: loop() }, snapshot)
        expect(fork.list('pods')).toEqual(store.list('pods'))
        const asJson = JSON.stringify(snapshot)
        for (const write of future) {
          apply(store, write)
          apply(fork, write)
        }
        expect(fork.snapshot()).toEqual(store.snapshot())
        expect(JSON.stringify(snapshot)).toBe(asJson)
      }),
      { numRuns: 60 },
    )
  })

  it('shares objects between forks and bumps its counter on a rewind', () => {
    const store = new Store({ clock: loop() })
    const pod = store.put('pods', { metadata: { namespace: 'a', name: 'x' } })
    const snapshot = store.snapshot()
    expect(new Store({ clock: loop() }, snapshot).get('pods', 'a', 'x')).toBe(pod)
    store.restore(snapshot, 100)
    expect(store.revision).toBe(100)
    expect(store.since('pods', 99)).toBeUndefined()
    expect(store.since('pods', 100)).toEqual([])
  })
})
