import type { Pod, Toleration } from 'kubernetes-types/core/v1'
import type { PriorityClass } from 'kubernetes-types/scheduling/v1'
import type { FieldError, ResourceDefinition, StrategyContext } from '../definition.ts'
import { forbidden, invalid } from '../fields.ts'
import type { Plain } from '../plain.ts'
import { podColumns } from './columns.ts'
import { defaultPod } from './defaults.ts'
import { podQosClass } from './qos.ts'
import { validatePodSpec } from './spec.ts'
import { validateEphemeralUpdate, validatePodSpecUpdate } from './update.ts'

type PodObject = Plain<Pod>

/** Admission DefaultTolerationSeconds: five minutes on a node that is not ready or unreachable. */
const evictionTolerations: Toleration[] = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}))

const systemPriorities: ReadonlyMap<string, number> = new Map([
  ['system-cluster-critical', 2000000000],
  ['system-node-critical', 2000001000],
])

export const pods: ResourceDefinition<PodObject> = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  status: true,
  connects: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
    { name: 'resize', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
  ],
  prepareForCreate(pod, context) {
    const prepared = withPriority(withEvictionTolerations(pod), context)
    const conditions = prepared.spec?.schedulingGates?.length ? { conditions: [gated] } : {}
    return { ...prepared, status: { phase: 'Pending', ...conditions, qosClass: podQosClass(defaultPod(prepared)) } }
  },
  prepareForUpdate: (pod, previous) => ({ ...pod, status: previous.status }),
  prepareForStatusUpdate: (pod, previous) => ({
    ...pod,
    spec: previous.spec,
    metadata: { ...pod.metadata, ownerReferences: previous.metadata?.ownerReferences },
    status: { ...pod.status, qosClass: pod.status?.qosClass ?? previous.status?.qosClass },
  }),
  defaults: defaultPod,
  validate(pod, context) {
    const errors = [...validateSpec(pod), ...priorityClassExists(pod, context)]
    if (pod.spec?.ephemeralContainers?.length) errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'))
    if (pod.spec?.nodeName && pod.spec.schedulingGates?.length) {
      errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
    }
    return errors
  },
  validateUpdate: (pod, previous) => [
    ...validateSpec(pod),
    ...validatePodSpecUpdate(pod.spec ?? { containers: [] }, previous.spec ?? { containers: [] }),
  ],
  validateEphemeralContainers: (pod, previous) => [...validateSpec(pod), ...validateEphemeralUpdate(pod, previous)],
  gracePeriodSeconds(pod, requested) {
    // Nobody is there to wait for: the pod never reached a node, or has ended.
    if (!pod.spec?.nodeName || pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return 0
    const period = requested ?? pod.spec.terminationGracePeriodSeconds ?? 30
    return period < 0 ? 1 : period
  },
  selectableFields: (pod) => ({
    'spec.nodeName': pod.spec?.nodeName ?? '',
    'spec.restartPolicy': pod.spec?.restartPolicy ?? '',
    'spec.schedulerName': pod.spec?.schedulerName ?? '',
    'spec.serviceAccountName': pod.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': String(pod.spec?.hostNetwork ?? false),
    'status.phase': pod.status?.phase ?? '',
    'status.podIP': pod.status?.podIPs?.[0]?.ip ?? '',
    'status.nominatedNodeName': pod.status?.nominatedNodeName ?? '',
  }),
  columns: podColumns,
}

function validateSpec(pod: PodObject): FieldError[] {
  const errors = validatePodSpec('spec', pod.spec ?? { containers: [] }, { isPod: true })
  for (const kind of ['containers', 'initContainers'] as const) {
    pod.spec?.[kind]?.forEach(({ image }, index) => {
      if (image && image.trim() !== image) {
        errors.push(invalid(`spec.${kind}[${index}].image`, image, 'must not have leading or trailing whitespace'))
      }
    })
  }
  return errors
}

function withEvictionTolerations(pod: PodObject): PodObject {
  const given = pod.spec?.tolerations ?? []
  const tolerated = (key: string) =>
    given.some((one) => (one.key === key || (!one.key && one.operator === 'Exists')) && (!one.effect || one.effect === 'NoExecute'))
  const missing = evictionTolerations.filter((toleration) => !tolerated(toleration.key!))
  if (!pod.spec || !missing.length) return pod
  return { ...pod, spec: { ...pod.spec, tolerations: [...given, ...missing] } }
}

/** As the API server itself marks a pod that may not be scheduled yet. */
const gated = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
  lastProbeTime: null as unknown as string,
  lastTransitionTime: null as unknown as string,
}

const classes = 'priorityclasses.scheduling.k8s.io'

/** Admission Priority: the number that the class stands for, or the default class's, or 0. */
function withPriority(pod: PodObject, context: StrategyContext): PodObject {
  if (!pod.spec) return pod
  const name = pod.spec.priorityClassName
  const found = name
    ? context.find<Plain<PriorityClass>>(classes, undefined, name)
    : context.list<Plain<PriorityClass>>(classes).find((one) => one.globalDefault)
  const priority = found?.value ?? systemPriorities.get(name ?? '') ?? 0
  const preemptionPolicy = pod.spec.preemptionPolicy ?? found?.preemptionPolicy ?? 'PreemptLowerPriority'
  const spec = { ...pod.spec, priority, preemptionPolicy }
  if (!name && found?.metadata?.name) spec.priorityClassName = found.metadata.name
  return { ...pod, spec }
}

function priorityClassExists(pod: PodObject, context: StrategyContext): FieldError[] {
  const name = pod.spec?.priorityClassName
  if (!name || systemPriorities.has(name) || context.find(classes, undefined, name)) return []
  return [forbidden('spec.priorityClassName', `no PriorityClass with name ${name} was found`)]
}
