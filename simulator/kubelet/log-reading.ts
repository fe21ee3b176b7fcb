import type { LogOptions } from '../apiserver/api.ts'
import { kubeletError } from './kubelet-error.ts'
import { endsLine, formatLines, type LogLine, selectLines } from './logs.ts'
import { findPod } from './pod-lookup.ts'
import type { Instance } from './state.ts'
import type { Kubelet } from './world.ts'

const encoder = new TextEncoder()

/** The kubelet's `containerLogs`: picks the container and instance, writes its lines, follows. Refusals in the kubelet's words. */
export async function readLogs(
  kubelet: Kubelet,
  namespace: string,
  podName: string,
  options: LogOptions,
  write: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { instance } = chooseInstance(kubelet, namespace, podName, options)
  let budget = options.limitBytes ?? Number.POSITIVE_INFINITY
  let atLineStart = true
  const emit = async (lines: readonly LogLine[]) => {
    const last = lines.at(-1)
    if (!last || budget <= 0) return
    let text = formatLines(lines, options.timestamps, atLineStart)
    atLineStart = endsLine(last)
    if (budget !== Number.POSITIVE_INFINITY) {
      const bytes = encoder.encode(text)
      if (bytes.length > budget) text = new TextDecoder().decode(bytes.slice(0, budget))
      budget -= bytes.length
    }
    await write(text)
  }
  // Lines are counted from the first that was ever written, so that a trimmed log is not read twice.
  let next = instance.dropped + instance.log.length
  await emit(selectLines(instance.log, options, kubelet.world.clock.now()))
  if (!options.follow) return
  for (;;) {
    while (!signal.aborted && budget > 0) {
      const from = Math.max(0, next - instance.dropped)
      const lines = instance.log.slice(from)
      next = instance.dropped + instance.log.length
      if (lines.length === 0) break
      await emit(lines)
    }
    if (signal.aborted || budget <= 0 || instance.ended) return
    await changed(kubelet, instance, signal)
  }
}

/** Resolves at the next line, at the end of the container, or when given up. */
function changed(kubelet: Kubelet, instance: Instance, signal: AbortSignal): Promise<void> {
  const followers = kubelet.live.get(instance.id)?.followers
  if (!followers || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const wake = () => {
      followers.delete(wake)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    followers.add(wake)
    signal.addEventListener('abort', wake, { once: true })
  })
}

/** validateContainerLogStatus of kubelet_pods.go, over what the kubelet knows. */
function chooseInstance(kubelet: Kubelet, namespace: string, podName: string, options: LogOptions): { instance: Instance } {
  const { state, container } = findPod(kubelet, namespace, podName, options.container)
  const known = state?.containers[container.name]
  const quoted = `container "${container.name}" in pod "${podName}"`
  if (options.previous) {
    const previous = known?.waiting ? known.current : known?.previous
    if (!previous?.ended) throw kubeletError('BadRequest', `previous terminated ${quoted} not found`)
    return { instance: previous }
  }
  if (known?.current) return { instance: known.current }
  const reason = known?.waiting?.reason ?? 'ContainerCreating'
  const because =
    reason === 'ErrImagePull' ? "image can't be pulled" : reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : reason
  const initializing =
    !known?.waiting && state && !state.initialized && (kubelet.pods.get(state.uid)?.spec?.initContainers ?? []).length > 0
  throw kubeletError('BadRequest', `${quoted} is waiting to start: ${initializing ? 'PodInitializing' : because}`)
}
