import { copyMemory } from '../events/correlator.ts'
import type { FilesSnapshot } from '../memory-files.ts'
import { copyMeterState } from './meter.ts'
import type { ContainerState, Instance, NodeState, PodState } from './state.ts'

/** What was written since: undefined where nothing lives that could have been written to. */
interface Written {
  files(instance: Instance): FilesSnapshot | undefined
  volume(uid: string, name: string): FilesSnapshot | undefined
}

const nothing: Written = { files: () => undefined, volume: () => undefined }

/**
 * A copy of what the kubelet changes in place. All else in its state (files as they were written, images, sandboxes, manifests) is
 * replaced and never changed, so the copy shares it with the state: copied deeply, it would be most of what a restore costs.
 */
export function copyState(state: NodeState, written = nothing): NodeState {
  const pods: Record<string, PodState> = {}
  for (const [uid, pod] of Object.entries(state.pods)) pods[uid] = copyPod(pod, written)
  return { ...state, pods, images: { ...state.images }, events: copyMemory(state.events), manifests: { ...state.manifests } }
}

function copyPod(pod: PodState, written: Written): PodState {
  const containers: PodState['containers'] = {}
  for (const [name, container] of Object.entries(pod.containers)) containers[name] = copyContainer(container, written)
  const copy: PodState = { ...pod, containers, pulls: { ...pod.pulls } }
  if (pod.volumes) copy.volumes = copyVolumes(pod.uid, pod.volumes, written)
  return copy
}

function copyContainer(container: ContainerState, written: Written): ContainerState {
  const probes: ContainerState['probes'] = {}
  for (const [kind, probe] of Object.entries(container.probes)) probes[kind as keyof typeof probes] = { ...probe }
  const copy: ContainerState = { ...container, probes }
  if (container.current) copy.current = copyInstance(container.current, written)
  if (container.previous) copy.previous = copyInstance(container.previous, written)
  return copy
}

function copyInstance(instance: Instance, written: Written): Instance {
  return {
    ...instance,
    log: [...instance.log],
    frozen: { ...instance.frozen },
    meter: copyMeterState(instance.meter),
    files: written.files(instance) ?? instance.files,
    // A daemon's state is its own, and of any depth.
    daemon: instance.ended ? {} : structuredClone(instance.daemon),
  }
}

function copyVolumes(uid: string, volumes: NonNullable<PodState['volumes']>, written: Written): NonNullable<PodState['volumes']> {
  const copy: NonNullable<PodState['volumes']> = {}
  for (const [name, volume] of Object.entries(volumes)) {
    const files = volume.kind === 'files' ? written.volume(uid, name) : undefined
    copy[name] = files && volume.kind === 'files' ? { ...volume, files } : { ...volume }
  }
  return copy
}
