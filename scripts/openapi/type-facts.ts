/**
 * What upstream's documents say of a type and the client library's types do not: the values of `+enum` types and what is atomic
 * (`structType`, `mapType`), as the tags of k8s.io/api v0.34 have them. By folder, type and field.
 */
const protocols = ['SCTP', 'TCP', 'UDP']
const pullPolicies = ['Always', 'IfNotPresent', 'Never']
const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
const volumeModes = ['Block', 'Filesystem']
const taintEffects = ['NoExecute', 'NoSchedule', 'PreferNoSchedule']
const profiles = ['Localhost', 'RuntimeDefault', 'Unconfined']
const trafficPolicies = ['Cluster', 'Local']
const claimPolicies = ['Delete', 'Recycle', 'Retain']
const honor = ['Honor', 'Ignore']
const setUpdates = ['OnDelete', 'RollingUpdate']
const failurePolicies = ['Fail', 'Ignore']
const matchPolicies = ['Equivalent', 'Exact']
const quotaScopes = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
]
const container = { terminationMessagePolicy: ['FallbackToLogsOnError', 'File'], imagePullPolicy: pullPolicies }
const webhook = { failurePolicy: failurePolicies, matchPolicy: matchPolicies, sideEffects: ['None', 'NoneOnDryRun', 'Some', 'Unknown'] }
const named =
  'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT RTMAX RTMIN SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'
const count = (from: string, upTo: number) => Array.from({ length: upTo }, (_, i) => `${from}${i + 1}`)
const signals = [...named.split(' '), ...count('RTMAX-', 14), ...count('RTMIN+', 15)].map((name) => `SIG${name}`).sort()

export const enums: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'core.AppArmorProfile': { type: profiles },
  'core.AzureDiskVolumeSource': { cachingMode: ['None', 'ReadOnly', 'ReadWrite'], kind: ['Dedicated', 'Managed', 'Shared'] },
  'core.Container': container,
  'core.ContainerPort': { protocol: protocols },
  'core.ContainerStatus': { stopSignal: signals },
  'core.EndpointPort': { protocol: protocols },
  'core.EphemeralContainer': container,
  'core.HostPathVolumeSource': {
    type: ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'],
  },
  'core.HTTPGetAction': { scheme: ['HTTP', 'HTTPS'] },
  'core.ImageVolumeSource': { pullPolicy: pullPolicies },
  'core.Lifecycle': { stopSignal: signals },
  'core.ModifyVolumeStatus': { status: ['InProgress', 'Infeasible', 'Pending'] },
  'core.NamespaceStatus': { phase: ['Active', 'Terminating'] },
  'core.NodeSelectorRequirement': { operator: ['DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'] },
  'core.NodeStatus': { phase: ['Pending', 'Running', 'Terminated'] },
  'core.PersistentVolumeClaimSpec': { accessModes, volumeMode: volumeModes },
  'core.PersistentVolumeClaimStatus': {
    accessModes,
    phase: ['Bound', 'Lost', 'Pending'],
    allocatedResourceStatuses: [
      'ControllerResizeInProgress',
      'ControllerResizeInfeasible',
      'NodeResizeInProgress',
      'NodeResizeInfeasible',
      'NodeResizePending',
    ],
  },
  'core.PersistentVolumeSpec': { accessModes, persistentVolumeReclaimPolicy: claimPolicies, volumeMode: volumeModes },
  'core.PersistentVolumeStatus': { phase: ['Available', 'Bound', 'Failed', 'Pending', 'Released'] },
  'core.PodSecurityContext': { supplementalGroupsPolicy: ['Merge', 'Strict'], fsGroupChangePolicy: ['Always', 'OnRootMismatch'] },
  'core.PodSpec': {
    restartPolicy: ['Always', 'Never', 'OnFailure'],
    dnsPolicy: ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
    preemptionPolicy: ['Never', 'PreemptLowerPriority'],
  },
  'core.PodStatus': {
    phase: ['Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'],
    qosClass: ['BestEffort', 'Burstable', 'Guaranteed'],
  },
  'core.PortStatus': { protocol: protocols },
  'core.ResourceQuotaSpec': { scopes: quotaScopes },
  'core.ScopedResourceSelectorRequirement': { scopeName: quotaScopes, operator: ['DoesNotExist', 'Exists', 'In', 'NotIn'] },
  'core.SeccompProfile': { type: profiles },
  'core.SecurityContext': { procMount: ['Default', 'Unmasked'] },
  'core.ServicePort': { protocol: protocols },
  'core.ServiceSpec': {
    type: ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'],
    sessionAffinity: ['ClientIP', 'None'],
    externalTrafficPolicy: trafficPolicies,
    internalTrafficPolicy: trafficPolicies,
    ipFamilies: ['', 'IPv4', 'IPv6'],
    ipFamilyPolicy: ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
  },
  'core.Taint': { effect: taintEffects },
  'core.Toleration': { operator: ['Equal', 'Exists'], effect: taintEffects },
  'core.TopologySpreadConstraint': {
    whenUnsatisfiable: ['DoNotSchedule', 'ScheduleAnyway'],
    nodeAffinityPolicy: honor,
    nodeTaintsPolicy: honor,
  },
  'core.VolumeMount': { mountPropagation: ['Bidirectional', 'HostToContainer', 'None'] },
  'apps.DaemonSetUpdateStrategy': { type: setUpdates },
  'apps.DeploymentStrategy': { type: ['Recreate', 'RollingUpdate'] },
  'apps.StatefulSetSpec': { podManagementPolicy: ['OrderedReady', 'Parallel'] },
  'apps.StatefulSetUpdateStrategy': { type: setUpdates },
  'batch.CronJobSpec': { concurrencyPolicy: ['Allow', 'Forbid', 'Replace'] },
  'batch.JobSpec': { completionMode: ['Indexed', 'NonIndexed'], podReplacementPolicy: ['Failed', 'TerminatingOrFailed'] },
  'batch.PodFailurePolicyOnExitCodesRequirement': { operator: ['In', 'NotIn'] },
  'batch.PodFailurePolicyRule': { action: ['Count', 'FailIndex', 'FailJob', 'Ignore'] },
  'discovery.EndpointSlice': { addressType: ['FQDN', 'IPv4', 'IPv6'] },
  'discovery.EndpointPort': { protocol: protocols },
  'networking.HTTPIngressPath': { pathType: ['Exact', 'ImplementationSpecific', 'Prefix'] },
  'networking.IngressPortStatus': { protocol: protocols },
  'networking.NetworkPolicyPort': { protocol: protocols },
  'networking.NetworkPolicySpec': { policyTypes: ['Egress', 'Ingress'] },
  'policy.PodDisruptionBudgetSpec': { unhealthyPodEvictionPolicy: ['AlwaysAllow', 'IfHealthyBudget'] },
  'storage.StorageClass': { reclaimPolicy: claimPolicies, volumeBindingMode: ['Immediate', 'WaitForFirstConsumer'] },
  'admissionregistration.MatchResources': { matchPolicy: matchPolicies },
  'admissionregistration.MutatingWebhook': { ...webhook, reinvocationPolicy: ['IfNeeded', 'Never'] },
  'admissionregistration.RuleWithOperations': {
    operations: ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'],
    scope: ['*', 'Cluster', 'Namespaced'],
  },
  'admissionregistration.ValidatingAdmissionPolicyBindingSpec': { validationActions: ['Audit', 'Deny', 'Warn'] },
  'admissionregistration.ValidatingAdmissionPolicySpec': { failurePolicy: failurePolicies },
  'admissionregistration.ValidatingWebhook': webhook,
}

/** Objects that server-side apply owns as a whole. */
export const atomicTypes: ReadonlySet<string> = new Set([
  'core.ConfigMapKeySelector',
  'core.EndpointAddress',
  'core.EndpointPort',
  'core.FileKeySelector',
  'core.LocalObjectReference',
  'core.NodeSelector',
  'core.NodeSelectorTerm',
  'core.ObjectFieldSelector',
  'core.ObjectReference',
  'core.ResourceFieldSelector',
  'core.ScopeSelector',
  'core.SecretKeySelector',
  'core.SecretReference',
  'core.TopologySelectorTerm',
  'core.TypedLocalObjectReference',
  'discovery.EndpointPort',
  'networking.ServiceBackendPort',
  'rbac.RoleRef',
  'rbac.Subject',
  'autoscaling.CrossVersionObjectReference',
  'admissionregistration.MatchResources',
  'admissionregistration.NamedRuleWithOperations',
  'admissionregistration.ParamKind',
  'admissionregistration.ParamRef',
  'admissionregistration.Variable',
  'meta.LabelSelector',
  'meta.OwnerReference',
])
