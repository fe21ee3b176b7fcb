import { deserialize, serialize } from 'node:v8'
import { type MessagePort, parentPort } from 'node:worker_threads'
import type { Trace, TraceRequest } from '../../../protocol/trace.ts'
import { plugins } from '../../../simulator/bootstrap/spec.ts'
import type { ClusterSnapshot, SimulatedCluster } from '../../../simulator/cluster/cluster.ts'
import type { ClusterSpec } from '../engine.ts'
import { type Hosted, hostCluster, prepareTemplate, trust } from './hosted.ts'
import type { FromThread, ThreadNotice, ThreadRequest } from './messages.ts'
import { probe } from './probe.ts'
import { serveFetch, serveUpgrade } from './serve-api.ts'
import { runScript, serveTerminal } from './workstation.ts'

/** How long after a change a cluster is saved, ms: at most this much is lost with the process … */
const saveAfterMs = 500
/** … unless saving it takes so long that it would be more than this share of what the thread does. */
const saveShare = 0.05

const parent = parentPort
if (!parent) throw new Error('worker.ts runs as a worker thread only')

const clusters = new Map<string, Hosted>()
/** What the last save of each took, ms. */
const saveCosts = new Map<string, number>()

parent.on('message', (request: ThreadRequest) => {
  handle(request).catch((error: unknown) => {
    const code = (error as { code?: unknown }).code
    answer(request.port, {
      kind: 'failed',
      code: typeof code === 'string' ? code : 'internal',
      message: error instanceof Error ? error.message : String(error),
    })
  })
})

async function handle(request: ThreadRequest): Promise<void> {
  const { port } = request
  switch (request.kind) {
    case 'configure':
      trust(request.authority, request.clients)
      return answer(port, { kind: 'done' })
    case 'prepare':
      await prepareTemplate(request.spec, reportFor('template'))
      return answer(port, { kind: 'done' })
    case 'create': {
      await host(request.cluster, request.spec, request.tokens, undefined, request.hurry)
      // What was just made must survive a kill in the next second, too.
      save(request.cluster)
      return answer(port, { kind: 'done' })
    }
    case 'restore': {
      await host(request.cluster, request.spec, request.tokens, deserialize(request.snapshot) as ClusterSnapshot)
      save(request.cluster)
      return answer(port, { kind: 'done' })
    }
    case 'destroy': {
      clusters.get(request.cluster)?.close()
      clusters.delete(request.cluster)
      saveCosts.delete(request.cluster)
      return answer(port, { kind: 'done' })
    }
    case 'flush':
      for (const [id, hosted] of clusters) if (hosted.isDirty()) save(id)
      return answer(port, { kind: 'done' })
    case 'snapshot':
      return answer(port, { kind: 'done', value: serialize(need(request.cluster).save()) })
    case 'fetch':
      return serveFetch(need(request.cluster).cluster.server, request.request, port)
    case 'upgrade':
      return serveUpgrade(need(request.cluster).cluster.server, request, port)
    case 'terminal': {
      const hosted = need(request.cluster)
      return serveTerminal(hosted.cluster, request, port, hosted.touch)
    }
    case 'script':
      return answer(port, {
        kind: 'done',
        value: await runScript(need(request.cluster).cluster, request.script, request.files, abortOf(port)),
      })
    case 'probe':
      return answer(port, { kind: 'done', value: await probe(need(request.cluster).cluster, request.from, request.what, abortOf(port)) })
    case 'trace':
      return answer(port, { kind: 'done', value: await traced(need(request.cluster).cluster, request.request) })
    case 'checkpoint': {
      const hosted = need(request.cluster)
      hosted.checkpoints.set(request.name, hosted.cluster.snapshot())
      save(request.cluster)
      return answer(port, { kind: 'done' })
    }
    case 'rewind': {
      const hosted = need(request.cluster)
      const snapshot = hosted.checkpoints.get(request.name)
      if (!snapshot) throw Object.assign(new Error(`The cluster has no checkpoint named ${request.name}.`), { code: 'no-checkpoint' })
      hosted.replace(snapshot)
      save(request.cluster)
      return answer(port, { kind: 'done' })
    }
  }
}

async function host(
  id: string,
  spec: ClusterSpec,
  tokens: { platform: string; learner: string },
  saved?: ClusterSnapshot,
  hurry = false,
): Promise<void> {
  if (spec.cni !== 'none' && !(plugins as readonly string[]).includes(spec.cni))
    throw Object.assign(new Error(`The simulated cluster does not model the CNI plugin ${spec.cni}.`), { code: 'cni-not-modelled' })
  clusters.get(id)?.close()
  clusters.set(id, await hostCluster({ id, spec, tokens, saved, hurry, report: reportFor(id), changed: () => saveSoon(id) }))
}

function saveSoon(id: string): void {
  setTimeout(() => save(id), Math.max(saveAfterMs, (saveCosts.get(id) ?? 0) / saveShare))
}

function save(id: string): void {
  const hosted = clusters.get(id)
  if (!hosted) return
  const began = performance.now()
  notify({ kind: 'snapshot', cluster: id, snapshot: serialize(hosted.save()) })
  saveCosts.set(id, performance.now() - began)
}

function need(id: string): Hosted {
  const hosted = clusters.get(id)
  if (!hosted) throw Object.assign(new Error(`There is no cluster ${id} here; its session may have ended.`), { code: 'unknown-cluster' })
  return hosted
}

function reportFor(cluster: string): (error: unknown) => void {
  return (error) => notify({ kind: 'defect', cluster, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
}

function notify(notice: ThreadNotice): void {
  parent?.postMessage(notice)
}

function answer(port: MessagePort, message: FromThread): void {
  port.postMessage(message)
}

/** Where the simulator's document and the protocol's meet: they must be the same. */
function traced(cluster: SimulatedCluster, request: TraceRequest): Promise<Trace> {
  if (!cluster.trace) throw new Error('this cluster was made without the means to trace')
  return cluster.trace(request)
}

/** Aborts when the caller cancels or goes away. */
function abortOf(port: MessagePort): AbortSignal {
  const controller = new AbortController()
  port.on('message', (message: { kind: string }) => {
    if (message.kind === 'cancel') controller.abort(new Error('cancelled'))
  })
  port.on('close', () => controller.abort(new Error('cancelled')))
  return controller.signal
}
