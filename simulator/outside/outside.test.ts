import { expect, test } from 'vitest'
import { EventLoop, HeldTime } from '../clock.ts'
import { fileTree, MemoryFiles } from '../memory-files.ts'
import { connect } from '../network/async.ts'
import { createNetwork, type Network } from '../network/network.ts'
import { query, resolve } from '../programs/resolver/resolver.ts'
import { Random } from '../random.ts'
import { buildOutside, serveOutside } from './outside.ts'

function world() {
  const time = new HeldTime(1_700_000_000_000)
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const random = new Random(3)
  const network = createNetwork({ clock, random })
  const segment = network.addSegment('kind')
  buildOutside(network, segment)
  const node = network.addMachine('lab-worker').root
  network.attach(node, segment, { address: '172.18.0.3/16', gateway: '172.18.0.1' })
  serveOutside(network, clock)
  const files = new MemoryFiles({
    now: () => clock.now(),
    base: fileTree({ '/etc/resolv.conf': { content: 'nameserver 172.18.0.1\noptions ndots:0\n' } }, 0),
  })
  const place = (of: Network = network) => ({ sockets: of.machine('lab-worker')!.root.sockets, files, clock, random })
  const pass = (ms: number) => time.pass(ms, () => new Promise((done) => setImmediate(done)))
  return { network, clock, random, place, pass }
}

test('public names by way of the router, machines of the segment by itself', async () => {
  const { place } = world()
  expect(await resolve(place(), 'example.com')).toEqual({ addresses: ['203.0.113.80'], canonical: 'example.com' })
  expect(await resolve(place(), 'lab-worker')).toEqual({ addresses: ['172.18.0.3'], canonical: 'lab-worker' })
  expect(await resolve(place(), 'nobody.example.com')).toEqual({ failure: 'not-found' })
})

test('cluster names do not exist out there, and the root says so', async () => {
  const { place } = world()
  const outcome = await query(place(), { name: 'kubernetes.default.svc.cluster.local', type: 'A', server: '8.8.8.8', timeoutMs: 1000 })
  if (!('message' in outcome)) throw new Error('no answer')
  expect(outcome.message.rcode).toBe('NXDOMAIN')
  expect(outcome.message.authorities[0]).toMatchObject({ name: '.', type: 'SOA' })
})

test('the web server answers what the router masquerades, and the rest of the Internet is silent', async () => {
  const { network, place, clock, pass } = world()
  const node = network.machine('lab-worker')!.root
  const connection = await connect(node.sockets, { address: '203.0.113.80', port: 80 }, { clock })
  expect(
    network
      .machine('web-host')!
      .root.table.entries()
      .find(({ state }) => state === 'ESTAB')?.remote?.address,
  ).toBe('198.51.100.2')
  connection.close()
  const silent = query(place(), { name: 'example.com', type: 'A', server: '192.0.2.1', timeoutMs: 2000 })
  await pass(2100)
  expect(await silent).toEqual({ server: '192.0.2.1', timeout: true })
})

test('a router that is cut off answers SERVFAIL after its patience', async () => {
  const { network, place, pass } = world()
  network.segment('uplink')!.down = true
  const asked = query(place(), { name: 'example.com', type: 'A', timeoutMs: 5000 })
  await pass(4500)
  const outcome = await asked
  expect('message' in outcome && outcome.message.rcode).toBe('SERVFAIL')
})

test('is what it was after a restore', async () => {
  const { network, clock, random, place } = world()
  const copy = createNetwork({ clock, random })
  copy.restore(network.snapshot())
  serveOutside(copy, clock)
  expect(await resolve(place(copy), 'www.kubernetes.io')).toEqual({ addresses: ['203.0.113.80'], canonical: 'www.kubernetes.io' })
})
