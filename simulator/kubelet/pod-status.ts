import type {
  ContainerState as ApiContainerState,
  Container,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from 'kubernetes-types/core/v1'
import { timestamp } from '../kubernetes.ts'
import type { ContainerState, Instance, PodState } from './state.ts'

export interface StatusContext {
  readonly now: number
  readonly hostAddresses: readonly string[]
}

/** A sidecar: an init container that goes on. */
export function isSidecar(container: Container): boolean {
  return (container as Container & { restartPolicy?: string }).restartPolicy === 'Always'
}

/** The whole pod status from what the kubelet knows, as kubelet_pods.go and status/generate.go compute it. Pure; keeps what others wrote. */
export function podStatus(pod: Pod, state: PodState, context: StatusContext): PodStatus {
  const previous = pod.status ?? {}
  const spec = pod.spec ?? { containers: [] }
  const hasInit = (spec.initContainers ?? []).some((container) => !isSidecar(container))
  const initStatuses = (spec.initContainers ?? []).map((container) =>
    containerStatus(container, state.containers[container.name], { waiting: 'PodInitializing', init: true, over: state.over }),
  )
  const statuses = spec.containers.map((container) =>
    containerStatus(container, state.containers[container.name], {
      waiting: hasInit || (spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating',
      init: false,
      over: state.over,
    }),
  )
  // No probe makes an ephemeral container ready, and its status never says that it is.
  const ephemeral = (spec.ephemeralContainers ?? []).map((container) => {
    const options = { waiting: 'ContainerCreating', init: false, over: state.over }
    const { started: _, ...status } = containerStatus(container as Container, state.containers[container.name], options)
    return { ...status, ready: false }
  })
  const phase = state.termination?.phase ?? podPhase(pod, initStatuses, statuses, state)
  const addresses = spec.hostNetwork ? (state.sandbox ? context.hostAddresses : []) : (state.sandbox?.addresses ?? [])
  const conditions = podConditions(pod, state, phase, initStatuses, statuses, context.now)
  const generation = (pod.metadata as { generation?: number } | undefined)?.generation
  const { podIP: _ip, podIPs: _ips, reason: _reason, message: _message, ...kept } = previous
  return {
    ...kept,
    ...(generation !== undefined ? { observedGeneration: generation } : {}),
    phase,
    ...(state.termination?.reason ? { reason: state.termination.reason, message: state.termination.message } : {}),
    conditions,
    hostIP: context.hostAddresses[0],
    hostIPs: context.hostAddresses.map((ip) => ({ ip })),
    ...(addresses.length > 0 ? { podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) } : {}),
    startTime: timestamp(state.startedAt),
    ...(initStatuses.length > 0 ? { initContainerStatuses: initStatuses } : {}),
    containerStatuses: statuses,
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    qosClass: previous.qosClass ?? qosClass(pod),
  } as PodStatus
}

function containerStatus(
  container: Container,
  state: ContainerState | undefined,
  options: { waiting: string; init: boolean; over: boolean },
): ContainerStatus {
  const current = state?.current
  const waiting = state?.waiting
  let now: ApiContainerState
  let last: Instance | undefined
  if (current && !current.ended) {
    now = { running: { startedAt: timestamp(current.startedAt) } }
    last = state?.previous
  } else if (current && (!waiting || options.over)) {
    now = terminatedState(current)
    last = state?.previous
  } else {
    now = { waiting: waiting ?? { reason: options.waiting } }
    last = current
  }
  const succeeded = current?.ended?.exitCode === 0
  const running = Boolean(now.running)
  const mounts = (container.volumeMounts ?? []).map((mount) => ({
    name: mount.name,
    mountPath: mount.mountPath,
    ...(mount.readOnly ? { readOnly: true, recursiveReadOnly: 'Disabled' } : {}),
  }))
  return {
    name: container.name,
    state: now,
    lastState: last?.ended ? terminatedState(last) : {},
    ready: options.init && !isSidecar(container) ? Boolean(now.terminated) && succeeded : running && Boolean(current?.ready),
    restartCount: state?.restarts ?? 0,
    image: current?.image ?? container.image ?? '',
    imageID: current?.imageId ?? '',
    ...(current ? { containerID: `containerd://${current.id}` } : {}),
    started: running && Boolean(current?.started),
    ...(current && container.resources && Object.keys(container.resources).length > 0 ? { resources: container.resources } : {}),
    ...(current && mounts.length > 0 ? { volumeMounts: mounts } : {}),
  } as ContainerStatus
}

function terminatedState(instance: Instance): ApiContainerState {
  const ended = instance.ended
  if (!ended) return {}
  return {
    terminated: {
      exitCode: ended.exitCode,
      ...(ended.signal ? { signal: ended.signal } : {}),
      reason: ended.reason,
      ...(ended.message ? { message: ended.message } : {}),
      startedAt: timestamp(instance.startedAt),
      finishedAt: timestamp(ended.at),
      containerID: `containerd://${instance.id}`,
    },
  }
}

/** getPhase of kubelet_pods.go. */
function podPhase(pod: Pod, init: readonly ContainerStatus[], main: readonly ContainerStatus[], state: PodState): string {
  const policy = pod.spec?.restartPolicy ?? 'Always'
  const sidecars = new Set((pod.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name))
  let pendingInit = 0
  let pendingSidecars = 0
  let failedInit = 0
  let running = 0
  let waiting = 0
  let stopped = 0
  let succeeded = 0
  for (const status of init) {
    const { state: now, lastState } = status
    if (sidecars.has(status.name)) {
      if (now?.running) {
        running++
        if (!status.started) pendingSidecars++
      } else if (now?.waiting && !lastState?.terminated) {
        pendingSidecars++
        waiting++
      }
      continue
    }
    const ended = now?.terminated ?? (now?.waiting ? lastState?.terminated : undefined)
    if (!ended) pendingInit++
    else if (ended.exitCode !== 0) failedInit++
  }
  for (const { state: now, lastState } of main) {
    if (now?.running) running++
    else if (now?.terminated) {
      stopped++
      if (now.terminated.exitCode === 0) succeeded++
    } else if (lastState?.terminated) stopped++
    else waiting++
  }
  if (failedInit > 0 && policy === 'Never') return 'Failed'
  if (pendingInit > 0 || (pendingSidecars > 0 && !state.initialized) || waiting > 0) {
    return state.over && state.termination ? 'Failed' : 'Pending'
  }
  if (running > 0) return 'Running'
  if (stopped > 0) {
    if (state.over && state.termination) return stopped === succeeded ? 'Succeeded' : 'Failed'
    if (policy === 'Always') return 'Running'
    if (stopped === succeeded) return 'Succeeded'
    return policy === 'Never' ? 'Failed' : 'Running'
  }
  return 'Pending'
}

function podConditions(
  pod: Pod,
  state: PodState,
  phase: string,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  now: number,
): PodCondition[] {
  const previous = pod.status?.conditions ?? []
  const generation = (pod.metadata as { generation?: number } | undefined)?.generation
  const ended = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined
  const condition = (type: string, status: 'True' | 'False', reason?: string, message?: string): PodCondition => {
    const before = previous.find((one) => one.type === type)
    return {
      type,
      ...(generation !== undefined ? { observedGeneration: generation } : {}),
      status,
      lastProbeTime: null as unknown as string,
      lastTransitionTime: before && before.status === status && before.lastTransitionTime ? before.lastTransitionTime : timestamp(now),
      ...(reason ? { reason } : {}),
      ...(message ? { message } : {}),
    } as PodCondition
  }
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name)
  const incomplete = init
    .filter((status) => (sidecars.includes(status.name) ? !status.started && !state.initialized : !status.ready))
    .map(({ name }) => name)
  const unready = [...init.filter(({ name, ready }) => sidecars.includes(name) && !ready), ...main.filter(({ ready }) => !ready)].map(
    ({ name }) => name,
  )

  const initialized =
    ended === 'PodCompleted'
      ? condition('Initialized', 'True', 'PodCompleted')
      : incomplete.length === 0 || state.initialized
        ? condition('Initialized', 'True')
        : condition('Initialized', 'False', 'ContainersNotInitialized', `containers with incomplete status: [${incomplete.join(' ')}]`)
  const containersReady = ended
    ? condition('ContainersReady', 'False', ended)
    : unready.length > 0
      ? condition('ContainersReady', 'False', 'ContainersNotReady', `containers with unready status: [${unready.join(' ')}]`)
      : condition('ContainersReady', 'True')
  const gates = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const met = previous.find(({ type }) => type === conditionType)
    if (!met) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    return met.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${met.status}`]
  })
  const ready =
    containersReady.status !== 'True'
      ? condition('Ready', 'False', containersReady.reason, containersReady.message)
      : gates.length > 0
        ? condition('Ready', 'False', 'ReadinessGatesNotReady', gates.join(', '))
        : condition('Ready', 'True')
  const own = [
    condition('PodReadyToStartContainers', state.sandbox && !state.over ? 'True' : 'False'),
    initialized,
    ready,
    containersReady,
    previous.find(({ type }) => type === 'PodScheduled') ?? condition('PodScheduled', 'True'),
  ]
  const types = new Set(own.map(({ type }) => type))
  return [...own, ...previous.filter(({ type }) => !types.has(type))]
}

export function qosClass(pod: Pod): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])]
  let any = false
  let guaranteed = true
  for (const { resources } of containers) {
    const limits = resources?.limits ?? {}
    const requests = { ...limits, ...(resources?.requests ?? {}) }
    for (const name of ['cpu', 'memory']) {
      if (limits[name] || requests[name]) any = true
      if (!limits[name] || requests[name] !== limits[name]) guaranteed = false
    }
  }
  return !any ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable'
}
