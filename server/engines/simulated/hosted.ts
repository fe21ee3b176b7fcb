import { openapiSchemas } from '../../../scripts/openapi/cache.ts'
import type { ClusterSpec as SimulatedSpec } from '../../../simulator/bootstrap/spec.ts'
import { HeldTime, type Pacemaker } from '../../../simulator/clock.ts'
import {
  type ClusterSnapshot,
  type ClusterWorld,
  createCluster,
  type SimulatedCluster,
  snapshotVersion,
} from '../../../simulator/cluster/cluster.ts'
import type { ClusterSpec } from '../engine.ts'
import type { ClientAuthority } from './client-certificates.ts'
import { catalogue } from './images.ts'
import type { Tokens } from './messages.ts'

/** A cluster in this thread with what is kept around it. */
export interface Hosted {
  readonly cluster: SimulatedCluster
  readonly checkpoints: Map<string, ClusterSnapshot>
  /** Whether something changed since the last `save`. */
  isDirty(): boolean
  /** Somebody is working: looks soon whether that changed something. Events inside the cluster are noticed without it. */
  touch(): void
  /** All that a restore needs: the cluster now, and its checkpoints. */
  save(): SavedState
  /** Goes back to a snapshot: the same cluster at another moment. */
  replace(snapshot: ClusterSnapshot): void
  close(): void
}

export type SavedState = ClusterSnapshot & { readonly checkpoints: Readonly<Record<string, ClusterSnapshot>> }

interface Hosting {
  /** Absent: nobody signs certificates for it. */
  readonly id?: string
  readonly spec: ClusterSpec
  readonly tokens: Tokens
  readonly saved?: ClusterSnapshot | undefined
  /** Time passes faster, from a while ago until the present. */
  readonly hurry?: boolean
  readonly report: (error: unknown) => void
  /** Called once after each time the cluster became dirty. */
  readonly changed: () => void
}

/** Simulated time in which a fresh cluster must have become ready, ms: images are pulled, agents start, CoreDNS syncs. */
const bootLimitMs = 180_000
const bootStepMs = 250
/** How long it then runs on, ms: until its probes sleep. They rest after two minutes in which nothing happened, and look once more within five. */
const settlingMs = 460_000

/** How long after somebody's doing it is looked at, ms: a command that follows a key has mostly run by then. */
const lookAfterMs = 150

const templates = new Map<string, Promise<ClusterSnapshot>>()
/** What clusters of this thread publish as `kube-root-ca.crt`: whoever verifies the listener outside can verify with it. */
let authority = ''
let clients: ClientAuthority | undefined

export function trust(pem: string, signer: ClientAuthority): void {
  authority = pem
  clients = signer
}

/** Brings a cluster up: from what was saved, or as a fork of the template for its shape. */
export async function hostCluster(hosting: Hosting): Promise<Hosted> {
  const spec = simulatedSpec(hosting.spec)
  const saved = hosting.saved as SavedState | undefined
  if (saved && saved.version !== snapshotVersion) {
    const message = `The cluster was saved by another release of Faultline (form ${saved.version}, this one reads ${snapshotVersion}). Start the lab again.`
    throw Object.assign(new Error(message), { code: 'other-release' })
  }
  const checkpoints = new Map(Object.entries(saved?.checkpoints ?? {}))
  let atSave: readonly unknown[] = []
  let announced = false
  let looking: ReturnType<typeof setTimeout> | undefined

  const isDirty = () => announced || !same(cluster.moment(), atSave)
  const look = () => {
    if (announced || !isDirty()) return
    announced = true
    hosting.changed()
  }
  const pacemaker = realTime(hosting.hurry ?? false, look)
  const { id } = hosting
  const signCertificate: ClusterWorld['signCertificate'] = async (request) => {
    if (!clients || id === undefined) throw new Error('nobody signs certificates for this cluster')
    // Loaded when the first one is asked for: most clusters never do.
    const { signRequest } = await import('./client-certificates.ts')
    return signRequest(clients, id, request)
  }
  const handshake: ClusterWorld['handshake'] = async (shown) => {
    if (!clients || id === undefined) return {}
    const { peerShowing } = await import('./client-certificates.ts')
    return peerShowing(clients, id, shown)
  }
  const world = { ...worldOf(pacemaker, hosting.tokens, hosting.report), signCertificate, handshake }
  let cluster = createCluster(spec, world, saved ?? (await fork(hosting.spec, hosting.report)))
  atSave = cluster.moment()

  return {
    get cluster() {
      return cluster
    },
    checkpoints,
    isDirty,
    touch() {
      cluster.clock.stir()
      looking ??= setTimeout(() => {
        looking = undefined
        look()
      }, lookAfterMs)
    },
    save() {
      announced = false
      const snapshot = cluster.snapshot()
      atSave = cluster.moment()
      return { ...snapshot, checkpoints: Object.fromEntries(checkpoints) }
    },
    replace(snapshot) {
      cluster.close()
      cluster = createCluster(spec, world, snapshot)
      atSave = []
    },
    close() {
      clearTimeout(looking)
      cluster.close()
    },
  }
}

/** Makes the template for a shape where there is none yet; a cluster of that shape is then a fork of it. */
export function prepareTemplate(spec: ClusterSpec, report: (error: unknown) => void): Promise<ClusterSnapshot> {
  // The load balancers of addons are rented while the template is made: then the quota counts for it, too.
  const cloud = spec.loadBalancers === undefined ? '' : spec.addons?.length ? `cloud of ${spec.loadBalancers}` : 'cloud'
  const key = [spec.nodes, spec.cni, cloud, ...[...(spec.addons ?? [])].sort()].join('/')
  const known = templates.get(key)
  if (known) return known
  const made = makeTemplate(spec, report)
  templates.set(key, made)
  // A failure is told to whoever asked; the next one tries again.
  made.catch(() => templates.delete(key))
  return made
}

async function makeTemplate(spec: ClusterSpec, report: (error: unknown) => void): Promise<ClusterSnapshot> {
  // Boots in held time, which passes as fast as the machine computes, and ends far enough in the past for a cluster in a hurry.
  const time = new HeldTime(Date.now() - bootLimitMs - settlingMs - hurriedLeadMs)
  const cluster = createCluster(simulatedSpec({ ...spec, seed: 1 }), worldOf(time, { platform: 'template', learner: 'template' }, report))
  // Commands of init containers are async code: they get their turns between moments.
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  try {
    cluster.clock.settle()
    let passed = 0
    while (!isReady(cluster)) {
      if (passed >= bootLimitMs)
        throw new Error(`a ${spec.nodes}-node cluster with ${spec.cni} did not become ready within ${bootLimitMs / 1000} simulated seconds`)
      await time.pass(bootStepMs, turn)
      passed += bootStepMs
    }
    // Let what was set in motion come to rest: back-offs that are still armed, the last status writes, and probes (CoreDNS's liveness
    // probe begins after a minute), so that a fork that nobody touches sleeps from its first moment.
    await time.pass(settlingMs, turn)
    return cluster.snapshot()
  } finally {
    cluster.close()
  }
}

async function fork(spec: ClusterSpec, report: (error: unknown) => void): Promise<ClusterSnapshot> {
  const template = await prepareTemplate(spec, report)
  return { ...template, random: (template.random ^ Math.imul(spec.seed, 0x9e3779b1)) >>> 0 }
}

/** Without a network plugin, nodes and what needs their network cannot be ready; what runs on the hosts' own can. */
function isReady({ api, spec }: SimulatedCluster): boolean {
  const { cni, nodes: count } = spec
  type Conditioned = { spec?: { hostNetwork?: boolean }; status?: { conditions?: { type: string; status: string }[] } }
  const is = (object: Conditioned, type: string) =>
    object.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True')
  const nodes = api.list<Conditioned>('nodes')
  const all = api.list<Conditioned>('pods', { namespace: 'kube-system' })
  const pods = cni === 'none' ? all.filter(({ spec }) => spec?.hostNetwork) : all
  // An addon lives in the namespace of its name.
  const addons = (spec.addons ?? []).map((namespace) => api.list<Conditioned>('pods', { namespace }))
  return (
    nodes.length === count &&
    (cni === 'none' || nodes.every((node) => is(node, 'Ready'))) &&
    pods.length > 0 &&
    pods.every((pod) => is(pod, 'Ready')) &&
    addons.every((own) => own.length > 0 && own.every((pod) => is(pod, 'Ready'))) &&
    api.list('endpointslices.discovery.k8s.io', { namespace: 'kube-system' }).length > 0
  )
}

function simulatedSpec(spec: ClusterSpec): SimulatedSpec {
  const { nodes, cni, seed, loadBalancers, addons } = spec
  return { name: 'faultline', nodes, cni: cni as SimulatedSpec['cni'], seed, loadBalancers, ...(addons?.length ? { addons } : {}) }
}

function worldOf(pacemaker: Pacemaker, tokens: Tokens, onError: (error: unknown) => void): ClusterWorld {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { pacemaker, catalogue, tokens, rootCertificate: authority, openapi: openapiSchemas, turn, onError }
}

/** How much faster time passes in a hurry, and how far back it begins, ms: so long that a lab is armed before the present is reached. */
const hurriedPace = 12
const hurriedLeadMs = 4 * 60_000

/** How long one cluster computes at a time while the others of its thread wait, ms: no learner notices as little. */
const turnMs = 10

/** Real time for an event loop; `settled` is called after each time it ran. In a hurry it begins in the past and catches up. */
function realTime(hurry: boolean, settled: () => void): Pacemaker {
  let timer: ReturnType<typeof setTimeout> | undefined
  const began = Date.now()
  const hurried = () => began - hurriedLeadMs + (Date.now() - began) * hurriedPace
  const now = () => (hurry ? Math.min(Date.now(), hurried()) : Date.now())
  return {
    now,
    turn() {
      const end = performance.now() + turnMs
      return () => performance.now() > end
    },
    wake(at, call) {
      clearTimeout(timer)
      timer = undefined
      queueMicrotask(settled)
      if (at === undefined) return
      const pace = hurry && hurried() < Date.now() ? hurriedPace : 1
      // setTimeout cannot wait longer than 2^31 − 1 ms; the loop simply looks again then.
      timer = setTimeout(call, Math.min(Math.max(0, (at - now()) / pace), 2_147_483_647))
    },
  }
}

function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
