import type { ResourceType } from '../client/discovery.ts'

/** How a list merges under a strategic patch: by a key of its objects, as a set of plain values, or not at all (undefined: replaced whole). */
export type ListMerge = { key: string } | 'set' | undefined

const keys: Record<string, string> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  env: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  volumes: 'name',
  imagePullSecrets: 'name',
  secrets: 'name',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  schedulingGates: 'name',
  resourceClaims: 'name',
  resourceClaimStatuses: 'name',
  allocatedResourcesStatus: 'name',
  ownerReferences: 'uid',
  conditions: 'type',
  addresses: 'type',
  podIPs: 'ip',
  hostIPs: 'ip',
  webhooks: 'name',
}

/** Kinds whose conditions are of a later fashion: merged by server-side apply alone. */
const unmergedConditions = new Set([
  'CertificateSigningRequest',
  'CustomResourceDefinition',
  'PodCertificateRequest',
  'ResourceClaim',
  'ValidatingAdmissionPolicy',
])

/** Where the fields of an object begin: paths begin with its kind. */
export function rootOf(object: { readonly kind?: unknown }): readonly string[] {
  return [typeof object.kind === 'string' ? object.kind : '']
}

/**
 * The patchMergeKey and patchStrategy tags of the API's Go types, by the field's name and where it stands: `path` is the kind and the
 * names of fields, the list's last. The same as the server's OpenAPI for every kind that it serves (tests/kubectl/merge-keys.test.ts).
 */
export function listMerge([kind = '', ...path]: readonly string[]): ListMerge {
  const field = path.at(-1) as string
  if (field === 'ports') {
    if (path.some((one) => one.endsWith('ontainers'))) return { key: 'containerPort' }
    return path.join('.') === 'spec.ports' && kind === 'Service' ? { key: 'port' } : undefined
  }
  if (field === 'conditions' && unmergedConditions.has(kind)) return undefined
  if (field === 'imagePullSecrets' && kind === 'ServiceAccount') return undefined
  if (field === 'finalizers' && path.includes('metadata')) return 'set'
  if (field === 'podCIDRs') return 'set'
  // `addresses` merges on nodes only; EndpointSlice and Endpoints carry plain or nested ones.
  if (field === 'addresses' && path.join('.') !== 'status.addresses') return undefined
  if (field === 'volumes' && !path.includes('spec')) return undefined
  const key = keys[field]
  return key ? { key } : undefined
}

const retaining = new Set(['*volumes', '*resourceClaims', '*resourceClaimStatuses'])

/** Maps whose patch names the keys to keep, so that a changed choice drops the other one (`retainKeys`). */
export function retainsKeys(path: readonly string[]): boolean {
  const field = path.at(-1) as string
  return (field === 'strategy' && path[0] === 'Deployment') || retaining.has(field)
}

const builtIn = new Set(['', 'apps', 'batch', 'autoscaling', 'policy', 'extensions'])
const builtInK8s = new Set(
  ['networking', 'discovery', 'rbac.authorization', 'storage', 'coordination', 'scheduling', 'node', 'certificates', 'events'].concat([
    'admissionregistration',
    'apiregistration',
    'apiextensions',
    'authentication',
    'authorization',
    'flowcontrol.apiserver',
    'resource',
  ]),
)

/** Whether the client knows the type's Go struct, and so patches it strategically; custom resources get JSON merge patches. */
export function patchesStrategically(type: Pick<ResourceType, 'group'>): boolean {
  return builtIn.has(type.group) || (type.group.endsWith('.k8s.io') && builtInK8s.has(type.group.slice(0, -'.k8s.io'.length)))
}
