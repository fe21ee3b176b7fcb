import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import * as k8s from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSimulatedEngine } from '../../server/engines/simulated/engine.ts'
import { Random } from '../../simulator/random.ts'
import { oneOf } from './bending.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? 7)
const folder = mkdtempSync(join(tmpdir(), 'faultline-sockets-'))
const defects: string[] = []
const engine = createSimulatedEngine({ folder, report: ({ what, error }) => defects.push(`${what}: ${String(error)}`) })
let server: URL
let identity: { cert: Buffer; key: Buffer }
let core: k8s.CoreV1Api

beforeAll(async () => {
  const cluster = await engine.create(
    'raw',
    { nodes: 1, cni: 'kindnet', kubernetes: '1.34', seed: 3 },
    () => {},
    new AbortController().signal,
  )
  const config = new k8s.KubeConfig()
  config.loadFromString(await cluster.kubeconfigText('learner'))
  server = new URL(config.getCurrentCluster()!.server)
  const { certData, keyData } = config.getCurrentUser()!
  identity = { cert: Buffer.from(certData!, 'base64'), key: Buffer.from(keyData!, 'base64') }
  core = config.makeApiClient(k8s.CoreV1Api)
})
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Writes the pieces, one after the other, and gives what came back until the server closed, or until `ms` passed. */
async function raw(pieces: readonly (string | Uint8Array)[], ms: number, gap = 0): Promise<string> {
  const socket: TLSSocket = connect({ host: server.hostname, port: Number(server.port), rejectUnauthorized: false, ...identity })
  let text = ''
  socket.on('data', (bytes) => (text += bytes.toString('latin1')))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve))
  for (const piece of pieces) {
    if (!socket.writable) break
    socket.write(piece)
    if (gap > 0) await new Promise((resolve) => setTimeout(resolve, gap))
  }
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    setTimeout(resolve, ms)
  })
  socket.destroy()
  return text
}

const head = (method: string, path: string, headers: Record<string, string> = {}) =>
  `${method} ${server.pathname}${path} HTTP/1.1\r\nhost: x\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`
const maps = '/api/v1/namespaces/default/configmaps'
const stillWorks = async () => expect((await core.listNamespace()).items.length).toBeGreaterThan(3)

it('takes a body that comes in drops', async () => {
  const body = JSON.stringify({ metadata: { name: 'slow' }, data: { a: 'b' } })
  const pieces = [
    head('POST', maps, { 'content-type': 'application/json', 'content-length': String(body.length), connection: 'close' }),
    ...body.match(/.{1,10}/g)!,
  ]
  expect(await raw(pieces, 5_000, 5)).toMatch(/^HTTP\/1\.1 201 /)
})

it('refuses a body beyond 3 MiB with 413, declared or not', async () => {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const pieces = [
    head('POST', maps, { 'content-type': 'application/json', 'transfer-encoding': 'chunked', connection: 'close' }),
    ...Array.from({ length: 60 }, () => chunk),
    '0\r\n\r\n',
  ]
  const answer = await raw(pieces, 3_000)
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toContain('"reason":"RequestEntityTooLarge"')
  await stillWorks()
})

it('lets go of half a request, and of a client that goes in the middle of a watch', async () => {
  await raw([head('POST', maps, { 'content-length': '100' }), '{"met'], 50)
  await raw([`GET ${server.pathname}/api/v1/po`], 50)
  for (let i = 0; i < 20; i++) expect(await raw([head('GET', `${maps}?watch=1`)], 30)).toMatch(/^(HTTP\/1\.1 200 |$)/)
  await stillWorks()
})

it('refuses upgrades to what nobody speaks, with a Status', async () => {
  const handshake = { connection: 'Upgrade', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }
  const exec = '/api/v1/namespaces/kube-system/pods/none/exec?command=ls&stdout=true'
  for (const upgrade of ['websocket', 'SPDY/3.1', 'nonsense', 'h2c']) {
    const answer = await raw([head('GET', exec, { ...handshake, upgrade, 'sec-websocket-protocol': 'bogus.example' })], 1_000)
    expect(answer, upgrade).toMatch(/^HTTP\/1\.1 4\d\d /)
  }
  expect(await raw([head('GET', maps, { ...handshake, upgrade: 'websocket' })], 1_000)).toMatch(/^HTTP\/1\.1 404 /)
  await stillWorks()
})

it(`survives 150 connections that speak nonsense (seed ${seed})`, async () => {
  const random = new Random(seed)
  for (let i = 0; i < 150; i += 15) {
    await Promise.all(
      Array.from({ length: 15 }, () => {
        const bytes = Uint8Array.from({ length: 1 + random.below(400) }, () => random.below(256))
        const whole = head(
          oneOf(random, ['GET', 'POST', 'PUT', 'TRACE', 'CONNECT', 'DELETE']),
          oneOf(random, [maps, '', '/%', '/..//..', `/${'a'.repeat(9_000)}`, '/api/v1/watch']),
          {
            [oneOf(random, ['content-length', 'transfer-encoding', 'accept', 'x-odd', 'expect'])]: oneOf(random, [
              '-1',
              '5',
              'chunked, chunked',
              '\u00ff',
              '100-continue',
              'x'.repeat(9_000),
            ]),
          },
        )
        return raw(
          [
            oneOf<string | Uint8Array>(random, [
              bytes,
              whole,
              whole.slice(0, random.below(whole.length)),
              `${whole}${'\u0000'.repeat(50)}`,
            ]),
          ],
          40,
        )
      }),
    )
  }
  await stillWorks()
  expect(defects).toEqual([])
})
