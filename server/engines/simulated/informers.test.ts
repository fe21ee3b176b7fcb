import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as k8s from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../../simulator/random.ts'
import type { Cluster } from '../engine.ts'
import { createSimulatedEngine } from './engine.ts'

const objects = 5_000
const seed = Number(process.env['INFORMER_SEED'] ?? 1)
const folder = mkdtempSync(join(tmpdir(), 'faultline-informers-'))
const defects: string[] = []
const engine = createSimulatedEngine({ folder, report: ({ what, error }) => defects.push(`${what}: ${String(error)}`) })
const random = new Random(seed)
let cluster: Cluster
let config: k8s.KubeConfig
let core: k8s.CoreV1Api
let server: URL
let agent: Agent
const namespace = 'default'
const path = `/api/v1/namespaces/${namespace}/configmaps`

beforeAll(async () => {
  cluster = await engine.create('many', { nodes: 1, cni: 'kindnet', kubernetes: '1.34', seed: 3 }, () => {}, new AbortController().signal)
  config = new k8s.KubeConfig()
  config.loadFromString(await cluster.kubeconfigText('learner'))
  core = config.makeApiClient(k8s.CoreV1Api)
  server = new URL(config.getCurrentCluster()!.server)
  const { certData, keyData } = config.getCurrentUser()!
  agent = new Agent({ keepAlive: true, maxSockets: 20, cert: Buffer.from(certData!, 'base64'), key: Buffer.from(keyData!, 'base64') })
  await inParallel(objects, (i) => write('POST', `m${i}`, '0'))
}, 120_000)
afterAll(async () => {
  agent.destroy()
  await engine.close()
  rmSync(folder, { recursive: true, force: true })
  expect(defects).toEqual([])
})

/** A write over a connection that is kept; the official client makes a new one for each. */
function write(method: 'POST' | 'PUT' | 'DELETE', name: string, value?: string): Promise<void> {
  const body = value === undefined ? '' : JSON.stringify({ metadata: { name }, data: { v: value } })
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  }
  const url = { host: server.hostname, port: server.port, path: `${server.pathname}${path}${method === 'POST' ? '' : `/${name}`}` }
  return new Promise((resolve, reject) => {
    const call = request({ ...url, method, headers, agent, rejectUnauthorized: false }, (response) => {
      response.resume()
      response.on('end', () => (response.statusCode! < 300 ? resolve() : reject(new Error(`${method} ${name}: ${response.statusCode}`))))
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** Twenty at a time. */
async function inParallel(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      while (next < count) await work(next++)
    }),
  )
}

/** A client that lists in pages and watches from there, as client-go's reflector does. It checks each event against what it knows. */
class Reflector {
  readonly known = new Map<string, string>()
  readonly faults: string[] = []
  bookmarks = 0
  events = 0
  relists = 0
  version = ''
  #stopped = false

  async list(limit: number): Promise<void> {
    this.relists++
    this.known.clear()
    let next: string | undefined
    do {
      const page = await core.listNamespacedConfigMap({ namespace, limit, ...(next && { _continue: next }) })
      for (const { metadata } of page.items) {
        if (this.known.has(metadata!.name!)) this.faults.push(`${metadata!.name} is listed twice`)
        this.known.set(metadata!.name!, metadata!.resourceVersion!)
      }
      this.version = page.metadata!.resourceVersion!
      next = page.metadata!._continue
    } while (next)
  }

  /** Watches until `stop`, in connections of a second each: the next one goes on from the last version that was seen. */
  async follow(): Promise<void> {
    while (!this.#stopped) {
      await new Promise<void>((resolve, reject) => {
        const query = { resourceVersion: this.version, allowWatchBookmarks: true, timeoutSeconds: 1 }
        new k8s.Watch(config)
          .watch(
            path,
            query,
            (type, object) => this.#take(type, object),
            () => resolve(),
          )
          .catch(reject)
      })
    }
  }

  stop(): void {
    this.#stopped = true
  }

  #take(type: string, object: k8s.V1ConfigMap): void {
    if (type === 'ERROR') {
      this.faults.push(`an error: ${(object as k8s.V1Status).message}`)
      return
    }
    const { name = '', resourceVersion = '' } = object.metadata ?? {}
    if (Number(resourceVersion) < Number(this.version)) this.faults.push(`${type} ${name} at ${resourceVersion} came after ${this.version}`)
    this.version = resourceVersion
    if (type === 'BOOKMARK') {
      this.bookmarks++
      return
    }
    this.events++
    const before = this.known.get(name)
    if (type === 'ADDED' && before !== undefined) this.faults.push(`${name} was added twice`)
    if (type !== 'ADDED' && before === undefined) this.faults.push(`${type} of ${name}, which is not known`)
    if (before === resourceVersion) this.faults.push(`${type} ${name} ${resourceVersion} came twice`)
    if (type === 'DELETED') this.known.delete(name)
    else this.known.set(name, resourceVersion)
  }
}

async function truth(): Promise<Map<string, string>> {
  const { items } = await core.listNamespacedConfigMap({ namespace })
  return new Map(items.map(({ metadata }) => [metadata!.name!, metadata!.resourceVersion!]))
}

const alive = new Set(Array.from({ length: objects }, (_, i) => `m${i}`))
let made = objects

/** Each on a name of its own, so that no two of them meet. */
async function randomWrites(count: number): Promise<number> {
  const taken = new Set<string>()
  let writes = 0
  await inParallel(count, async () => {
    const names = [...alive]
    const name = names[random.below(names.length)] as string
    if (taken.has(name)) return
    taken.add(name)
    writes++
    const kind = random.below(4)
    if (kind === 0) {
      alive.delete(name)
      await write('DELETE', name)
    } else if (kind === 1) {
      const fresh = `m${made++}`
      alive.add(fresh)
      taken.add(fresh)
      await write('POST', fresh, '0')
    } else {
      await write('PUT', name, String(random.next()))
    }
  })
  return writes
}

async function eventuallyEqual(one: Reflector): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    const wanted = await truth()
    if (wanted.size === one.known.size && [...wanted].every(([name, version]) => one.known.get(name) === version)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(Object.fromEntries(one.known)).toEqual(Object.fromEntries(await truth()))
}

it(`a list in pages and a watch from it tell of ${objects} objects and every write, each once (seed ${seed})`, {
  timeout: 60_000,
}, async () => {
  const reflector = new Reflector()
  // Written to while the pages are read: they show one revision all the same, and the watch goes on from it.
  const [writes] = await Promise.all([randomWrites(300), reflector.list(500)])
  const following = reflector.follow()
  const more = await randomWrites(300)
  await eventuallyEqual(reflector)
  reflector.stop()
  await following
  expect(writes + more).toBeGreaterThan(400)
  expect(reflector.faults).toEqual([])
  expect(reflector.relists).toBe(1)
})

it('the informer of the official client sees every object once and follows', { timeout: 60_000 }, async () => {
  const informer = k8s.makeInformer(config, path, () => core.listNamespacedConfigMap({ namespace }))
  const seen = new Map<string, string>()
  const faults: string[] = []
  informer.on('add', ({ metadata }) => {
    if (seen.has(metadata!.name!)) faults.push(`${metadata!.name} was added twice`)
    seen.set(metadata!.name!, metadata!.resourceVersion!)
  })
  informer.on('update', ({ metadata }) => {
    if (!seen.has(metadata!.name!)) faults.push(`${metadata!.name} changed before it was there`)
    seen.set(metadata!.name!, metadata!.resourceVersion!)
  })
  informer.on('delete', ({ metadata }) => void seen.delete(metadata!.name!))
  await informer.start()
  await randomWrites(300)
  for (let turn = 0; turn < 100; turn++) {
    const wanted = await truth()
    if (wanted.size === seen.size && [...wanted].every(([name, version]) => seen.get(name) === version)) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await informer.stop()
  expect(faults).toEqual([])
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(await truth()))
})

it('a watch from a version that is compacted is told 410, and a new list mends it', { timeout: 60_000 }, async () => {
  const reflector = new Reflector()
  await reflector.list(2_000)
  const old = reflector.version
  // More writes than the server remembers.
  const names = [...alive]
  await inParallel(4_200, (i) => write('PUT', names[i % 500] as string, `again ${i}`))
  const error = await new Promise<k8s.V1Status>((resolve, reject) => {
    new k8s.Watch(config)
      .watch(
        path,
        { resourceVersion: old },
        (type, object) => type === 'ERROR' && resolve(object),
        () => reject(new Error('the watch ended without an error')),
      )
      .catch(reject)
  })
  expect(error).toMatchObject({ code: 410, reason: 'Expired' })
  await reflector.list(1_000)
  const following = reflector.follow()
  await randomWrites(50)
  await eventuallyEqual(reflector)
  reflector.stop()
  await following
  expect(reflector.faults).toEqual([])
})

it('after a rewind of the cluster a watch does not go on as if nothing had been', { timeout: 60_000 }, async () => {
  const reflector = new Reflector()
  await cluster.checkpoints!.save('here')
  await randomWrites(50)
  await reflector.list(1_000)
  await cluster.checkpoints!.restore('here')
  const before = await truth()
  expect(before.size).toBeGreaterThan(4_000)
  await reflector.list(1_000)
  expect(Object.fromEntries(reflector.known)).toEqual(Object.fromEntries(before))
})
