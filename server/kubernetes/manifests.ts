import { parseAllDocuments } from 'yaml'
import { type KubeClient, KubeError } from './client.ts'
import { builtinKind } from './kinds.ts'
import { type KubeObject, nameOf } from './object.ts'

/** Objects of a manifest file; Lists are flattened. Throws with the file's name, line and column. */
export function parseManifests(text: string, file: string): KubeObject[] {
  const objects: KubeObject[] = []
  for (const document of parseAllDocuments(text, { prettyErrors: true })) {
    const [error] = document.errors
    if (error !== undefined)
      throw new Error(`${file}:${error.linePos?.[0].line ?? 1}:${error.linePos?.[0].col ?? 1}: ${error.message.split('\n')[0]}`)
    const value = document.toJS() as unknown
    if (value === null || value === undefined) continue
    for (const object of flatten(value)) objects.push(checked(object, file))
  }
  return objects
}

function flatten(value: unknown): unknown[] {
  const list = value as { kind?: string; items?: unknown[] }
  return list.kind === 'List' && Array.isArray(list.items) ? list.items.flatMap(flatten) : [value]
}

function checked(value: unknown, file: string): KubeObject {
  const object = value as Partial<KubeObject>
  for (const [field, found] of [
    ['apiVersion', object.apiVersion],
    ['kind', object.kind],
    ['metadata.name', object.metadata?.name],
  ]) {
    if (typeof found !== 'string' || found === '')
      throw new Error(`${file}: a manifest has no ${field}; every manifest needs apiVersion, kind and metadata.name`)
  }
  return withNamespace(object as KubeObject)
}

/** kubectl's default, written out, so that names in messages are whole. */
function withNamespace(object: KubeObject): KubeObject {
  if (object.metadata.namespace !== undefined || builtinKind(object.kind, object.apiVersion)?.namespaced !== true) return object
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } }
}

/** Waves of what can be sent at once. Pods wait by themselves for what they mount, but admission needs namespaces, accounts and quotas first. */
const waves: readonly (readonly string[])[] = [
  ['Namespace', 'CustomResourceDefinition', 'StorageClass', 'PriorityClass', 'IngressClass', 'ClusterRole'],
  [
    'ServiceAccount',
    'ConfigMap',
    'Secret',
    'Role',
    'RoleBinding',
    'ClusterRoleBinding',
    'ResourceQuota',
    'LimitRange',
    'Service',
    'NetworkPolicy',
    'PersistentVolume',
    'PersistentVolumeClaim',
  ],
]

export async function applyManifests(client: KubeClient, objects: readonly KubeObject[], signal?: AbortSignal): Promise<void> {
  for (let wave = 0; wave <= waves.length; wave++) {
    await Promise.all(objects.filter((object) => waveOf(object.kind) === wave).map((object) => apply(client, object, signal)))
  }
}

function waveOf(kind: string): number {
  const wave = waves.findIndex((kinds) => kinds.includes(kind))
  return wave === -1 ? waves.length : wave
}

/** Creates, as most of a lab's world is new; merges into what is there already. */
async function apply(client: KubeClient, object: KubeObject, signal?: AbortSignal): Promise<void> {
  try {
    await client.create(object, signal)
  } catch (error) {
    if (error instanceof KubeError && error.reason === 'AlreadyExists') {
      await client.merge(object, signal)
      return
    }
    if (error instanceof KubeError) throw new KubeError(error.status, error.reason, `${nameOf(object)}: ${error.message}`)
    throw error
  }
}
