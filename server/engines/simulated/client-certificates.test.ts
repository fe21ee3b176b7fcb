import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Certificates, certificatesIn } from './certificates.ts'
import { clientCredentials } from './client-certificates.ts'
import { listen } from './listener.ts'

let folder: string
let certificates: Certificates
let listener: Awaited<ReturnType<typeof listen>>
/** What the thread was told of the other end. */
let peers: unknown[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faultline-clients-'))
  certificates = await certificatesIn(folder)
  // A thread that notes the peer and has nothing to say.
  const thread = {
    open(message: { request: { peer: unknown } }, receive: (message: unknown) => void) {
      peers.push(message.request.peer)
      queueMicrotask(() => {
        receive({ kind: 'head', status: 200, headers: [] })
        receive({ kind: 'done' })
      })
      return { send: () => {}, close: () => {} }
    },
  }
  listener = await listen(certificates, '127.0.0.1', 0, () => ({ thread: thread as never }))
})

afterAll(async () => {
  await listener.close()
  await rm(folder, { recursive: true })
})

async function peerSeen(cluster: string, credentials?: { certificate: string; key: string }): Promise<any> {
  peers = []
  await new Promise<void>((resolve, reject) => {
    const options = {
      port: listener.port,
      host: '127.0.0.1',
      path: `/clusters/${cluster}/api`,
      ca: certificates.authority,
      agent: false as const,
      ...(credentials && { cert: credentials.certificate, key: credentials.key }),
    }
    request(options, (response) => response.resume().on('end', resolve))
      .on('error', reject)
      .end()
  })
  return (peers[0] as { certificate?: unknown }).certificate
}

const jane = { commonName: 'jane', organization: 'dev' }

test('a certificate names its user to its own cluster and is nothing to any other', async () => {
  const own = await clientCredentials(certificates.clients, 'one', jane)
  expect(await peerSeen('one', own)).toEqual({
    commonName: 'jane',
    organizations: ['dev'],
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(await peerSeen('two', own)).toEqual({ invalid: 'x509: certificate signed by unknown authority' })
  expect(await peerSeen('one')).toBeUndefined()
})

test('another authority counts for nothing, even with the same name', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'faultline-clients-'))
  const { clients } = await certificatesIn(elsewhere)
  await rm(elsewhere, { recursive: true })
  expect(await peerSeen('one', await clientCredentials(clients, 'one', jane))).toEqual({
    invalid: 'x509: certificate signed by unknown authority',
  })
})

test('a certificate ends with its time', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * 365 * 24 * 3600 * 1000 })
  const old = await clientCredentials(certificates.clients, 'one', jane)
  vi.useRealTimers()
  expect(await peerSeen('one', old)).toEqual({ invalid: 'x509: certificate has expired or is not yet valid' })
})

test('a folder from before clients had certificates keeps what was handed out, and gets an authority for clients', async () => {
  const old = await mkdtemp(join(tmpdir(), 'faultline-clients-'))
  const { clients: _none, ...before } = certificates
  await writeFile(join(old, 'certificates.json'), JSON.stringify(before))
  const after = await certificatesIn(old)
  expect(after.certificate).toBe(before.certificate)
  expect(after.authority).toBe(`${before.authority.trimEnd()}\n${after.clients.certificate}`)
  expect(JSON.parse(await readFile(join(old, 'certificates.json'), 'utf8'))).toEqual(after)
  await rm(old, { recursive: true })
})
