import type { ConfigMap, KeyToPath, Pod, Secret, Volume, VolumeProjection } from 'kubernetes-types/core/v1'
import { decodeBase64Text } from '../base64.ts'
import { mountedFor } from '../controllers/persistentvolume/mounting.ts'
import { FileError } from '../files.ts'
import type { KubeObject } from '../kubernetes.ts'
import { type FileTree, fileTree, MemoryFiles } from '../memory-files.ts'
import { fieldValue, resourceValue } from './downward.ts'
import { capacityOf } from './node-status.ts'
import { defaultTokenSeconds, fetchToken, hasToken, renewalTime } from './service-account-token.ts'
import type { PodState, VolumeState } from './state.ts'
import { VolumeError } from './volume-error.ts'
import type { Kubelet } from './world.ts'

/** How long after a token could not be renewed it is tried again, ms: a sync of the pod. */
const retryMs = 60_000

/** A volume that is not there to be mounted yet; its message stands alone. */
class UnattachedError extends VolumeError {}

type Entries = Record<string, { content: string; mode: number }>

/** Sets up all volumes of the pod; throws VolumeError with the event's whole message for the first that cannot be. */
export function setUpVolumes(kubelet: Kubelet, pod: Pod, state: PodState): void {
  const volumes: Record<string, VolumeState> = {}
  const trees: [string, FileTree][] = []
  for (const volume of pod.spec?.volumes ?? []) {
    try {
      if (volume.persistentVolumeClaim) volumes[volume.name] = claimed(kubelet, pod, volume)
      else if (volume.hostPath) volumes[volume.name] = hostPath(kubelet, volume)
      else {
        trees.push([volume.name, volume.emptyDir ? fileTree({}, kubelet.world.clock.now()) : projectedTree(kubelet, pod, volume)])
        const refreshAt = renewalTime(kubelet, volume)
        volumes[volume.name] = { kind: 'files', readOnly: !volume.emptyDir, files: {}, ...(refreshAt && { refreshAt }) }
      }
    } catch (error) {
      if (error instanceof UnattachedError) throw error
      if (!(error instanceof VolumeError) && !(error instanceof FileError)) throw error
      throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`)
    }
  }
  state.volumes = volumes
  for (const [name, tree] of trees) liveVolume(kubelet, state, name, tree)
  for (const [name, volume] of Object.entries(volumes)) if (volume.kind === 'hostPath') liveVolume(kubelet, state, name)
}

/** Makes a volume's files anew from the state (after a restore), or from `tree`. */
export function liveVolume(kubelet: Kubelet, state: PodState, name: string, tree?: FileTree): void {
  const volume = state.volumes?.[name]
  if (!volume) return
  const key = `${state.uid}/${name}`
  if (volume.kind === 'hostPath') {
    kubelet.volumes.set(key, { files: kubelet.world.files, source: volume.path, readOnly: false })
    return
  }
  const files = new MemoryFiles({ now: () => kubelet.world.clock.now(), changes: volume.files })
  if (tree) files.replace(tree)
  kubelet.volumes.set(key, { files, source: '/', readOnly: volume.readOnly })
}

/** Whether what a volume projects is no longer what is mounted. A source that has gone missing keeps the old content, as in real. */
export function isOutdated(kubelet: Kubelet, pod: Pod, volume: Volume): boolean {
  const mounted = kubelet.volumes.get(`${pod.metadata?.uid}/${volume.name}`)
  if (!mounted) return false
  const entries = tryEntries(kubelet, pod, volume)
  if (!entries) return false
  const names = mounted.files.list('/').map(({ name }) => name)
  const paths = Object.keys(entries)
  if (names.length !== new Set(paths.map((path) => path.split('/')[1])).size) return true
  return paths.some((path) => !mounted.files.exists(path) || mounted.files.readText(path) !== entries[path]?.content)
}

export function refreshVolume(kubelet: Kubelet, pod: Pod, volume: Volume): void {
  const entries = tryEntries(kubelet, pod, volume)
  if (entries) kubelet.volumes.get(`${pod.metadata?.uid}/${volume.name}`)?.files.replace(fileTree(entries, kubelet.world.clock.now()))
}

/** Puts fresh tokens into the pod's volumes: those that are due, or with `all` every one. What cannot be had now stays as it is for a minute. */
export function renewTokens(kubelet: Kubelet, pod: Pod, state: PodState, all: boolean): void {
  const now = kubelet.world.clock.now()
  for (const volume of pod.spec?.volumes ?? []) {
    const known = state.volumes?.[volume.name]
    const live = kubelet.volumes.get(`${state.uid}/${volume.name}`)
    if (known?.kind !== 'files' || !live || !hasToken(volume) || (!all && (known.refreshAt ?? 0) > now)) continue
    try {
      // Only the tokens: what else the volume projects has a beat of its own.
      for (const one of volume.projected?.sources ?? []) {
        if (!one.serviceAccountToken) continue
        for (const [path, { content }] of Object.entries(source(kubelet, pod, one))) live.files.write(path, content)
      }
      const refreshAt = renewalTime(kubelet, volume)
      if (refreshAt) known.refreshAt = refreshAt
    } catch (error) {
      if (!(error instanceof VolumeError)) throw error
      known.refreshAt = now + retryMs
      kubelet.tokensDueAt(known.refreshAt)
    }
  }
}

/** Names of the ConfigMaps or Secrets whose change the volume follows. */
export function followedBy(volume: Volume, kind: 'configMap' | 'secret'): string[] {
  const own = kind === 'configMap' ? volume.configMap?.name : volume.secret?.secretName
  const projected = (volume.projected?.sources ?? []).map((source) => source[kind]?.name)
  return [own, ...projected].filter((name): name is string => name !== undefined)
}

function tryEntries(kubelet: Kubelet, pod: Pod, volume: Volume): Entries | undefined {
  if (!volume.configMap && !volume.secret && !volume.projected && !volume.downwardAPI) return undefined
  // A token is renewed in its own time (see service-account-token.ts), and is no reason for a refresh.
  if (hasToken(volume)) return undefined
  try {
    return projectedEntries(kubelet, pod, volume)
  } catch (error) {
    if (error instanceof VolumeError) return undefined
    throw error
  }
}

function projectedTree(kubelet: Kubelet, pod: Pod, volume: Volume): FileTree {
  return fileTree(projectedEntries(kubelet, pod, volume), kubelet.world.clock.now())
}

function projectedEntries(kubelet: Kubelet, pod: Pod, volume: Volume): Entries {
  if (volume.configMap) return source(kubelet, pod, { configMap: volume.configMap }, volume.configMap.defaultMode)
  if (volume.secret) {
    const { secretName, items, optional, defaultMode } = volume.secret
    return source(kubelet, pod, { secret: { name: secretName, items, optional } }, defaultMode)
  }
  if (volume.downwardAPI) return source(kubelet, pod, { downwardAPI: volume.downwardAPI }, volume.downwardAPI.defaultMode)
  if (volume.projected) {
    const { sources, defaultMode } = volume.projected
    return Object.assign({}, ...(sources ?? []).map((one) => source(kubelet, pod, one, defaultMode)))
  }
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'without a source'
  throw new VolumeError(`the simulated cluster does not model ${kind} volumes`)
}

function source(kubelet: Kubelet, pod: Pod, from: VolumeProjection, defaultMode = 0o644): Entries {
  const { api } = kubelet.world
  const namespace = pod.metadata?.namespace
  if (from.configMap) {
    const name = from.configMap.name ?? ''
    const found = api.find<KubeObject & ConfigMap>('configmaps', namespace, name)
    if (!found) {
      if (from.configMap.optional) return {}
      throw new VolumeError(`configmap "${name}" not found`)
    }
    const binary = Object.entries(found.binaryData ?? {}).map(([key, value]) => [key, decodeBase64Text(value)])
    const data = { ...found.data, ...Object.fromEntries(binary) }
    return chosen(data, from.configMap, defaultMode)
  }
  if (from.secret) {
    const name = from.secret.name ?? ''
    const found = api.find<KubeObject & Secret>('secrets', namespace, name)
    if (!found) {
      if (from.secret.optional) return {}
      throw new VolumeError(`secret "${name}" not found`)
    }
    const data = Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, decodeBase64Text(value)]))
    return chosen(data, from.secret, defaultMode)
  }
  if (from.downwardAPI) {
    const where = { addresses: [], hostAddresses: kubelet.hostAddresses }
    return Object.fromEntries(
      (from.downwardAPI.items ?? []).map((item) => {
        const container = pod.spec?.containers.find(({ name }) => name === item.resourceFieldRef?.containerName)
        const value = item.fieldRef
          ? fieldValue(pod, item.fieldRef.fieldPath, where)
          : item.resourceFieldRef && container
            ? resourceValue(pod, container, item.resourceFieldRef, capacityOf(kubelet))
            : undefined
        return [`/${item.path}`, { content: value ?? '', mode: item.mode ?? defaultMode }]
      }),
    )
  }
  if (from.serviceAccountToken) {
    const { path, audience, expirationSeconds } = from.serviceAccountToken
    const serviceAccount = pod.spec?.serviceAccountName || 'default'
    const request = {
      namespace: namespace ?? 'default',
      serviceAccount,
      pod,
      expirationSeconds: expirationSeconds ?? defaultTokenSeconds,
      ...(audience ? { audience } : {}),
    }
    return { [`/${path}`]: { content: fetchToken(kubelet, request), mode: defaultMode } }
  }
  throw new VolumeError(`the simulated cluster does not model projected sources of the kind ${Object.keys(from).join(', ')}`)
}

function chosen(data: Readonly<Record<string, string>>, from: { items?: KeyToPath[]; optional?: boolean }, mode: number): Entries {
  const entries: Entries = {}
  if (!from.items) {
    for (const [key, content] of Object.entries(data)) entries[`/${key}`] = { content, mode }
    return entries
  }
  for (const item of from.items) {
    const content = data[item.key]
    if (content === undefined) {
      if (from.optional) continue
      throw new VolumeError(`references non-existent config key: ${item.key}`)
    }
    entries[`/${item.path}`] = { content, mode: item.mode ?? mode }
  }
  return entries
}

/** Checks or makes the path by its type, after volume/hostpath. */
/** What stands behind a claim; while there is nothing, the volume cannot even be attached. */
function claimed(kubelet: Kubelet, pod: Pod, volume: Volume): VolumeState {
  const found = mountedFor(kubelet.world.api, pod.metadata?.namespace ?? '', volume.persistentVolumeClaim?.claimName ?? '')
  if ('hostPath' in found) return hostPath(kubelet, { name: volume.name, hostPath: found.hostPath })
  throw new UnattachedError(
    `Unable to attach or mount volumes: unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]: ${found.why}`,
  )
}

function hostPath(kubelet: Kubelet, volume: Volume): VolumeState {
  const { files } = kubelet.world
  const { path, type = '' } = volume.hostPath as { path: string; type?: string }
  const there = files.exists(path) ? files.stat(path) : undefined
  switch (type) {
    case 'DirectoryOrCreate':
      if (!there) files.makeDirectory(path, { parents: true })
      else if (!there.directory) throw new VolumeError(`hostPath type check failed: ${path} is not a directory`)
      break
    case 'FileOrCreate':
      if (!there) files.write(path, '')
      else if (there.directory) throw new VolumeError(`hostPath type check failed: ${path} is not a file`)
      break
    case 'Directory':
      if (!there?.directory) throw new VolumeError(`hostPath type check failed: ${path} is not a directory`)
      break
    case 'File':
      if (!there || there.directory) throw new VolumeError(`hostPath type check failed: ${path} is not a file`)
      break
    case '':
      // Without a type the runtime makes the directory when it is missing.
      if (!there) files.makeDirectory(path, { parents: true })
      break
    default:
      throw new VolumeError(`the simulated cluster does not model hostPath type ${type}`)
  }
  return { kind: 'hostPath', path }
}
