import { describe, expect, test } from 'vitest'
import { NetworkError } from '../../network/sockets.ts'
import { stage } from '../testing/stage.ts'
import { glibcCandidates, muslCandidates, query, resolve } from './resolver.ts'

const search = ['default.svc.cluster.local', 'cluster.local']

test('the names that are tried, in order', () => {
  expect(glibcCandidates('web', { search, ndots: 5 })).toEqual(['web.default.svc.cluster.local.', 'web.cluster.local.', 'web.'])
  expect(glibcCandidates('a.b.c', { search, ndots: 1 })).toEqual(['a.b.c.', 'a.b.c.default.svc.cluster.local.', 'a.b.c.cluster.local.'])
  expect(muslCandidates('a.b.c', { search, ndots: 1 })).toEqual(['a.b.c.'])
  expect(muslCandidates('web.', { search, ndots: 5 })).toEqual(['web.'])
})

function place(set: ReturnType<typeof stage>, extra: Record<string, string> = {}, dialect: 'gnu' | 'busybox' = 'gnu') {
  return { sockets: set.client.sockets, files: set.files(dialect, extra), clock: set.net.loop, random: set.net.network.random }
}
const turn = () => new Promise<void>((done) => setImmediate(done))

describe('resolve', () => {
  test('hosts file, then the search list', async () => {
    const set = stage({ 'web.default.svc.cluster.local.': '10.96.1.2' })
    expect(await resolve(place(set, { '/etc/hosts': '10.0.0.9 db db.lab # old\n' }), 'DB')).toEqual({
      addresses: ['10.0.0.9'],
      canonical: 'DB',
    })
    expect(await resolve(place(set), 'web')).toEqual({ addresses: ['10.96.1.2'], canonical: 'web.default.svc.cluster.local' })
    expect(set.asked).toEqual(['A web.default.svc.cluster.local.', 'AAAA web.default.svc.cluster.local.'])
    expect(await resolve(place(set), 'nobody')).toEqual({ failure: 'not-found' })
    expect(set.asked.filter((question) => question.startsWith('A nobody'))).toHaveLength(4)
  })

  test('silence: glibc tries twice five seconds, musl five in all', async () => {
    for (const [dialect, patience] of [
      ['gnu', 10_000],
      ['busybox', 5000],
    ] as const) {
      const set = stage()
      set.net.nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.53', target: { target: 'DROP' } })
      const began = set.net.loop.now()
      const asked = resolve(place(set, {}, dialect), 'web').then((found) => ({ found, took: set.net.loop.now() - began }))
      await set.net.time.pass(12_000, turn)
      expect(await asked).toEqual({ found: { failure: 'try-again' }, took: patience })
    }
  })

  test('glibc asks the second server only when the first is silent, musl both at once', async () => {
    for (const [dialect, took] of [
      ['gnu', 5000],
      ['busybox', 0],
    ] as const) {
      const set = stage({ 'web.': '10.96.1.2' })
      const conf = 'nameserver 10.244.1.99\nnameserver 10.244.1.53\n'
      set.net.nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.99', target: { target: 'DROP' } })
      const began = set.net.loop.now()
      const asked = resolve(place(set, { '/etc/resolv.conf': conf }, dialect), 'web.').then((found) => ({
        found,
        took: set.net.loop.now() - began,
      }))
      await set.net.time.pass(6000, turn)
      expect(await asked).toMatchObject({ found: { addresses: ['10.96.1.2'] }, took })
    }
  })
})

test('query tells an answer, silence and a refusal apart', async () => {
  const set = stage({ 'web.': '10.96.1.2' })
  expect(await query(place(set), { name: 'web', type: 'A', timeoutMs: 1000 })).toMatchObject({
    server: '10.244.1.53',
    message: { rcode: 'NOERROR' },
    protocol: 'udp',
  })
  expect(await query(place(set), { name: 'web', type: 'A', timeoutMs: 1000, tcp: true })).toMatchObject({ protocol: 'tcp' })
  const refused = await query(place(set), { name: 'web', type: 'A', server: '10.244.1.8', timeoutMs: 1000 })
  expect('refused' in refused && refused.refused).toBeInstanceOf(NetworkError)
})
