/**
 * How lists merge, by the path of field names that leads to them (list indexes left out): the `patchStrategy`, `patchMergeKey` and
 * `listMapKeys` tags of the Kubernetes API types. A list that is not here is atomic.
 */
export interface ListStrategy {
  /** Strategic merge patch's key; undefined for a list of plain values that merges as a set. */
  readonly key: string | undefined
  /** Server-side apply's keys where they differ. */
  readonly applyKeys?: readonly string[]
  /** Values for keys that an element leaves out (`protocol` of a port). */
  readonly keyDefaults?: Readonly<Record<string, unknown>>
}

const byName: ListStrategy = { key: 'name' }
const byType: ListStrategy = { key: 'type' }
const byIp: ListStrategy = { key: 'ip' }
const set: ListStrategy = { key: undefined }

const metadata: Record<string, ListStrategy> = { ownerReferences: { key: 'uid' }, finalizers: set }

const podSpec: Record<string, ListStrategy> = {
  containers: byName,
  initContainers: byName,
  ephemeralContainers: byName,
  volumes: byName,
  imagePullSecrets: byName,
  hostAliases: byIp,
  schedulingGates: byName,
  resourceClaims: byName,
  topologySpreadConstraints: { key: 'topologyKey', applyKeys: ['topologyKey', 'whenUnsatisfiable'] },
}

const container: Record<string, ListStrategy> = {
  ports: { key: 'containerPort', applyKeys: ['containerPort', 'protocol'], keyDefaults: { protocol: 'TCP' } },
  env: byName,
  volumeMounts: { key: 'mountPath' },
  volumeDevices: { key: 'devicePath' },
}

const containerLists = new Set(['containers', 'initContainers', 'ephemeralContainers'])

const byKind: Record<string, Record<string, ListStrategy>> = {
  Service: { 'spec.ports': { key: 'port', applyKeys: ['port', 'protocol'], keyDefaults: { protocol: 'TCP' } } },
  ServiceAccount: { secrets: byName, imagePullSecrets: byName },
  Node: { 'status.addresses': byType, 'spec.podCIDRs': set },
  Pod: { 'status.podIPs': byIp, 'status.hostIPs': byIp },
}

/** The strategy of the list at `path` in an object of `kind`, or undefined where it is replaced as a whole. */
export function listStrategy(kind: string, path: readonly string[]): ListStrategy | undefined {
  const field = path.at(-1)!
  if (path.length >= 2 && path.at(-2) === 'metadata') return metadata[field]
  if (path.length === 2 && path[0] === 'status' && field === 'conditions') return byType
  const special = byKind[kind]?.[path.join('.')]
  if (special) return special
  const spec = path.lastIndexOf('spec')
  if (spec < 0 || !holdsPodSpec(kind, path, spec)) return undefined
  const below = path.slice(spec + 1)
  if (below.length === 1) return podSpec[field]
  if (below.length === 2 && containerLists.has(below[0]!)) return container[field]
  return undefined
}

function holdsPodSpec(kind: string, path: readonly string[], spec: number): boolean {
  return kind === 'Pod' ? spec === 0 : path[spec - 1] === 'template'
}
