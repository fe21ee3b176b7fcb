import type { Node, Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, misuse } from '../cli/failure.ts'
import { bool, type Flag, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { quantityValue } from '../describe/quantity.ts'
import { createTabWriter } from '../print/tabwriter.ts'

/** What metrics tell of cpu and memory; a sum holds plain numbers. */
type Usage = Readonly<Record<string, string | number>>
interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[]
}
interface NodeMetrics {
  readonly metadata: { readonly name: string }
  readonly usage: Usage
}

const root = '/apis/metrics.k8s.io/v1beta1'
const resources = ['cpu', 'memory'] as const
/** So long after its start a pod without metrics is a mistake, ms. */
const patience = 120_000

const commonFlags: readonly Flag[] = [
  bool('no-headers', 'Leave the headers out.'),
  text('selector', 'Label selector.', 'l'),
  text('sort-by', 'cpu or memory.'),
  bool('use-protocol-buffers', 'Ask for protocol buffers; this kubectl reads JSON either way.'),
]

export const topVerb: Verb = {
  name: 'top',
  about: 'Display resource (CPU/memory) usage',
  usage: '[flags] [options]',
  children: [
    {
      name: 'node',
      aliases: ['nodes', 'no'],
      about: 'Display resource (CPU/memory) usage of nodes',
      examples: ['kubectl top node', 'kubectl top node NODE_NAME'],
      usage: '[NAME | -l label] [options]',
      flags: [...commonFlags, bool('show-capacity', 'Show what the node has instead of what pods may use of it.')],
      run: topNodes,
    },
    {
      name: 'pod',
      aliases: ['pods', 'po'],
      about: 'Display resource (CPU/memory) usage of pods',
      examples: [
        'kubectl top pod',
        'kubectl top pod --namespace=NAMESPACE',
        'kubectl top pod POD_NAME --containers',
        'kubectl top pod -l name=myLabel',
      ],
      usage: '[NAME | -l label] [options]',
      flags: [
        ...commonFlags,
        bool('all-namespaces', 'Every namespace.', 'A'),
        bool('containers', 'Each container.'),
        text('field-selector', 'Field selector.'),
        bool('sum', 'Add the sum of all pods.'),
      ],
      run: topPods,
    },
  ],
}

async function begin(call: Call): Promise<{ name: string | undefined; sortBy: string }> {
  const [name, ...others] = call.args
  const selected = call.flags.text('selector') || (call.flags.has('field-selector') && call.flags.text('field-selector'))
  if (others.length > 0) throw misuse(call.path, `${call.path.split(' ').at(-1)} [NAME | -l label]`)
  if (name !== undefined && selected) throw new Failure('only one of NAME or selector can be provided')
  const sortBy = call.flags.text('sort-by')
  if (sortBy && !resources.some((resource) => resource === sortBy)) throw new Failure('--sort-by accepts only cpu or memory')
  const { groups } = await call.discovery()
  const served = groups.find((group) => group.name === 'metrics.k8s.io')
  if (!served?.versions.includes('v1beta1')) throw new Failure('Metrics API not available')
  return { name, sortBy }
}

function query(call: Call): Record<string, string> {
  const fields = call.flags.has('field-selector') ? call.flags.text('field-selector') : ''
  return { labelSelector: call.flags.text('selector'), fieldSelector: fields }
}

async function topNodes(call: Call): Promise<undefined> {
  const { name, sortBy } = await begin(call)
  const path = name === undefined ? `${root}/nodes` : `${root}/nodes/${name}`
  const answer = await call.client().json(`GET`, path, name === undefined ? { query: query(call) } : {})
  const metrics: NodeMetrics[] = name === undefined ? answer.items : [answer]
  if (metrics.length === 0) throw new Failure('metrics not available yet')
  const listed = await call
    .client()
    .json('GET', name === undefined ? '/api/v1/nodes' : `/api/v1/nodes/${name}`, name === undefined ? { query: query(call) } : {})
  const nodes: (Node & KubeObject)[] = name === undefined ? listed.items : [listed]
  const writer = createTabWriter()
  if (!call.flags.bool('no-headers')) writer.write('NAME\tCPU(cores)\tCPU(%)\tMEMORY(bytes)\tMEMORY(%)\t\n')
  for (const { metadata, usage } of sorted(
    metrics,
    sortBy,
    ({ usage }) => usage,
    ({ metadata }) => metadata.name,
  )) {
    const node = nodes.find((candidate) => candidate.metadata?.name === metadata.name)
    const available = call.flags.bool('show-capacity') ? node?.status?.capacity : node?.status?.allocatable
    writer.write(`${metadata.name}\t${cells(usage, available)}\n`)
  }
  for (const { metadata } of nodes) {
    if (metrics.some((one) => one.metadata.name === metadata?.name)) continue
    writer.write(`${metadata?.name}\t${'<unknown>\t'.repeat(4)}\n`)
  }
  await call.out(writer.flush())
  return undefined
}

async function topPods(call: Call): Promise<undefined> {
  const { name, sortBy } = await begin(call)
  const everywhere = call.flags.bool('all-namespaces')
  const scope = everywhere ? '' : `/namespaces/${call.namespace()}`
  const answer = await call
    .client()
    .json('GET', `${root}${scope}/pods${name === undefined ? '' : `/${name}`}`, name === undefined ? { query: query(call) } : {})
  const metrics: PodMetrics[] = name === undefined ? answer.items : [answer]
  if (metrics.length === 0) {
    await explainEmpty(call, scope)
    await call.err(everywhere ? 'No resources found\n' : `No resources found in ${call.namespace()} namespace.\n`)
    return undefined
  }
  const byContainer = call.flags.bool('containers')
  const writer = createTabWriter()
  if (!call.flags.bool('no-headers')) {
    writer.write(`${everywhere ? 'NAMESPACE\t' : ''}${byContainer ? 'POD\t' : ''}NAME\tCPU(cores)\tMEMORY(bytes)\t\n`)
  }
  const nameOf = ({ metadata }: PodMetrics) => (everywhere ? `${metadata.namespace}/${metadata.name}` : metadata.name)
  for (const pod of sorted(metrics, sortBy, ({ containers }) => sum(containers), nameOf)) {
    const start = everywhere ? `${pod.metadata.namespace}\t` : ''
    if (!byContainer) writer.write(`${start}${pod.metadata.name}\t${cells(sum(pod.containers))}\n`)
    else {
      for (const container of sorted(
        pod.containers,
        sortBy,
        ({ usage }) => usage,
        ({ name }) => name,
      )) {
        writer.write(`${start}${pod.metadata.name}\t${container.name}\t${cells(container.usage)}\n`)
      }
    }
  }
  if (call.flags.bool('sum')) {
    const indent = '\t'.repeat((everywhere ? 1 : 0) + (byContainer ? 1 : 0))
    writer.write(`${indent}\t________\t________\t\n${indent}\t${cells(sum(metrics.flatMap(({ containers }) => containers)))}\n`)
  }
  await call.out(writer.flush())
  return undefined
}

/** No metrics at all: no pods, or pods that are too young. Throws what kubectl says of the latter. */
async function explainEmpty(call: Call, scope: string): Promise<void> {
  const { items } = (await call.client().json('GET', `/api/v1${scope}/pods`, { query: query(call) })) as { items: (Pod & KubeObject)[] }
  if (items.length === 0) return
  for (const { metadata } of items) {
    const age = call.process.clock.now() - Date.parse((metadata?.creationTimestamp as string | undefined) ?? '')
    if (age > patience) throw new Failure(`Metrics not available for pod ${metadata?.namespace}/${metadata?.name}, age: ${goAge(age)}`)
  }
  throw new Failure('metrics not available yet')
}

/** Go's time.Duration with its fraction, as `age.String()` prints it. */
function goAge(ms: number): string {
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1000]
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}

function sum(containers: PodMetrics['containers']): Usage {
  const total: Record<string, number> = {}
  for (const resource of resources) total[resource] = containers.reduce((all, { usage }) => all + quantityValue(usage[resource] ?? 0), 0)
  return total
}

function sorted<T>(items: readonly T[], by: string, usage: (item: T) => Usage, name: (item: T) => string): T[] {
  const alphabetic = (a: T, b: T) => (name(a) < name(b) ? -1 : 1)
  if (!by) return [...items].sort(alphabetic)
  return [...items].sort((a, b) => quantityValue(usage(b)[by] ?? 0) - quantityValue(usage(a)[by] ?? 0) || alphabetic(a, b))
}

/** `12m` and `34Mi`, each followed by its share of what is there where that is known. */
function cells(usage: Usage, available?: Readonly<Record<string, string>>): string {
  const [cpu, memory] = resources.map((resource) => quantityValue(usage[resource] ?? 0))
  const share = (resource: string, used: number) => {
    const all = available?.[resource]
    return all === undefined ? '' : `${Math.floor((used / quantityValue(all)) * 100)}%\t`
  }
  return `${Math.ceil((cpu ?? 0) * 1000 - 1e-6)}m\t${share('cpu', cpu ?? 0)}${Math.floor((memory ?? 0) / 1024 ** 2)}Mi\t${share('memory', memory ?? 0)}`
}
