import { createHmac, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  addons,
  type Cluster,
  type ClusterEngine,
  type ClusterId,
  type ClusterSpec,
  type ProvisioningStep,
  type Support,
} from '../engine.ts'
import { certificatesIn } from './certificates.ts'
import { simulatedCluster } from './cluster.ts'
import { listen } from './listener.ts'
import type { ThreadNotice, Tokens } from './messages.ts'
import { type SavedCluster, type SnapshotStore, snapshotFolder } from './snapshots.ts'
import { ClusterThread, ThreadError } from './thread.ts'

export interface SimulatedEngineOptions {
  /** Keys, certificates and snapshots live here. */
  readonly folder: string
  /** For stock kubectl; 0 picks a free port. Where the port is taken, a free one is used. */
  readonly port?: number
  /** Address to listen on for stock clients; 127.0.0.1 by default. Kubeconfigs name 127.0.0.1 where it is every address. */
  readonly host?: string
  readonly threads?: number
  readonly snapshots?: SnapshotStore
  /** Clusters to prepare a template for at the start, so that the first lab does not wait. */
  readonly prepare?: readonly ClusterSpec[]
  /** Told of each thread as it starts: for whoever watches over them. */
  readonly onThread?: (thread: ClusterThread) => void
  /** Something went wrong that nobody asked about (a defect in a cluster's event loop, a snapshot that could not be written). */
  readonly report?: (problem: { readonly what: string; readonly error: unknown }) => void
}

/** More deaths than this in the window, ms, and threads are not replaced any more. */
const mostDeaths = 5
const deathWindowMs = 60_000

const modelled = new Set<string>(['kindnet', 'flannel', 'calico', 'cilium', 'weave', 'none'])

interface Hosted {
  readonly spec: ClusterSpec
  thread: ClusterThread
  tokens: Tokens
  /** While the cluster is being restored into a fresh thread. */
  moving?: Promise<void>
}

/** The embedded default: clusters in worker threads of this process. */
export function createSimulatedEngine(options: SimulatedEngineOptions): ClusterEngine {
  const store = options.snapshots ?? snapshotFolder(join(options.folder, 'clusters'))
  const report: NonNullable<typeof options.report> = (problem) => {
    // What breaks because everything is being closed is no trouble.
    if (!closed) options.report?.(problem)
  }
  const hosted = new Map<ClusterId, Hosted>()
  const threads: ClusterThread[] = []
  let next = 0
  let closed = false
  const deaths: number[] = []

  const secret = secretIn(options.folder)
  const certificates = certificatesIn(options.folder)
  const listener = start()
  const configuring = new WeakMap<ClusterThread, Promise<unknown>>()
  // Whoever needs them awaits them and sees the error; while nobody does it must not count as unhandled.
  for (const started of [secret, certificates, listener]) started.catch(() => {})

  for (let index = 0; index < (options.threads ?? 1); index++) threads.push(startThread(index))
  for (const spec of options.prepare ?? []) {
    configured(threads[0] as ClusterThread)
      .then((thread) => thread.ask({ kind: 'prepare', spec }))
      .catch((error: unknown) => report({ what: 'preparing a template', error }))
  }

  async function start() {
    const made = await certificates
    const host = options.host ?? '127.0.0.1'
    const route = (cluster: string) => hosted.get(cluster)
    try {
      return await listen(made, host, options.port ?? 0, route)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      const free = await listen(made, host, 0, route)
      report({
        what: `the clusters' API listens on port ${free.port}, because ${options.port} is taken: kubeconfigs downloaded earlier do not fit`,
        error,
      })
      return free
    }
  }

  /** The thread, once it knows the authority that its clusters publish. */
  async function configured(thread: ClusterThread): Promise<ClusterThread> {
    await configuring.get(thread)
    return thread
  }

  function startThread(index: number): ClusterThread {
    const thread = new ClusterThread(notice, (error) => {
      if (closed) return
      report({ what: 'a simulator thread', error })
      deaths.push(performance.now())
      const replace = () => {
        if (closed) return
        const replacement = startThread(index)
        threads[index] = replacement
        for (const [id, cluster] of hosted) if (cluster.thread === thread) follow(id, cluster, replacement)
      }
      // A thread that dies as soon as it lives would be replaced without end: then its clusters' callers get the error for a while.
      const recent = deaths.filter((at) => at > performance.now() - deathWindowMs).length
      if (recent <= mostDeaths) replace()
      else setTimeout(replace, deathWindowMs).unref()
    })
    const told = certificates.then(({ authority, clients }) => thread.ask({ kind: 'configure', authority, clients }))
    told.catch(() => {})
    configuring.set(thread, told)
    options.onThread?.(thread)
    return thread
  }

  function follow(id: ClusterId, cluster: Hosted, thread: ClusterThread): void {
    cluster.moving = restoreInto(id, cluster, thread)
    // Whoever next asks for the cluster sees the error; it is reported once here.
    cluster.moving.catch((error: unknown) => report({ what: `restoring cluster ${id}`, error }))
  }

  /** A thread died: its clusters come back from their last snapshots in another. */
  async function restoreInto(id: ClusterId, cluster: Hosted, thread: ClusterThread): Promise<void> {
    const saved = await store.load(id)
    if (!saved) throw new ThreadError('cluster-lost', 'The cluster had not been saved yet when its thread ended.')
    await (await configured(thread)).ask({
      kind: 'restore',
      cluster: id,
      spec: saved.spec,
      tokens: cluster.tokens,
      snapshot: saved.snapshot,
    })
    cluster.thread = thread
  }

  function notice(message: ThreadNotice): void {
    if (message.kind === 'defect') return report({ what: `cluster ${message.cluster}`, error: new Error(message.error) })
    const cluster = hosted.get(message.cluster)
    if (!cluster) return
    store
      .save(message.cluster, { spec: cluster.spec, snapshot: message.snapshot })
      .catch((error: unknown) => report({ what: `saving cluster ${message.cluster}`, error }))
  }

  async function tokensOf(id: ClusterId): Promise<Tokens> {
    const key = await secret
    const token = (audience: string) => createHmac('sha256', key).update(`${id}/${audience}`).digest('hex')
    return { platform: token('platform'), learner: token('learner') }
  }

  async function wrap(id: ClusterId, entry: Hosted): Promise<Cluster> {
    const { port } = await listener
    const made = await certificates
    return simulatedCluster({
      id,
      spec: entry.spec,
      tokens: entry.tokens,
      server: `https://${advertised(options.host)}:${port}/clusters/${id}`,
      certificates: made,
      async thread() {
        await entry.moving
        return entry.thread
      },
      async destroy() {
        hosted.delete(id)
        await entry.moving?.catch(() => {})
        await entry.thread.ask({ kind: 'destroy', cluster: id })
        await store.remove(id)
      },
    })
  }

  function supports(spec: ClusterSpec): Support {
    if (!modelled.has(spec.cni)) {
      return {
        supported: false,
        code: 'cni-not-modelled',
        message: `The simulated cluster does not model the CNI plugin ${spec.cni} yet.`,
        mend: `Choose ${[...modelled].slice(0, -1).join(', ')} or ${[...modelled].at(-1)}, or the kind engine.`,
      }
    }
    const foreign = spec.addons?.find((addon) => !addons.includes(addon))
    if (foreign !== undefined) {
      return {
        supported: false,
        code: 'addon-not-modelled',
        message: `The simulated cluster does not model the addon ${foreign}.`,
        mend: `Choose ${addons.join(' or ')}.`,
      }
    }
    if (spec.nodes < 1 || spec.nodes > 9) {
      return {
        supported: false,
        code: 'node-count',
        message: `A simulated cluster has 1 to 9 nodes, not ${spec.nodes}.`,
        mend: 'Ask for a number of nodes in that range.',
      }
    }
    if (spec.kubernetes !== '1.34') {
      return {
        supported: false,
        code: 'kubernetes-version',
        message: `The simulated cluster behaves as Kubernetes 1.34, not ${spec.kubernetes}.`,
        mend: 'Ask for Kubernetes 1.34, or use the kind engine.',
      }
    }
    return { supported: true }
  }

  const kept = new Map<string, SavedCluster>()

  async function restore(id: ClusterId, saved: SavedCluster): Promise<Cluster> {
    const thread = await configured(threads[next++ % threads.length] as ClusterThread)
    const entry: Hosted = { spec: saved.spec, thread, tokens: await tokensOf(id) }
    hosted.set(id, entry)
    try {
      await thread.ask({ kind: 'restore', cluster: id, spec: saved.spec, tokens: entry.tokens, snapshot: saved.snapshot })
    } catch (error) {
      hosted.delete(id)
      throw error
    }
    return wrap(id, entry)
  }

  return {
    name: 'simulated',
    templates: {
      async keep(id, key) {
        const cluster = hosted.get(id)
        if (!cluster) throw new ThreadError('unknown-cluster', `There is no cluster ${id}.`)
        const snapshot = await cluster.thread.ask<Uint8Array>({ kind: 'snapshot', cluster: id })
        kept.set(key, { spec: cluster.spec, snapshot })
      },
      has: (key) => kept.has(key),
      async fork(key, id) {
        const template = kept.get(key)
        if (!template) throw new ThreadError('unknown-template', `There is no template ${key}.`)
        return restore(id, template)
      },
    },
    async availability() {
      try {
        await Promise.all([secret, listener])
        return { available: true }
      } catch (error) {
        return {
          available: false,
          code: 'simulated-broken',
          message: `The simulated engine cannot start: ${error instanceof Error ? error.message : String(error)}.`,
          mend: `Mend or remove its folder ${options.folder} (without it, kubeconfigs downloaded earlier do not fit any more), and start again.`,
        }
      }
    },
    supports,
    async create(id, spec, onStep, signal, { hurry = false } = {}) {
      const support = supports(spec)
      if (!support.supported) throw new ThreadError(support.code, `${support.message} ${support.mend}`)
      const thread = await configured(threads[next++ % threads.length] as ClusterThread)
      const entry: Hosted = { spec, thread, tokens: await tokensOf(id) }
      await step('Start a simulated cluster', onStep, async () => {
        signal.throwIfAborted()
        hosted.set(id, entry)
        try {
          await thread.ask({ kind: 'create', cluster: id, spec, tokens: entry.tokens, hurry }, signal)
        } catch (error) {
          hosted.delete(id)
          await thread.ask({ kind: 'destroy', cluster: id }).catch(() => {})
          await store.remove(id)
          throw error
        }
      })
      return wrap(id, entry)
    },
    async reattach(id) {
      const running = hosted.get(id)
      if (running) return wrap(id, running)
      const saved = await store.load(id)
      if (!saved) return undefined
      return restore(id, saved)
    },
    async sweep(known) {
      const keep = new Set(known)
      const stray = [...new Set([...(await store.list()), ...hosted.keys()])].filter((id) => !keep.has(id))
      for (const id of stray) {
        const entry = hosted.get(id)
        hosted.delete(id)
        await entry?.thread.ask({ kind: 'destroy', cluster: id })
        await store.remove(id)
      }
      return stray
    },
    async close() {
      closed = true
      // What changed in the last second is still in the threads: each hands over its snapshots before it goes.
      await Promise.all(threads.map((thread) => thread.ask({ kind: 'flush' }).catch(() => {})))
      await Promise.all([...hosted.keys()].map((id) => store.settled(id)))
      await Promise.all(threads.map((thread) => thread.terminate()))
      const open = await listener.catch(() => undefined)
      await open?.close()
    },
  }
}

/** What a kubeconfig can name: every address is none, and the certificate is for this machine's own. */
function advertised(host = '127.0.0.1'): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

async function step<T>(name: string, onStep: (step: ProvisioningStep) => void, act: () => Promise<T>): Promise<T> {
  const began = performance.now()
  onStep({ name, state: 'running', elapsed: 0 })
  try {
    const result = await act()
    onStep({ name, state: 'done', elapsed: performance.now() - began })
    return result
  } catch (error) {
    onStep({ name, state: 'failed', elapsed: performance.now() - began, detail: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/** The key from which tokens are derived: made once, readable by its owner alone. */
async function secretIn(folder: string): Promise<Buffer> {
  const path = join(folder, 'token.key')
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const key = randomBytes(32)
  await mkdir(folder, { recursive: true })
  await writeFile(path, key, { mode: 0o600 })
  return key
}
