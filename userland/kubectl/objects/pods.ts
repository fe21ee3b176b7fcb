import type { Container, Pod } from 'kubernetes-types/core/v1'
import { Failure } from '../cli/failure.ts'
import type { Call } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'
import { selectorText } from '../describe/page.ts'
import type { Info } from './targets.ts'
import { fetchInfos, listObjects, namedTargets } from './targets.ts'

/** The pod that `web`, `pod/web` or `deploy/web` means for logs and exec: of a workload, its best running one. */
export async function podFor(call: Call, word: string): Promise<Pod> {
  const [info] = await fetchInfos(call, await namedTargets(call, [word], { defaultType: 'pods' }))
  if (!info) throw new Failure(`pods ${JSON.stringify(word)} not found`)
  if (info.type.kind === 'Pod') return info.object as unknown as Pod
  const pods = await podsOf(call, info, 'attach to')
  const running = pods.sort(byActivity)[0]
  if (running) return running
  throw new Failure('timed out waiting for the condition')
}

/** The pods behind a workload or a service. Throws for kinds that select none; `doing` is what they are wanted for. */
export async function podsOf(call: Call, info: Info, doing: string): Promise<Pod[]> {
  const spec = info.object['spec'] as { selector?: any } | undefined
  const selector =
    info.type.kind === 'Service' || info.type.kind === 'ReplicationController' ? { matchLabels: spec?.selector } : spec?.selector
  if (info.type.kind === 'Service' && !spec?.selector)
    throw new Failure(`cannot ${doing} *v1.Service: invalid service '${info.name}': Service is defined without a selector`)
  if (!selector || info.type.kind === 'CronJob')
    throw new Failure(`cannot ${doing} *v1.${info.type.kind}: selector for *v1.${info.type.kind} not implemented`)
  const type = resolveType(await call.discovery(), 'pods')
  const pods: Pod[] = []
  for await (const object of listObjects(call, type, info.namespace, { selector: selectorText(selector) }))
    pods.push(object as unknown as Pod)
  return pods
}

/** client-go's ActivePods, best first: scheduled, running, ready, the longest so. */
export function byActivity(a: Pod, b: Pod): number {
  const phases: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 }
  const rank = (pod: Pod) => [pod.spec?.nodeName ? 1 : 0, phases[pod.status?.phase ?? ''] ?? -1, isReady(pod) ? 1 : 0] as const
  const [x, y] = [rank(a), rank(b)]
  for (const at of [0, 1, 2] as const) if (x[at] !== y[at]) return (y[at] as number) - (x[at] as number)
  return 0
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false
}

export interface NamedContainer {
  readonly name: string
  readonly kind: 'main' | 'init' | 'ephemeral'
}

export function containersOf(pod: Pod): NamedContainer[] {
  const named = (list: readonly Pick<Container, 'name'>[] | undefined, kind: NamedContainer['kind']) =>
    (list ?? []).map((one) => ({ name: one.name, kind }))
  return [
    ...named(pod.spec?.containers, 'main'),
    ...named(pod.spec?.ephemeralContainers, 'ephemeral'),
    ...named(pod.spec?.initContainers, 'init'),
  ]
}

const defaultContainer = 'kubectl.kubernetes.io/default-container'

/**
 * The container that is meant: the one asked for, the annotated one, or the first, of which stderr is told where there were others.
 * Throws for a name that the pod does not have.
 */
export async function chooseContainer(call: Call, pod: Pod, wanted: string): Promise<string> {
  const all = containersOf(pod)
  const name = pod.metadata?.name ?? ''
  if (wanted !== '') {
    if (all.some((one) => one.name === wanted)) return wanted
    throw new Failure(`container ${wanted} is not valid for pod ${name}`)
  }
  const annotated = pod.metadata?.annotations?.[defaultContainer]
  if (annotated && all.some((one) => one.name === annotated)) return annotated
  const [first] = all
  if (!first) throw new Failure(`pod ${name} does not have any containers`)
  if (all.length > 1 && !(call.flags.has('quiet') && call.flags.bool('quiet'))) {
    const shown = all.map((one) =>
      one.kind === 'init' ? `${one.name} (init)` : one.kind === 'ephemeral' ? `${one.name} (ephem)` : one.name,
    )
    await call.err(`Defaulted container ${JSON.stringify(first.name)} out of: ${shown.join(', ')}\n`)
  }
  return first.name
}

export async function podPath(call: Call, pod: Pod, subresource: string): Promise<string> {
  return pathOf(resolveType(await call.discovery(), 'pods'), pod.metadata?.namespace, pod.metadata?.name, subresource)
}
