import { sameJson } from '../../json.ts'
import { matchesSelector } from '../../resources/selectors.ts'
import { type ControllerWorld, keyOf, type WorkQueue } from '../controller.ts'
import { isReady, type PodObject } from '../pods.ts'
import type { ServiceObject } from './endpoints.ts'

/** Queues every Service whose endpoints a change may touch: the Service's own, and those that select the pod, before or after. */
export function watchServicePods(world: ControllerWorld, queue: WorkQueue): void {
  const { api } = world
  api.watch<ServiceObject>('services', ({ object }) => queue.add(keyOf(object)), { initial: world.fresh })
  api.watch<PodObject>('pods', ({ type, object, previous }) => {
    if (type === 'MODIFIED' && previous && sameEndpoint(object, previous)) return
    for (const service of api.list<ServiceObject>('services', { namespace: object.metadata?.namespace })) {
      const selector = service.spec?.selector
      if (!selector) continue
      const selects = (pod: PodObject | undefined) => pod && matchesSelector({ matchLabels: selector }, pod.metadata?.labels)
      if (selects(object) || selects(previous)) queue.add(keyOf(service))
    }
  })
}

function sameEndpoint(a: PodObject, b: PodObject): boolean {
  return (
    a.status?.podIP === b.status?.podIP &&
    a.status?.phase === b.status?.phase &&
    a.metadata?.deletionTimestamp === b.metadata?.deletionTimestamp &&
    a.spec?.nodeName === b.spec?.nodeName &&
    isReady(a) === isReady(b) &&
    sameJson(a.metadata?.labels, b.metadata?.labels)
  )
}
