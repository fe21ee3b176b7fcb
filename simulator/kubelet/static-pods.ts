import type { Node, Pod } from 'kubernetes-types/core/v1'
import { parse, YAMLParseError } from 'yaml'
import { StatusError } from '../apiserver/api.ts'
import type { KubeObject } from '../kubernetes.ts'
import { Random } from '../random.ts'
import { isMirror, mirrorKey, sourceKey } from './pod-source.ts'
import { forgetPod, terminatePod } from './termination.ts'
import type { Kubelet } from './world.ts'

export const manifestFolder = '/etc/kubernetes/manifests'

const hashKey = 'kubernetes.io/config.hash'

/** Reads the manifests and starts, replaces and removes static pods accordingly. */
export function readManifests(kubelet: Kubelet): void {
  const { files, onError } = kubelet.world
  const found = new Map<string, string>()
  if (files.exists(manifestFolder)) {
    for (const { name, directory } of files.list(manifestFolder)) {
      // As upstream: every file counts but those that begin with a dot.
      if (!directory && !name.startsWith('.')) found.set(`${manifestFolder}/${name}`, files.readText(`${manifestFolder}/${name}`))
    }
  }
  for (const [path, { uid }] of Object.entries(kubelet.state.manifests)) {
    if (!found.has(path)) removeStatic(kubelet, path, uid)
  }
  for (const [path, text] of found) {
    // The same text is the same pod: it need not be read again (after a restore none is).
    if (kubelet.state.manifests[path]?.uid === staticUid(kubelet, path, text)) continue
    let pod: Pod | undefined
    try {
      pod = staticPod(kubelet, path, text)
    } catch (error) {
      if (!(error instanceof YAMLParseError)) throw error
    }
    const known = kubelet.state.manifests[path]
    if (!pod) {
      // A file that cannot be read as a pod leaves what ran from it running, as the real kubelet logs the error and goes on.
      onError(new Error(`${kubelet.world.node}: ${path}: couldn't parse as pod, please check config file`))
      continue
    }
    const uid = pod.metadata?.uid as string
    if (known) removeStatic(kubelet, path, known.uid)
    kubelet.state.manifests[path] = { uid, pod }
    kubelet.pods.set(uid, pod)
    kubelet.sync(uid)
  }
}

function staticPod(kubelet: Kubelet, path: string, text: string): Pod | undefined {
  const { node, clock } = kubelet.world
  const manifest = parse(text) as Pod | null
  if (manifest?.kind !== 'Pod' || !manifest.metadata?.name || !Array.isArray(manifest.spec?.containers)) return undefined
  const uid = staticUid(kubelet, path, text)
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      name: `${manifest.metadata.name}-${node}`,
      namespace: manifest.metadata.namespace ?? 'default',
      uid,
      annotations: {
        ...manifest.metadata.annotations,
        [hashKey]: uid,
        'kubernetes.io/config.seen': `${new Date(clock.now()).toISOString().replace('Z', '000000Z')}`,
        [sourceKey]: 'file',
      },
    },
    spec: {
      ...manifest.spec,
      nodeName: node,
      // Static pods are let onto every node.
      tolerations: [...(manifest.spec.tolerations ?? []), { effect: 'NoExecute', operator: 'Exists' }],
    },
  }
}

function staticUid(kubelet: Kubelet, path: string, text: string): string {
  return digest(`${kubelet.world.node}\n${path}\n${text}`)
}

function removeStatic(kubelet: Kubelet, path: string, uid: string): void {
  delete kubelet.state.manifests[path]
  const pod = kubelet.pods.get(uid)
  const state = kubelet.state.pods[uid]
  if (pod) deleteMirror(kubelet, pod)
  if (!pod || !state || state.over) return forgetPod(kubelet, uid)
  const now = kubelet.world.clock.now()
  state.termination ??= { since: now, deadline: now + (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000 }
  terminatePod(kubelet, pod, state)
}

/** Sees to it that the API server shows the static pod as it is. Returns whether it does. */
export function ensureMirror(kubelet: Kubelet, pod: Pod): boolean {
  const { api, node } = kubelet.world
  const { name = '', namespace = '', uid } = pod.metadata ?? {}
  const shown = api.find<KubeObject & Pod>('pods', namespace, name)
  if (shown && shown.metadata?.annotations?.[mirrorKey] === uid && !shown.metadata?.deletionTimestamp) return true
  if (shown) {
    if (!isMirror(shown)) return false
    deleteMirror(kubelet, pod)
  }
  const { uid: _, ...metadata } = pod.metadata ?? {}
  const owner = api.find<KubeObject & Node>('nodes', undefined, node)
  try {
    api.create('pods', {
      ...pod,
      metadata: {
        ...metadata,
        annotations: { ...metadata.annotations, [mirrorKey]: uid },
        ...(owner ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid: owner.metadata?.uid, controller: true }] } : {}),
      },
    } as KubeObject)
    return true
  } catch (error) {
    // The namespace may not exist yet while the control plane comes up.
    if (error instanceof StatusError) return false
    throw error
  }
}

function deleteMirror(kubelet: Kubelet, pod: Pod): void {
  const { name = '', namespace = '' } = pod.metadata ?? {}
  try {
    kubelet.world.api.delete('pods', namespace, name, { gracePeriodSeconds: 0 })
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error
  }
}

/** 32 hex digits, as the MD5 that the real kubelet takes; here only to be the same for the same text. */
function digest(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return new Random(hash >>> 0).hex(32)
}
