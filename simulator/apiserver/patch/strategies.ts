import { kinds, messages } from '../protobuf/messages.ts'
import { messageFields } from '../protobuf/wire-types.ts'

/**
 * How the lists of the API types merge, by type and field: the `patchStrategy`, `patchMergeKey`, `listType` and `listMapKey` tags of
 * k8s.io/api v0.34. A list that is not here is atomic to both kinds of patch.
 */
export interface MergingList {
  /** Strategic merge patch: absent where the list is replaced. */
  readonly patch?: 'merge' | 'merge,retainKeys'
  /** Its merge key; absent for plain values. */
  readonly key?: string
  /** Server-side apply: absent is atomic. */
  readonly list?: 'map' | 'set'
  readonly keys?: readonly string[]
}

const merging = (key: string, ...more: string[]): MergingList => ({ patch: 'merge', key, list: 'map', keys: [key, ...more] })
const retaining = (key: string): MergingList => ({ ...merging(key), patch: 'merge,retainKeys' })
const mapOnly = (...keys: string[]): MergingList => ({ list: 'map', keys })
const byName = merging('name')
const byType = merging('type')
const mergedSet: MergingList = { patch: 'merge', list: 'set' }
const set: MergingList = { list: 'set' }
const conditions = { conditions: byType }
const matchConditions = { matchConditions: byName }

const container = {
  ports: merging('containerPort', 'protocol'),
  env: byName,
  volumeMounts: merging('mountPath'),
  volumeDevices: merging('devicePath'),
}

/** By the names of messages.ts; kinds that are not served yet are here too, so that they merge rightly once they are. */
export const mergingLists: Readonly<Record<string, Readonly<Record<string, MergingList>>>> = {
  'meta.ObjectMeta': { ownerReferences: merging('uid'), finalizers: mergedSet },
  'core.PodSpec': {
    containers: byName,
    initContainers: byName,
    ephemeralContainers: byName,
    volumes: retaining('name'),
    imagePullSecrets: byName,
    hostAliases: merging('ip'),
    schedulingGates: byName,
    resourceClaims: retaining('name'),
    topologySpreadConstraints: merging('topologyKey', 'whenUnsatisfiable'),
  },
  'core.Container': container,
  'core.EphemeralContainer': container,
  'core.ContainerRestartRuleOnExitCodes': { values: set },
  'core.ContainerStatus': { volumeMounts: merging('mountPath'), allocatedResourcesStatus: byName },
  'core.ResourceStatus': { resources: mapOnly('resourceID') },
  'core.ResourceRequirements': { claims: mapOnly('name') },
  'core.PodStatus': {
    ...conditions,
    hostIPs: { patch: 'merge', key: 'ip' },
    podIPs: merging('ip'),
    resourceClaimStatuses: retaining('name'),
  },
  'core.ServiceSpec': { ports: merging('port', 'protocol') },
  'core.ServiceStatus': conditions,
  'core.ServiceAccount': { secrets: byName },
  'core.NodeSpec': { podCIDRs: mergedSet },
  'core.NodeStatus': { ...conditions, addresses: byType },
  'core.NamespaceStatus': conditions,
  'core.ComponentStatus': conditions,
  'core.PersistentVolumeClaimStatus': conditions,
  'core.ReplicationControllerStatus': conditions,
  'apps.DaemonSetStatus': conditions,
  'apps.DeploymentStatus': conditions,
  'apps.ReplicaSetStatus': conditions,
  'apps.StatefulSetStatus': conditions,
  'batch.JobStatus': { conditions: { patch: 'merge', key: 'type' } },
  'batch.PodFailurePolicyOnExitCodesRequirement': { values: set },
  'batch.UncountedTerminatedPods': { succeeded: set, failed: set },
  'networking.ServiceCIDRStatus': conditions,
  'policy.PodDisruptionBudgetStatus': conditions,
  'storage.CSIDriverSpec': { volumeLifecycleModes: set },
  'storage.CSINodeSpec': { drivers: byName },
  'discovery.Endpoint': { addresses: set },
  'autoscaling2.HorizontalPodAutoscalerStatus': conditions,
  'admissionregistration.ValidatingAdmissionPolicySpec': { ...matchConditions, variables: byName },
  'admissionregistration.ValidatingAdmissionPolicyStatus': { conditions: mapOnly('type') },
  'admissionregistration.ValidatingAdmissionPolicyBindingSpec': { validationActions: set },
  'admissionregistration.ValidatingWebhookConfiguration': { webhooks: byName },
  'admissionregistration.MutatingWebhookConfiguration': { webhooks: byName },
  'admissionregistration.ValidatingWebhook': matchConditions,
  'admissionregistration.MutatingWebhook': matchConditions,
  'apiextensions.CustomResourceDefinitionStatus': { conditions: mapOnly('type') },
  'apiextensions.JSONSchemaProps': { 'x-kubernetes-validations': { patch: 'merge', key: 'rule', list: 'map', keys: ['rule'] } },
  'certificates.CertificateSigningRequestStatus': { conditions: mapOnly('type') },
  'resource.ResourceClaimStatus': { reservedFor: merging('uid'), devices: mapOnly('driver', 'device', 'pool', 'shareID') },
  'resource.AllocatedDeviceStatus': { conditions: mapOnly('type') },
  'flowcontrol.FlowSchemaStatus': conditions,
  'flowcontrol.PriorityLevelConfigurationStatus': conditions,
  'flowcontrol.ResourcePolicyRule': { verbs: set, apiGroups: set, resources: set, namespaces: set },
  'flowcontrol.NonResourcePolicyRule': { verbs: set, nonResourceURLs: set },
}

/** Objects whose strategic patch does not simply merge: `retainKeys` drops what the patch does not name, `replace` takes it whole. */
export const patchedObjects: Readonly<Record<string, Readonly<Record<string, 'retainKeys' | 'replace'>>>> = {
  'apps.DeploymentSpec': { strategy: 'retainKeys' },
  'policy.PodDisruptionBudgetSpec': { selector: 'replace' },
}

/** Values for keys that an element leaves out (`protocol` of a port). */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: 'TCP' }

/** What merges the list at a path, for one of the two kinds of patch. */
export interface ListStrategy {
  /** Undefined for a list of plain values that merges as a set. */
  readonly key: string | undefined
  /** Server-side apply's keys. */
  readonly applyKeys?: readonly string[]
  readonly keyDefaults?: Readonly<Record<string, unknown>>
}

const patchStrategies = new WeakMap<MergingList, ListStrategy>()
const applyStrategies = new WeakMap<MergingList, ListStrategy>()

/** Strategic merge patch: the strategy of the list at `path` (field names, list indexes left out) of `kind`; undefined: replaced as a whole. */
export function listStrategy(kind: string, path: readonly string[]): ListStrategy | undefined {
  const found = mergingList(kind, path)
  if (!found?.patch) return undefined
  let strategy = patchStrategies.get(found)
  if (!strategy) patchStrategies.set(found, (strategy = { key: found.key }))
  return strategy
}

/** Server-side apply: likewise; undefined: atomic. */
export function applyStrategy(kind: string, path: readonly string[]): ListStrategy | undefined {
  const found = mergingList(kind, path)
  if (!found?.list) return undefined
  let strategy = applyStrategies.get(found)
  if (!strategy) {
    strategy = found.keys ? { key: found.keys[0], applyKeys: found.keys, keyDefaults } : { key: undefined }
    applyStrategies.set(found, strategy)
  }
  return strategy
}

const roots = new Map(Object.entries(kinds).map(([name, message]) => [name.slice(name.lastIndexOf('/') + 1), message]))

/** Kinds without a message (custom resources) have metadata and nothing else that merges. */
function mergingList(kind: string, path: readonly string[]): MergingList | undefined {
  let message = roots.get(kind)
  let from = 0
  if (message === undefined) {
    if (path[0] !== 'metadata') return undefined
    message = 'meta.ObjectMeta'
    from = 1
  }
  const last = path.length - 1
  for (let i = from; i < last; i++) {
    const field = messageFields(message).get(path[i]!)
    if (field === undefined || messages[field.type] === undefined) return undefined
    message = field.type
    if (field.map && ++i >= last) return undefined
  }
  return from > last ? undefined : mergingLists[message]?.[path[last]!]
}
