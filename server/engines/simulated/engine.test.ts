import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { CoreV1Api } from '@kubernetes/client-node'
import { afterAll, expect, it, vi } from 'vitest'
import { describeEngine } from '../contract.ts'
import type { ClusterSpec } from '../engine.ts'
import { createSimulatedEngine } from './engine.ts'
import type { ClusterThread } from './thread.ts'

const folder = mkdtempSync(join(tmpdir(), 'faultline-engine-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const spec: ClusterSpec = { nodes: 1, cni: 'kindnet', kubernetes: '1.34', seed: 1 }
const silent = new AbortController().signal

describeEngine('simulated', () => createSimulatedEngine({ folder: join(folder, 'contract') }), { patience: 30_000 })
describeEngine('simulated, with Calico', () => createSimulatedEngine({ folder: join(folder, 'contract-calico') }), {
  spec: { nodes: 2, cni: 'calico', kubernetes: '1.34', seed: 1 },
  patience: 30_000,
})

it('brings clusters back from their last snapshot when their thread dies', async () => {
  const threads: ClusterThread[] = []
  const problems: string[] = []
  const engine = createSimulatedEngine({
    folder: join(folder, 'death'),
    onThread: (thread) => threads.push(thread),
    report: ({ what }) => problems.push(what),
  })
  const cluster = await engine.create('one', spec, () => {}, silent)
  const api = (await cluster.kubeconfig('platform')).makeApiClient(CoreV1Api)
  await api.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'kept' } } })
  // At most half a second is lost; this was written longer ago.
  await new Promise((resolve) => setTimeout(resolve, 1200))
  await threads[0]?.terminate()
  await vi.waitFor(
    async () => expect((await api.readNamespacedConfigMap({ namespace: 'default', name: 'kept' })).metadata?.name).toBe('kept'),
    { timeout: 10_000 },
  )
  expect(problems).toEqual(['a simulator thread'])
  await engine.close()
}, 30_000)

it('publishes the authority with which its listener can be verified', async () => {
  const engine = createSimulatedEngine({ folder: join(folder, 'authority') })
  const cluster = await engine.create('one', spec, () => {}, silent)
  const config = await cluster.kubeconfig('platform')
  const { data } = await config.makeApiClient(CoreV1Api).readNamespacedConfigMap({ namespace: 'kube-system', name: 'kube-root-ca.crt' })
  expect(data?.['ca.crt']).toBe(Buffer.from(config.getCurrentCluster()?.caData ?? '', 'base64').toString())
  await engine.close()
}, 30_000)

it('keeps what was only written to a file on the workstation', async () => {
  const options = { folder: join(folder, 'files') }
  const first = createSimulatedEngine(options)
  const cluster = await first.create('one', spec, () => {}, silent)
  const terminal = await cluster.openTerminal({ columns: 80, rows: 24 }, async () => {})
  await new Promise((resolve) => setTimeout(resolve, 1500))
  terminal.input(new TextEncoder().encode('echo late > late.txt\r'))
  // As after kill -9: nobody closes anything; what is on disk half a second and a bit later must do.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const second = createSimulatedEngine(options)
  const again = await second.reattach('one')
  expect(await again?.runScript('cat /root/late.txt', {})).toEqual({ exitCode: 0, output: 'late\n' })
  await second.close()
  await first.close()
}, 30_000)

it('says which release saved a cluster that it cannot read, and leaves the file as it is', async () => {
  const at = join(folder, 'older')
  const first = createSimulatedEngine({ folder: at })
  await first.create('one', spec, () => {}, silent)
  await first.close()
  const [name] = readdirSync(at, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.snapshot'))
  const saved = deserialize(readFileSync(join(at, name!)))
  const older = serialize({ ...saved, snapshot: serialize({ ...deserialize(saved.snapshot), version: 1 }) })
  writeFileSync(join(at, name!), older)
  const second = createSimulatedEngine({ folder: at })
  await expect(second.reattach('one')).rejects.toThrow('The cluster was saved by another release of Faultline (form 1, this one reads 3).')
  await second.close()
  expect(readFileSync(join(at, name!)).equals(older)).toBe(true)
})
