import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import type { Column } from '../definition.ts'
import { humanDuration } from '../duration.ts'
import type { Plain } from '../plain.ts'

/** What `kubectl get pods` sums up of a pod. `lastRestart` is ms since the epoch, 0 where there was none. */
interface Summary {
  readonly ready: number
  readonly total: number
  readonly status: string
  readonly restarts: number
  readonly lastRestart: number
}

const summaries = new WeakMap<object, Summary>()

/** After pkg/printers/internalversion printPod. Objects never change, so a summary is made once for the three columns that show it. */
export function summarizePod(pod: Plain<Pod>): Summary {
  const known = summaries.get(pod)
  if (known) return known
  const summary = summarize(pod)
  summaries.set(pod, summary)
  return summary
}

function summarize(pod: Plain<Pod>): Summary {
  const { conditions = [], initContainerStatuses = [], containerStatuses = [], phase = '', reason } = pod.status ?? {}
  const initContainers = pod.spec?.initContainers ?? []
  const isSidecar = (name: string) => initContainers.find((container) => container.name === name)?.restartPolicy === 'Always'
  let status = reason || phase
  if (conditions.some((condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated'))
    status = 'SchedulingGated'
  const total = (pod.spec?.containers ?? []).length + initContainers.filter((container) => container.restartPolicy === 'Always').length
  let ready = 0
  let restarts = tally(initContainerStatuses)
  let initializing = false
  for (const [index, container] of initContainerStatuses.entries()) {
    const { terminated, waiting } = container.state ?? {}
    if (terminated?.exitCode === 0) continue
    if (isSidecar(container.name) && container.started) {
      if (container.ready) ready++
      continue
    }
    initializing = true
    // Restarts are counted up to the container that the pod is waiting for.
    restarts = tally(initContainerStatuses.slice(0, index + 1))
    if (terminated) status = `Init:${terminationReason(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') status = `Init:${waiting.reason}`
    else status = `Init:${index}/${initContainers.length}`
    break
  }
  if (!initializing || conditions.some((condition) => condition.type === 'Initialized' && condition.status === 'True')) {
    restarts = tally([...initContainerStatuses.filter((container) => isSidecar(container.name)), ...containerStatuses])
    let running = false
    let failure = ''
    for (const container of [...containerStatuses].reverse()) {
      const { waiting, terminated, running: alive } = container.state ?? {}
      if (waiting?.reason) status = waiting.reason
      else if (terminated) {
        status = terminationReason(terminated)
        if (terminated.exitCode !== 0) failure = status
      } else if (container.ready && alive) {
        running = true
        ready++
      }
    }
    if (status === 'Completed') {
      if (running && conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True')) status = 'Running'
      else if (failure) status = failure
      else if (running) status = 'NotReady'
    }
  }
  if (pod.metadata?.deletionTimestamp) {
    if (reason === 'NodeLost') status = 'Unknown'
    else if (phase !== 'Succeeded' && phase !== 'Failed') status = 'Terminating'
  }
  return { ready, total, status, ...restarts }
}

function terminationReason({ reason, signal, exitCode }: { reason?: string; signal?: number; exitCode: number }): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`)
}

function tally(statuses: readonly ContainerStatus[]): { restarts: number; lastRestart: number } {
  let restarts = 0
  let lastRestart = 0
  for (const status of statuses) {
    restarts += status.restartCount ?? 0
    const finished = status.lastState?.terminated?.finishedAt as string | undefined
    if (finished) lastRestart = Math.max(lastRestart, Date.parse(finished))
  }
  return { restarts, lastRestart }
}

const orNone = (text: string | undefined) => text || '<none>'

function readinessGates(pod: Plain<Pod>): string {
  const gates = pod.spec?.readinessGates ?? []
  if (!gates.length) return '<none>'
  const met = gates.filter((gate) =>
    pod.status?.conditions?.some((condition) => condition.type === gate.conditionType && condition.status === 'True'),
  )
  return `${met.length}/${gates.length}`
}

export const podColumns: readonly Column<Plain<Pod>>[] = [
  nameColumn,
  column('Ready', 'Containers that are ready, of all.', (pod) => `${summarizePod(pod).ready}/${summarizePod(pod).total}`),
  column('Status', 'The state of the pod summed up from its containers.', (pod) => summarizePod(pod).status),
  column('Restarts', 'How often its containers were restarted, and when last.', (pod, { now }) => {
    const { restarts, lastRestart } = summarizePod(pod)
    return restarts && lastRestart ? `${restarts} (${humanDuration(now - lastRestart)} ago)` : String(restarts)
  }),
  ageColumn,
  wide('IP', 'Address of the pod.', (pod) => orNone(pod.status?.podIPs?.[0]?.ip)),
  wide('Node', 'Node that the pod is bound to.', (pod) => orNone(pod.spec?.nodeName)),
  wide('Nominated Node', 'Node that the pod would get after preemption.', (pod) => orNone(pod.status?.nominatedNodeName)),
  wide('Readiness Gates', 'Readiness gates that are met, of all.', readinessGates),
]
