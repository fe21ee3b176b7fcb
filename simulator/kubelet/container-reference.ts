import type { Container, Pod } from 'kubernetes-types/core/v1'
import { podReference } from './world.ts'

function kindOf(pod: Pod, name: string): 'containers' | 'initContainers' | 'ephemeralContainers' {
  if (pod.spec?.initContainers?.some((container) => container.name === name)) return 'initContainers'
  return pod.spec?.ephemeralContainers?.some((container) => container.name === name) ? 'ephemeralContainers' : 'containers'
}

/** What an event about one container of a pod is about. */
export function containerReference(pod: Pod, name: string) {
  return podReference(pod, { name, kind: kindOf(pod, name) })
}

export function containerOf(pod: Pod, name: string): Container | undefined {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {}
  return [...initContainers, ...containers, ...(ephemeralContainers as Container[])].find((container) => container.name === name)
}
