import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeletApi, WatchEvent } from '../apiserver/api.ts'
import type { Closer } from '../clock.ts'
import { eventRecorder } from '../events/recorder.ts'
import { sameJson } from '../json.ts'
import type { KubeObject } from '../kubernetes.ts'
import type { FileTree } from '../memory-files.ts'
import { containerOf } from './container-reference.ts'
import { startInstance } from './containers.ts'
import { startAttach, startExec } from './exec.ts'
import { openListeners } from './listeners.ts'
import { readLogs } from './log-reading.ts'
import { announceStart, renewLease, reportNode } from './node-status.ts'
import { liveContainer } from './pod-lookup.ts'
import { isMirror, isStatic } from './pod-source.ts'
import { syncPod } from './pod-sync.ts'
import { endForwards, portForwarder } from './port-forward.ts'
import { armProbes, disturb, resumeBeat, resumeProbes, runDueProbes } from './probing.ts'
import type { Place } from './runtime/run-process.ts'
import { serveKubelet } from './serve.ts'
import { type NodeState, newNodeState, type PodState } from './state.ts'
import { copyState } from './state-copy.ts'
import { ensureMirror, manifestFolder, readManifests } from './static-pods.ts'
import { flushStatus } from './status-writer.ts'
import { forgetPod, killOverdue, resumeStopping, terminatePod } from './termination.ts'
import { followedBy, isOutdated, liveVolume, refreshVolume, renewTokens } from './volumes.ts'
import type { Kubelet, KubeletWorld } from './world.ts'

/** Plain JSON: all that a kubelet needs to go on where it was. Its durable timers are the clock's. */
export type KubeletSnapshot = NodeState

export interface RunningKubelet {
  readonly api: KubeletApi
  snapshot(): KubeletSnapshot
  /** The files of what runs here, as immutable trees: another tree means that something was written. */
  trees(): FileTree[]
  /** Brings the node's Lease to what a real kubelet would have written by now; see `renewLease`. */
  renewLease(): void
  /** Where the processes of a pod's container run: its files, environment and network. Refuses as exec does. */
  place(namespace: string, pod: string, container?: string): Place
  /** The kubelet's own process ends, as by `systemctl stop kubelet`: containers run on, and nobody looks after them. */
  halt(): void
  /** It runs again, and catches up. */
  proceed(): void
  readonly halted: boolean
  /** How much runs here, for the node's process list. */
  containers(): number
  /** Ends it and all it runs without a word to anybody: the machine is off. */
  stop(): void
}

/**
 * A node's kubelet with its container runtime. Given a snapshot it goes on from there: daemons are resumed from their state, commands
 * start anew, and neither counts as a restart. The machine, the node's files and the clock's timers must have been restored before.
 */
export function createKubelet(world: KubeletWorld, snapshot?: KubeletSnapshot): RunningKubelet {
  const { clock, api, random, node } = world
  const state: NodeState = snapshot ? copyState(snapshot) : newNodeState(clock.now())
  const queued = new Set<string>()
  const dirty = new Set<string>()
  const aware = new Set<string>()
  let flushing = false
  let gone = false

  const flush = () => {
    flushing = false
    const uids = [...dirty]
    dirty.clear()
    for (const uid of uids) {
      const pod = kubelet.pods.get(uid)
      if (pod && isStatic(pod) && !kubelet.state.pods[uid]?.termination && !ensureMirror(kubelet, pod)) {
        kubelet.syncAt(uid, clock.now() + 10_000 + random.below(5000))
        continue
      }
      flushStatus(kubelet, uid)
    }
  }

  const timers = clock.timers(`kubelet/${node}`, (key) => {
    if (kubelet.stopped) return
    const uid = key.slice(key.indexOf('/') + 1)
    if (key === 'probes') runDueProbes(kubelet)
    else if (key === 'tokens') renewDueTokens(kubelet, false)
    else if (key.startsWith('kill/')) killOverdue(kubelet, uid)
    else if (key.startsWith('volumes/')) kubelet.refreshVolumes(uid)
    else kubelet.sync(uid)
  })

  const kubelet: Kubelet = {
    world,
    state,
    events: eventRecorder(api, clock, { component: 'kubelet', host: node }, state.events),
    timers,
    hostAddresses: world.addresses ?? world.machine.root.sockets.addresses().slice(0, 1),
    pods: new Map(),
    live: new Map(),
    volumes: new Map(),
    forwards: new Map(),
    watches: [],
    probedAtStir: -1,
    get stopped() {
      return gone || state.halted
    },
    sync(uid) {
      disturb(kubelet)
      if (queued.has(uid) || kubelet.stopped) return
      queued.add(uid)
      clock.soon(() => {
        queued.delete(uid)
        syncPod(kubelet, uid)
      })
    },
    syncAt(uid, at) {
      const set = timers.when(`pod/${uid}`)
      if (set === undefined || at < set || set <= clock.now()) timers.set(`pod/${uid}`, at)
    },
    tokensDueAt(at) {
      const set = timers.when('tokens')
      if (set === undefined || at < set) timers.set('tokens', at)
    },
    refreshVolumes(uid) {
      const pod = kubelet.pods.get(uid)
      if (timers.when(`volumes/${uid}`) === undefined && !aware.has(uid)) return
      aware.delete(uid)
      timers.clear(`volumes/${uid}`)
      for (const volume of pod?.spec?.volumes ?? []) if (pod && isOutdated(kubelet, pod, volume)) refreshVolume(kubelet, pod, volume)
    },
    writeStatus(uid) {
      dirty.add(uid)
      if (flushing) return
      flushing = true
      // A timer of this moment runs when everything of this instant has been done: one write per pod and instant.
      clock.after(0, () => kubelet.stopped || flush())
    },
  }

  for (const { uid, pod } of Object.values(state.manifests)) kubelet.pods.set(uid, pod)
  if (!state.halted) reportNode(kubelet)
  if (!snapshot) renewLease(kubelet)
  watchFiles(kubelet)
  watchSources(kubelet, aware)
  kubelet.watches.push(
    api.watch<KubeObject & Pod>('pods', (event) => kubelet.stopped || podChanged(kubelet, event), {
      fieldSelector: `spec.nodeName=${node}`,
      initial: true,
    }),
  )
  if (snapshot) {
    for (const pod of api.list<KubeObject & Pod>('pods', { fieldSelector: `spec.nodeName=${node}` })) {
      if (!isMirror(pod)) kubelet.pods.set(pod.metadata?.uid ?? '', pod)
    }
    for (const { uid, gone: pod } of Object.values(state.pods)) if (pod) kubelet.pods.set(uid, pod)
    resumeBeat(kubelet)
    for (const one of Object.values(state.pods)) resume(kubelet, one)
    if (world.foreignTokens) renewDueTokens(kubelet, true)
    resumeProbes(kubelet)
  }
  let listeners: Closer | undefined
  if (!state.halted) {
    readManifests(kubelet)
    listeners = openListeners(kubelet)
  }

  return {
    api: {
      logs: (...request) => {
        disturb(kubelet)
        return readLogs(kubelet, ...request)
      },
      exec: (...request) => {
        disturb(kubelet)
        return startExec(kubelet, ...request)
      },
      attach: (...request) => {
        disturb(kubelet)
        return startAttach(kubelet, ...request)
      },
      portForward: (...request) => {
        disturb(kubelet)
        return portForwarder(kubelet, ...request)
      },
      serve: (method, path) => serveKubelet(kubelet, method, path),
    },
    place: (namespace, pod, container) => liveContainer(kubelet, namespace, pod, container).place,
    snapshot: () => takeSnapshot(kubelet),
    trees: () => [...kubelet.live.values()].map(({ files }) => files.tree),
    renewLease: () => kubelet.stopped || renewLease(kubelet),
    get halted() {
      return state.halted
    },
    halt() {
      if (kubelet.stopped) return
      renewLease(kubelet)
      state.halted = true
      listeners?.close()
    },
    proceed() {
      if (gone || !state.halted) return
      state.halted = false
      listeners = openListeners(kubelet)
      startAgain(kubelet)
    },
    containers: () => kubelet.live.size,
    stop() {
      gone = true
      listeners?.close()
      for (const watch of kubelet.watches) watch.close()
      for (const uid of [...kubelet.forwards.keys()]) endForwards(kubelet, uid)
      for (const { main, place } of kubelet.live.values()) {
        main.stop()
        for (const process of [...place.processes]) process.kill('SIGKILL')
      }
      kubelet.live.clear()
    },
  }
}

/** Renews tokens in volumes, all or those that are due, and looks for when the next ones are. */
function renewDueTokens(kubelet: Kubelet, all: boolean): void {
  let next: number | undefined
  for (const state of Object.values(kubelet.state.pods)) {
    const pod = kubelet.pods.get(state.uid)
    if (!pod || state.over) continue
    renewTokens(kubelet, pod, state, all)
    for (const volume of Object.values(state.volumes ?? {})) {
      if (volume.kind === 'files' && volume.refreshAt) next = Math.min(next ?? volume.refreshAt, volume.refreshAt)
    }
  }
  if (next !== undefined) kubelet.tokensDueAt(next)
}

/** What a kubelet does that finds containers of its former self: it registers, reads every pod anew, and looks at each. */
function startAgain(kubelet: Kubelet): void {
  const { api, node } = kubelet.world
  renewLease(kubelet)
  reportNode(kubelet)
  announceStart(kubelet)
  readManifests(kubelet)
  const listed = new Map(
    api.list<KubeObject & Pod>('pods', { fieldSelector: `spec.nodeName=${node}` }).map((pod) => [pod.metadata?.uid ?? '', pod]),
  )
  for (const pod of listed.values()) podChanged(kubelet, { type: 'ADDED', object: pod })
  for (const [uid, pod] of [...kubelet.pods]) {
    if (!listed.has(uid) && !isStatic(pod)) podGone(kubelet, pod, uid)
    else {
      kubelet.sync(uid)
      kubelet.writeStatus(uid)
    }
    killOverdue(kubelet, uid)
  }
  armProbes(kubelet)
}

function podChanged(kubelet: Kubelet, event: WatchEvent<KubeObject & Pod>): void {
  const pod = event.object
  const uid = pod.metadata?.uid ?? ''
  if (isMirror(pod)) {
    // Somebody deleted the mirror of a static pod: the pod runs on, and is shown again.
    const shows = pod.metadata?.annotations?.['kubernetes.io/config.mirror'] ?? ''
    if ((event.type === 'DELETED' || pod.metadata?.deletionTimestamp) && kubelet.pods.has(shows)) kubelet.writeStatus(shows)
    return
  }
  if (event.type === 'DELETED') return podGone(kubelet, pod, uid)
  const before = kubelet.pods.get(uid)
  kubelet.pods.set(uid, pod)
  if (!before || !kubelet.state.pods[uid]) return kubelet.sync(uid)
  const [a, b] = [before.metadata, pod.metadata]
  const same =
    a?.deletionTimestamp === b?.deletionTimestamp &&
    a?.deletionGracePeriodSeconds === b?.deletionGracePeriodSeconds &&
    sameJson(before.spec, pod.spec) &&
    sameJson(a?.annotations, b?.annotations) &&
    sameJson(a?.labels, b?.labels)
  if (!same) {
    // The kubelet remounts volumes whenever the pod itself was changed.
    kubelet.refreshVolumes(uid)
    kubelet.sync(uid)
  } else if (pod.spec?.readinessGates?.length) kubelet.writeStatus(uid)
}

/** Gone from the API: what still runs is stopped with the least grace, then nothing is left. */
function podGone(kubelet: Kubelet, pod: Pod, uid: string): void {
  const state = kubelet.state.pods[uid]
  if (!state || state.over) return forgetPod(kubelet, uid)
  const now = kubelet.world.clock.now()
  state.termination = { since: now, deadline: now + 1000 }
  state.gone = {
    ...pod,
    metadata: { ...pod.metadata, deletionTimestamp: pod.metadata?.deletionTimestamp ?? 'gone', deletionGracePeriodSeconds: 1 },
  }
  kubelet.pods.set(uid, state.gone)
  terminatePod(kubelet, state.gone, state)
  if (state.over) forgetPod(kubelet, uid)
}

function watchFiles(kubelet: Kubelet): void {
  const { files, clock } = kubelet.world
  let readQueued = false
  kubelet.watches.push(
    files.watch(manifestFolder, () => {
      if (readQueued || kubelet.stopped) return
      readQueued = true
      clock.soon(() => {
        readQueued = false
        if (!kubelet.stopped) readManifests(kubelet)
      })
    }),
    files.watch('/etc/cni/net.d', () => {
      disturb(kubelet)
      clock.soon(() => {
        if (kubelet.stopped) return
        reportNode(kubelet)
        for (const state of Object.values(kubelet.state.pods)) if (!state.sandbox && !state.over) kubelet.sync(state.uid)
      })
    }),
  )
}

/** ConfigMaps and Secrets reach mounted volumes with the next sync of the pod, 60 to 90 s later: a timer only where something changed. */
function watchSources(kubelet: Kubelet, aware: Set<string>): void {
  const { api, clock, random } = kubelet.world
  for (const [resource, kind] of [
    ['configmaps', 'configMap'],
    ['secrets', 'secret'],
  ] as const) {
    kubelet.watches.push(
      api.watch(resource, ({ object }) => {
        if (kubelet.stopped) return
        const { name = '', namespace } = object.metadata ?? {}
        for (const state of Object.values(kubelet.state.pods)) {
          if (state.namespace !== namespace || state.over || !state.volumes) continue
          const pod = kubelet.pods.get(state.uid)
          const concerned = pod?.spec?.volumes?.some(
            (volume) => followedBy(volume, kind).includes(name) && isOutdated(kubelet, pod, volume),
          )
          if (!concerned) continue
          aware.add(state.uid)
          disturb(kubelet)
          const key = `volumes/${state.uid}`
          if (kubelet.timers.when(key) === undefined) kubelet.timers.set(key, clock.now() + 60_000 + random.below(30_000))
        }
      }),
    )
  }
}

/** After a restore: volumes and running containers are made anew from the state. */
function resume(kubelet: Kubelet, state: PodState): void {
  const pod = kubelet.pods.get(state.uid)
  if (!pod || state.over) return
  for (const name of Object.keys(state.volumes ?? {})) liveVolume(kubelet, state, name)
  for (const known of Object.values(state.containers)) {
    const container = containerOf(pod, known.name)
    const instance = known.current
    if (!container || !instance || instance.ended) continue
    startInstance(kubelet, pod, state, container, instance, true)
  }
  resumeStopping(kubelet, state)
  if (state.termination) kubelet.sync(state.uid)
}

function takeSnapshot(kubelet: Kubelet): KubeletSnapshot {
  return copyState(kubelet.state, {
    files: ({ id }) => kubelet.live.get(id)?.files.snapshot(),
    volume: (uid, name) => kubelet.volumes.get(`${uid}/${name}`)?.files.snapshot(),
  })
}
