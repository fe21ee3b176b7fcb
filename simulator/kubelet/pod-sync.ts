import type { Container, Pod } from 'kubernetes-types/core/v1'
import { blockedUntil, goDuration, nextBackOff } from './back-off.ts'
import { containerReference } from './container-reference.ts'
import { containerEnvironment, startInstance } from './containers.ts'
import { ContainerConfigError } from './environment.ts'
import { runHook } from './lifecycle-hooks.ts'
import { newMeterState } from './meter.ts'
import { networkProblem } from './node-status.ts'
import { isStatic } from './pod-source.ts'
import { isSidecar } from './pod-status.ts'
import { ensureImage } from './pulling.ts'
import { createSandbox, SandboxError } from './sandbox.ts'
import type { ContainerState, Instance, PodState } from './state.ts'
import { endPod, releasePod, stopAll, stopContainer, terminatePod } from './termination.ts'
import { VolumeError } from './volume-error.ts'
import { setUpVolumes } from './volumes.ts'
import { type Kubelet, podReference, podTitle } from './world.ts'

/** How long the kubelet takes to see that a container ended: its relist period. */
const relist = 1000

/** Brings the pod one step nearer to what its spec asks for. Called whenever something about it changed or a wait is over; harmless otherwise. */
export function syncPod(kubelet: Kubelet, uid: string): void {
  const pod = kubelet.pods.get(uid)
  if (!pod || kubelet.stopped) return
  const state = stateOf(kubelet, pod)
  if (!state) return
  if (state.over) return releasePod(kubelet, pod, state)
  if (pod.metadata?.deletionTimestamp || state.termination) return terminatePod(kubelet, pod, state)
  if (pastDeadline(kubelet, pod, state)) return terminatePod(kubelet, pod, state)
  if (waitsForFormerSelf(kubelet, pod, state)) return
  if (mounted(kubelet, pod, state) && networked(kubelet, pod, state)) startContainers(kubelet, pod, state)
  if (!state.over) kubelet.writeStatus(uid)
}

function stateOf(kubelet: Kubelet, pod: Pod): PodState | undefined {
  const uid = pod.metadata?.uid ?? ''
  const known = kubelet.state.pods[uid]
  if (known) return known
  const phase = pod.status?.phase
  if ((phase === 'Succeeded' || phase === 'Failed') && !pod.metadata?.deletionTimestamp) return undefined
  const state: PodState = {
    uid,
    namespace: pod.metadata?.namespace ?? 'default',
    name: pod.metadata?.name ?? '',
    startedAt: kubelet.world.clock.now(),
    containers: {},
    pulls: {},
    mountFailures: 0,
    initialized: false,
    over: false,
  }
  kubelet.state.pods[uid] = state
  const deadline = pod.spec?.activeDeadlineSeconds
  if (deadline !== undefined) kubelet.timers.set(`deadline/${uid}`, state.startedAt + deadline * 1000)
  return state
}

function pastDeadline(kubelet: Kubelet, pod: Pod, state: PodState): boolean {
  const seconds = pod.spec?.activeDeadlineSeconds
  const now = kubelet.world.clock.now()
  if (seconds === undefined || now < state.startedAt + seconds * 1000) return false
  const message = 'Pod was active on the node longer than the specified deadline'
  kubelet.events.record(podReference(pod), 'Normal', 'DeadlineExceeded', message)
  const grace = (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000
  state.termination = { since: now, deadline: now + grace, phase: 'Failed', reason: 'DeadlineExceeded', message }
  return true
}

function waitsForFormerSelf(kubelet: Kubelet, pod: Pod, state: PodState): boolean {
  if (!isStatic(pod)) return false
  return Object.values(kubelet.state.pods).some(
    (other) => other.uid !== state.uid && other.name === state.name && other.namespace === state.namespace && !other.over,
  )
}

/** A failed step is tried again after 10 to 15 s, as the kubelet's work queue does. */
function again(kubelet: Kubelet, uid: string): void {
  kubelet.syncAt(uid, kubelet.world.clock.now() + 10_000 + kubelet.world.random.below(5000))
}

function mounted(kubelet: Kubelet, pod: Pod, state: PodState): boolean {
  if (state.volumes) return true
  try {
    setUpVolumes(kubelet, pod, state)
    state.mountFailures = 0
    return true
  } catch (error) {
    if (!(error instanceof VolumeError)) throw error
    const now = kubelet.world.clock.now()
    const at = kubelet.timers.when(`pod/${state.uid}`)
    // Looked at for another reason before the retry is due: the volume's own back-off goes on.
    if (state.mountFailures > 0 && at !== undefined && at > now) return false
    kubelet.events.record(podReference(pod), 'Warning', 'FailedMount', error.message)
    // The volume manager's exponential back-off: 500 ms doubling to 2 min 2 s.
    kubelet.syncAt(state.uid, now + Math.min(500 * 2 ** state.mountFailures++, 122_000))
    return false
  }
}

function networked(kubelet: Kubelet, pod: Pod, state: PodState): boolean {
  if (state.sandbox) return true
  if (!pod.spec?.hostNetwork) {
    const problem = networkProblem(kubelet)
    if (problem) {
      // A new network configuration makes the kubelet look again at once.
      kubelet.events.record(podReference(pod), 'Warning', 'NetworkNotReady', `network is not ready: ${problem}`)
      return false
    }
  }
  try {
    state.sandbox = createSandbox(kubelet, pod)
    return true
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error
    const message = `Failed to create pod sandbox: rpc error: code = Unknown desc = ${error.message}`
    kubelet.events.record(podReference(pod), 'Warning', 'FailedCreatePodSandBox', message)
    again(kubelet, state.uid)
    return false
  }
}

function shouldRestart(policy: string, exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)
}

function startContainers(kubelet: Kubelet, pod: Pod, state: PodState): void {
  const spec = pod.spec ?? { containers: [] }
  const policy = spec.restartPolicy ?? 'Always'
  const ended = (name: string) => state.containers[name]?.current?.ended
  if (state.initialized && spec.containers.every(({ name }) => ended(name) && !shouldRestart(policy, ended(name)?.exitCode ?? 0))) {
    return finish(kubelet, pod, state)
  }
  for (const container of spec.initContainers ?? []) {
    const known = state.containers[container.name]
    const { current } = known ?? {}
    if (isSidecar(container)) {
      if (!current || current.ended) startContainer(kubelet, pod, state, container)
      if (!state.initialized && !state.containers[container.name]?.current?.started) return
      continue
    }
    if (state.initialized || current?.ended?.exitCode === 0) continue
    if (current && !current.ended) return
    if (current?.ended && policy === 'Never') return finish(kubelet, pod, state)
    startContainer(kubelet, pod, state, container)
    return
  }
  state.initialized = true
  for (const container of spec.containers) {
    const { current } = state.containers[container.name] ?? {}
    if (!current || (current.ended && shouldRestart(policy, current.ended.exitCode))) startContainer(kubelet, pod, state, container)
  }
  for (const container of (spec.ephemeralContainers ?? []) as Container[]) {
    if (!state.containers[container.name]?.current) startContainer(kubelet, pod, state, container)
  }
}

/** No main container will run again: sidecars are stopped, then the pod is over. */
function finish(kubelet: Kubelet, pod: Pod, state: PodState): void {
  const grace = (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000
  if (stopAll(kubelet, pod, state, kubelet.world.clock.now() + grace)) endPod(kubelet, pod, state)
}

function startContainer(kubelet: Kubelet, pod: Pod, state: PodState, container: Container): void {
  const { clock, random } = kubelet.world
  const now = clock.now()
  state.containers[container.name] ??= { name: container.name, restarts: 0, probes: {} }
  const known = state.containers[container.name] as ContainerState
  const about = containerReference(pod, container.name)
  const ended = known.current?.ended
  if (ended) {
    if (now < ended.at + relist) return kubelet.syncAt(state.uid, ended.at + relist)
    const until = blockedUntil(known.backOff, ended.at)
    if (until !== undefined && until > now) {
      if (known.waiting?.reason !== 'CrashLoopBackOff') {
        kubelet.events.record(about, 'Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${podTitle(pod)}`)
      }
      const delay = goDuration(known.backOff?.delay ?? 0)
      known.waiting = {
        reason: 'CrashLoopBackOff',
        message: `back-off ${delay} restarting failed container=${container.name} pod=${podTitle(pod)}`,
      }
      return kubelet.syncAt(state.uid, until)
    }
  }
  const image = ensureImage(kubelet, pod, state, container, known)
  if (!image) return
  let env: Record<string, string>
  try {
    env = containerEnvironment(kubelet, pod, state, container)
  } catch (error) {
    if (!(error instanceof ContainerConfigError)) throw error
    known.waiting = { reason: 'CreateContainerConfigError', message: error.message }
    kubelet.events.record(about, 'Warning', 'Failed', `Error: ${error.message}`)
    return again(kubelet, state.uid)
  }
  if (ended) {
    kubelet.refreshVolumes(state.uid)
    known.backOff = nextBackOff(known.backOff, ended.at, now)
    known.restarts++
    known.previous = known.current
  }
  const instance: Instance = {
    id: random.hex(64),
    image: image.full,
    imageId: image.id,
    startedAt: now,
    env,
    started: false,
    ready: false,
    log: [],
    dropped: 0,
    files: {},
    frozen: {},
    daemon: {},
    meter: newMeterState(now),
  }
  known.current = instance
  delete known.waiting
  kubelet.events.record(about, 'Normal', 'Created', `Created container: ${container.name}`)
  const problem = startInstance(kubelet, pod, state, container, instance, false)
  if (problem !== undefined) {
    known.waiting = { reason: 'RunContainerError', message: problem }
    kubelet.events.record(about, 'Warning', 'Failed', `Error: ${problem}`)
    return kubelet.syncAt(state.uid, now + relist)
  }
  kubelet.events.record(about, 'Normal', 'Started', `Started container ${container.name}`)
  afterStart(kubelet, pod, state, container, instance)
}

function afterStart(kubelet: Kubelet, pod: Pod, state: PodState, container: Container, instance: Instance): void {
  const hook = container.lifecycle?.postStart
  const live = kubelet.live.get(instance.id)
  if (!hook || !live) return
  runHook(kubelet, live, container, hook, (problem) => {
    if (problem === undefined || instance.ended || kubelet.stopped) return
    kubelet.events.record(containerReference(pod, container.name), 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
    const killAt = kubelet.world.clock.now() + (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000
    stopContainer(kubelet, pod, state, container, killAt, 'FailedPostStartHook')
  })
}
