import type { Node, Pod } from 'kubernetes-types/core/v1'
import { selectorPredicate } from '../../apiserver/selectors.ts'
import type { StatsSummary, UsageStats } from '../../kubelet/stats.ts'
import type { KubeObject } from '../../kubernetes.ts'

/** What was scraped last. */
export interface Scraped {
  /** ms since the epoch. */
  readonly at: number
  readonly summaries: readonly StatsSummary[]
}

export const groupVersion = 'metrics.k8s.io/v1beta1'
/** A container must have run this long for its rate to be told, ms. */
const youngest = 10_000
const window = '15s'

export const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: [
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ],
}

const usageOf = ({ cpu, memory }: UsageStats) => ({
  cpu: `${Math.round(cpu.usageNanoCores)}n`,
  memory: `${Math.round(memory.workingSetBytes / 1024)}Ki`,
})

export function nodeMetrics(node: Node & KubeObject, { at, summaries }: Scraped): KubeObject | undefined {
  const summary = summaries.find(({ node: seen }) => seen.nodeName === node.metadata?.name)
  return summary && metrics('NodeMetrics', node, at, { usage: usageOf(summary.node) })
}

/** Undefined where not every container of the pod has been measured for long enough. */
export function podMetrics(pod: Pod & KubeObject, { at, summaries }: Scraped): KubeObject | undefined {
  const { name, namespace } = pod.metadata ?? {}
  for (const { pods } of summaries) {
    const seen = pods.find(({ podRef }) => podRef.name === name && podRef.namespace === namespace)
    if (!seen) continue
    if (seen.containers.some(({ startTime }) => at - Date.parse(startTime) < youngest)) return undefined
    const containers = seen.containers.map((container) => ({ name: container.name, usage: usageOf(container) }))
    return metrics('PodMetrics', pod, at, { containers })
  }
  return undefined
}

function metrics(kind: string, { metadata }: KubeObject, at: number, more: Record<string, unknown>): KubeObject {
  const time = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
  const { name, namespace, labels } = metadata ?? {}
  return {
    apiVersion: groupVersion,
    kind,
    metadata: { name, ...(namespace ? { namespace } : {}), creationTimestamp: time, ...(labels ? { labels } : {}) } as NonNullable<
      KubeObject['metadata']
    >,
    timestamp: time,
    window,
    ...more,
  }
}

/** Objects that a request's selectors want. Throws BadRequest as the API server does. */
export function selected<T extends KubeObject>(objects: readonly T[], query: URLSearchParams): T[] {
  const [labelSelector, fieldSelector] = [query.get('labelSelector'), query.get('fieldSelector')]
  const definition = { namespaced: true, columns: [] } as unknown as Parameters<typeof selectorPredicate>[1]
  const matches = selectorPredicate(
    { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) },
    definition,
  )
  return matches ? objects.filter(matches) : [...objects]
}

/** `kubectl get pods.metrics.k8s.io`: name, each resource, window. */
export function tableOf(objects: readonly KubeObject[]): unknown {
  const columns = ['Name', 'cpu', 'memory', 'Window']
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {},
    columnDefinitions: columns.map((name, index) => ({
      name,
      type: 'string',
      format: index === 0 ? 'name' : '',
      description: '',
      priority: 0,
    })),
    rows: objects.map((object) => {
      const whole = object as { usage?: Usage; containers?: { usage: Usage }[] }
      const usages = whole.usage ? [whole.usage] : (whole.containers ?? []).map(({ usage }) => usage)
      const cpu = usages.reduce((sum, usage) => sum + Number(usage.cpu.slice(0, -1)), 0)
      const memory = usages.reduce((sum, usage) => sum + Number(usage.memory.slice(0, -2)), 0)
      return {
        cells: [object.metadata?.name, `${cpu}n`, `${memory}Ki`, object['window']],
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
      }
    }),
  }
}

interface Usage {
  readonly cpu: string
  readonly memory: string
}
