import type { Container, Pod } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import { containerOf, containerReference } from './container-reference.ts'
import { runHook } from './lifecycle-hooks.ts'
import { isStatic } from './pod-source.ts'
import { isSidecar } from './pod-status.ts'
import { endForwards } from './port-forward.ts'
import { removeSandbox } from './sandbox.ts'
import type { PodState } from './state.ts'
import { flushStatus } from './status-writer.ts'
import type { Kubelet } from './world.ts'

const killKey = (uid: string) => `kill/${uid}`

/** Stops one container: preStop, SIGTERM, and SIGKILL when the grace is over. Again with less grace: sooner. */
export function stopContainer(kubelet: Kubelet, pod: Pod, state: PodState, container: Container, killAt: number, message: string): void {
  const instance = state.containers[container.name]?.current
  const live = instance && kubelet.live.get(instance.id)
  if (!instance || instance.ended || !live) return
  if (instance.stopping) {
    if (killAt < instance.stopping.killAt) {
      instance.stopping = { ...instance.stopping, killAt }
      armKill(kubelet, state)
    }
    return
  }
  kubelet.events.record(containerReference(pod, container.name), 'Normal', 'Killing', message)
  instance.stopping = { killAt, termSent: false }
  armKill(kubelet, state)
  const term = () => {
    if (instance.ended || !instance.stopping) return
    instance.stopping = { ...instance.stopping, termSent: true }
    live.main.kill('SIGTERM')
  }
  const hook = container.lifecycle?.preStop
  // Without any grace there is no time for a hook.
  if (!hook || killAt <= kubelet.world.clock.now()) return term()
  runHook(kubelet, live, container, hook, (problem) => {
    if (problem) kubelet.events.record(containerReference(pod, container.name), 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
    term()
  })
}

/** After a restore: what was being stopped gets its SIGTERM (again), as a preStop hook that was running is lost. */
export function resumeStopping(kubelet: Kubelet, state: PodState): void {
  for (const { current } of Object.values(state.containers)) {
    if (current?.stopping && !current.ended) kubelet.live.get(current.id)?.main.kill('SIGTERM')
  }
}

export function restartUnhealthy(kubelet: Kubelet, pod: Pod, state: PodState, container: Container, message: string): void {
  const probe = (message.includes('startup') ? container.startupProbe : container.livenessProbe) as
    | { terminationGracePeriodSeconds?: number }
    | undefined
  const seconds = probe?.terminationGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30
  stopContainer(kubelet, pod, state, container, kubelet.world.clock.now() + seconds * 1000, message)
}

function armKill(kubelet: Kubelet, state: PodState): void {
  const times = Object.values(state.containers).flatMap(({ current }) =>
    current?.stopping && !current.ended ? [current.stopping.killAt] : [],
  )
  if (times.length === 0) kubelet.timers.clear(killKey(state.uid))
  else kubelet.timers.set(killKey(state.uid), Math.min(...times))
}

/** The kill timer of a pod fired. */
export function killOverdue(kubelet: Kubelet, uid: string): void {
  const state = kubelet.state.pods[uid]
  if (!state) return
  const now = kubelet.world.clock.now()
  for (const { current } of Object.values(state.containers)) {
    if (current?.stopping && !current.ended && current.stopping.killAt <= now) kubelet.live.get(current.id)?.main.kill('SIGKILL')
  }
  armKill(kubelet, state)
}

/** Whether every container has ended; if not, goes on stopping them: first all that are no sidecars, then sidecars from the last to the first. */
export function stopAll(kubelet: Kubelet, pod: Pod, state: PodState, killAt: number): boolean {
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name))
  const running = Object.values(state.containers).filter(({ current }) => current && !current.ended)
  if (running.length === 0) return true
  const first = running.filter(({ name }) => !sidecars.has(name))
  const order = (pod.spec?.initContainers ?? []).map(({ name }) => name)
  const last = running.sort((a, b) => order.indexOf(b.name) - order.indexOf(a.name))[0]
  for (const { name } of first.length > 0 ? first : last ? [last] : []) {
    const container = containerOf(pod, name)
    if (container) stopContainer(kubelet, pod, state, container, killAt, `Stopping container ${name}`)
  }
  return false
}

/** The pod is being deleted, or has to end by itself (`state.termination` is set then). Called until it is over. */
export function terminatePod(kubelet: Kubelet, pod: Pod, state: PodState): void {
  const now = kubelet.world.clock.now()
  const grace = pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30
  const since = state.termination?.since ?? now
  const deleted = pod.metadata?.deletionTimestamp !== undefined
  const deadline = deleted
    ? Math.min(state.termination?.deadline ?? Number.POSITIVE_INFINITY, since + grace * 1000)
    : (state.termination?.deadline ?? now)
  state.termination = { ...state.termination, since, deadline }
  for (const known of Object.values(state.containers)) {
    delete known.probes.liveness
    delete known.probes.startup
  }
  if (stopAll(kubelet, pod, state, deadline)) endPod(kubelet, pod, state)
  else kubelet.writeStatus(state.uid)
}

/** Every container has ended for good. */
export function endPod(kubelet: Kubelet, pod: Pod, state: PodState): void {
  state.over = true
  for (const known of Object.values(state.containers)) known.probes = {}
  endForwards(kubelet, state.uid)
  removeSandbox(kubelet, pod, state)
  for (const name of Object.keys(state.volumes ?? {})) kubelet.volumes.delete(`${state.uid}/${name}`)
  for (const key of [`pod/${state.uid}`, killKey(state.uid), `volumes/${state.uid}`, `deadline/${state.uid}`]) kubelet.timers.clear(key)
  flushStatus(kubelet, state.uid)
  releasePod(kubelet, pod, state)
}

/** Removes the object of a deleted pod whose containers are gone; what is left of it goes with the DELETED event. */
export function releasePod(kubelet: Kubelet, pod: Pod, state: PodState): void {
  if (isStatic(pod)) {
    if (state.termination) forgetPod(kubelet, state.uid)
    return
  }
  if (!kubelet.pods.has(state.uid) || pod.metadata?.deletionTimestamp === undefined) return
  try {
    kubelet.world.api.delete('pods', state.namespace, state.name, { gracePeriodSeconds: 0, preconditions: { uid: state.uid } })
  } catch (error) {
    // Removed by force meanwhile, and perhaps replaced by another of the same name.
    if (!(error instanceof StatusError) || (error.reason !== 'NotFound' && error.reason !== 'Conflict')) throw error
    forgetPod(kubelet, state.uid)
  }
}

export function forgetPod(kubelet: Kubelet, uid: string): void {
  const state = kubelet.state.pods[uid]
  delete kubelet.state.pods[uid]
  kubelet.pods.delete(uid)
  kubelet.events.forget(uid)
  for (const other of Object.values(kubelet.state.pods)) {
    // A static pod waits until its former self of the same name is gone.
    if (state && other.name === state.name && other.namespace === state.namespace) kubelet.sync(other.uid)
  }
}
