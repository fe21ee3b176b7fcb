import { parseAllDocuments } from 'yaml'

/** One rich valid object of every kind that is served, to be bent. Those of workloads really run, so that controllers meet what is odd. */
const documents = `
apiVersion: v1
kind: ConfigMap
metadata: { name: x, labels: { app: x }, annotations: { note: "1" } }
data: { a: "1" }
binaryData: { b: aGVsbG8= }
---
apiVersion: v1
kind: Secret
metadata: { name: x }
type: Opaque
stringData: { a: "1" }
data: { b: aGVsbG8= }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: x }
automountServiceAccountToken: false
imagePullSecrets: [{ name: a }]
---
apiVersion: v1
kind: Namespace
metadata: { name: x }
status: { phase: Active }
---
apiVersion: v1
kind: Event
metadata: { name: x }
involvedObject: { kind: Pod, namespace: default, name: x }
reason: Because
message: something
type: Normal
count: 3
firstTimestamp: "2026-01-01T00:00:00Z"
lastTimestamp: "2026-01-01T00:00:00Z"
source: { component: me, host: there }
---
apiVersion: v1
kind: Endpoints
metadata: { name: x }
subsets:
- addresses: [{ ip: 10.9.8.7, nodeName: fuzz-worker, targetRef: { kind: Pod, name: x, namespace: default } }]
  notReadyAddresses: [{ ip: 10.9.8.6 }]
  ports: [{ name: http, port: 80, protocol: TCP }]
---
apiVersion: v1
kind: LimitRange
metadata: { name: x }
spec:
  limits:
  - { type: Container, default: { cpu: 500m }, defaultRequest: { cpu: 100m }, max: { cpu: "2" }, min: { cpu: 10m }, maxLimitRequestRatio: { cpu: "10" } }
  - { type: PersistentVolumeClaim, max: { storage: 10Gi } }
---
apiVersion: v1
kind: ResourceQuota
metadata: { name: x }
spec:
  hard: { pods: "1000", requests.cpu: "100", services.nodeports: "50", count/configmaps: "1000" }
  scopeSelector: { matchExpressions: [{ scopeName: PriorityClass, operator: In, values: [high] }] }
status: { hard: { pods: "10" }, used: { pods: "1" } }
---
apiVersion: v1
kind: Node
metadata: { name: x, labels: { kubernetes.io/hostname: x } }
spec: { podCIDR: 10.244.77.0/24, taints: [{ key: a, value: b, effect: NoSchedule }] }
status:
  capacity: { cpu: "4", memory: 8Gi, pods: "110" }
  allocatable: { cpu: "4", memory: 8Gi, pods: "110" }
  conditions: [{ type: Ready, status: "True", lastHeartbeatTime: "2026-01-01T00:00:00Z", lastTransitionTime: "2026-01-01T00:00:00Z" }]
  addresses: [{ type: InternalIP, address: 172.18.0.9 }]
  images: [{ names: [a], sizeBytes: 5 }]
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: x }
spec:
  capacity: { storage: 1Gi }
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: manual
  hostPath: { path: /data, type: DirectoryOrCreate }
  nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [fuzz-worker] }] }] } }
status: { phase: Available }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: x }
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: standard
  volumeMode: Filesystem
  resources: { requests: { storage: 500Mi } }
  selector: { matchLabels: { a: b } }
status: { phase: Pending, capacity: { storage: 1Gi } }
---
apiVersion: v1
kind: Pod
metadata: { name: x, labels: { app: x } }
spec:
  restartPolicy: Always
  terminationGracePeriodSeconds: 1
  activeDeadlineSeconds: 600
  nodeSelector: { kubernetes.io/os: linux }
  hostAliases: [{ ip: 10.1.2.3, hostnames: [a, b] }]
  dnsConfig: { nameservers: [10.96.0.10], searches: [a.b], options: [{ name: ndots, value: "2" }] }
  tolerations: [{ key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 5 }]
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: { matchLabels: { app: x } } }]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/os, operator: In, values: [linux] }] }] }
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, preference: { matchExpressions: [{ key: a, operator: Gt, values: ["4"] }] } }]
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, labelSelector: { matchExpressions: [{ key: app, operator: In, values: [y] }] }, namespaces: [default] }]
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: zone, labelSelector: {} } }]
  initContainers:
  - { name: init, image: "busybox:1.36", command: [sh, -c, "true"] }
  - { name: side, image: "busybox:1.36", command: [sleep, "1000"], restartPolicy: Always }
  containers:
  - name: app
    image: nginx:1.27-alpine
    imagePullPolicy: IfNotPresent
    workingDir: /
    env:
    - { name: A, value: "1" }
    - { name: B, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
    - { name: C, valueFrom: { configMapKeyRef: { name: x, key: a, optional: true } } }
    - { name: D, valueFrom: { secretKeyRef: { name: x, key: a, optional: true } } }
    - { name: E, valueFrom: { resourceFieldRef: { resource: limits.cpu } } }
    envFrom: [{ prefix: P_, configMapRef: { name: x, optional: true } }]
    ports: [{ name: http, containerPort: 80, protocol: TCP }]
    resources: { requests: { cpu: 10m, memory: 16Mi }, limits: { cpu: 100m, memory: 64Mi } }
    readinessProbe: { httpGet: { path: /, port: http, httpHeaders: [{ name: A, value: b }] }, periodSeconds: 2, failureThreshold: 2 }
    livenessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 1 }
    startupProbe: { exec: { command: ["true"] } }
    lifecycle: { preStop: { exec: { command: ["true"] } } }
    securityContext: { runAsUser: 0, capabilities: { add: [NET_ADMIN] } }
    volumeMounts: [{ name: conf, mountPath: /conf, subPath: a, readOnly: true }, { name: tmp, mountPath: /tmp }]
  volumes:
  - { name: conf, configMap: { name: x, optional: true, defaultMode: 420, items: [{ key: a, path: a/b, mode: 256 }] } }
  - { name: sec, secret: { secretName: x, optional: true } }
  - { name: tmp, emptyDir: { medium: Memory, sizeLimit: 10Mi } }
  - { name: host, hostPath: { path: /var, type: Directory } }
  - { name: down, downwardAPI: { items: [{ path: l, fieldRef: { fieldPath: "metadata.labels['app']" } }] } }
  - { name: all, projected: { sources: [{ configMap: { name: x, optional: true } }, { serviceAccountToken: { path: t, expirationSeconds: 3600 } }] } }
status:
  phase: Running
  podIP: 10.244.1.77
  podIPs: [{ ip: 10.244.1.77 }]
  hostIP: 172.18.0.3
  startTime: "2026-01-01T00:00:00Z"
  reason: Because
  conditions: [{ type: Ready, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }, { type: PodScheduled, status: "True" }]
  containerStatuses: [{ name: app, ready: true, started: true, restartCount: 3, image: x, imageID: x, containerID: "x://y", state: { running: { startedAt: "2026-01-01T00:00:00Z" } }, lastState: { terminated: { exitCode: 1, reason: Error } } }]
---
apiVersion: v1
kind: Service
metadata: { name: x }
spec:
  type: NodePort
  selector: { app: x }
  sessionAffinity: ClientIP
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 30 } }
  externalTrafficPolicy: Local
  externalIPs: [192.0.2.7]
  ipFamilyPolicy: SingleStack
  ports: [{ name: http, port: 80, targetPort: http, protocol: TCP }, { name: dns, port: 53, targetPort: 53, protocol: UDP }]
status: { loadBalancer: { ingress: [{ ip: 192.0.2.1, ports: [{ port: 80, protocol: TCP }] }] } }
---
apiVersion: apps/v1
kind: ControllerRevision
metadata: { name: x }
revision: 1
data: { spec: { a: 1 } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: x }
spec:
  replicas: 2
  minReadySeconds: 1
  revisionHistoryLimit: 3
  progressDeadlineSeconds: 60
  paused: false
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 50%, maxUnavailable: 1 } }
  selector: { matchLabels: { app: x }, matchExpressions: [{ key: app, operator: In, values: [x] }] }
  template:
    metadata: { labels: { app: x } }
    spec: { containers: [{ name: app, image: "nginx:1.27-alpine", ports: [{ containerPort: 80 }] }] }
status: { replicas: 2, readyReplicas: 2, observedGeneration: 1, conditions: [{ type: Available, status: "True" }], collisionCount: 1 }
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: x }
spec:
  replicas: 1
  selector: { matchLabels: { app: rs } }
  template:
    metadata: { labels: { app: rs } }
    spec: { containers: [{ name: app, image: "nginx:1.27-alpine" }] }
status: { replicas: 1, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1 }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: x }
spec:
  selector: { matchLabels: { app: ds } }
  updateStrategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 1 } }
  template:
    metadata: { labels: { app: ds } }
    spec: { hostNetwork: false, containers: [{ name: app, image: "busybox:1.36", command: [sleep, "1000"] }], tolerations: [{ operator: Exists }] }
status: { currentNumberScheduled: 1, desiredNumberScheduled: 1, numberMisscheduled: 0, numberReady: 1, observedGeneration: 1 }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: x }
spec:
  serviceName: x
  replicas: 2
  podManagementPolicy: OrderedReady
  updateStrategy: { type: RollingUpdate, rollingUpdate: { partition: 1 } }
  ordinals: { start: 1 }
  selector: { matchLabels: { app: ss } }
  template:
    metadata: { labels: { app: ss } }
    spec: { containers: [{ name: app, image: "nginx:1.27-alpine", volumeMounts: [{ name: data, mountPath: /data }] }] }
  volumeClaimTemplates: [{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } } }]
status: { replicas: 2, currentRevision: x-1, updateRevision: x-2, collisionCount: 0 }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: x }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: x }
  minReplicas: 1
  maxReplicas: 3
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 50 } } }]
  behavior: { scaleDown: { stabilizationWindowSeconds: 5, policies: [{ type: Pods, value: 1, periodSeconds: 15 }] } }
status: { currentReplicas: 1, desiredReplicas: 1 }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: x }
spec:
  schedule: "*/1 * * * *"
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 100
  suspend: false
  successfulJobsHistoryLimit: 1
  jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: app, image: "busybox:1.36", command: ["true"] }] } } } }
status: { lastScheduleTime: "2026-01-01T00:00:00Z", active: [{ kind: Job, name: x }] }
---
apiVersion: batch/v1
kind: Job
metadata: { name: x }
spec:
  completions: 3
  parallelism: 2
  backoffLimit: 2
  activeDeadlineSeconds: 100
  ttlSecondsAfterFinished: 30
  completionMode: Indexed
  template: { spec: { restartPolicy: OnFailure, containers: [{ name: app, image: "busybox:1.36", command: ["true"] }] } }
status: { active: 1, succeeded: 1, completedIndexes: "0", startTime: "2026-01-01T00:00:00Z", conditions: [{ type: Suspended, status: "True" }], uncountedTerminatedPods: { succeeded: [a] } }
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: x }
spec: { controller: example.com/x, parameters: { kind: ConfigMap, name: x, scope: Namespace, namespace: default } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: x }
spec:
  ingressClassName: x
  defaultBackend: { service: { name: x, port: { name: http } } }
  tls: [{ hosts: [a.example], secretName: x }]
  rules: [{ host: a.example, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: x, port: { number: 80 } } } }] } }]
status: { loadBalancer: { ingress: [{ hostname: a.example }] } }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: x }
spec:
  podSelector: { matchLabels: { app: x } }
  policyTypes: [Ingress, Egress]
  ingress: [{ from: [{ podSelector: {}, namespaceSelector: { matchLabels: { a: b } } }, { ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }], ports: [{ port: http, protocol: TCP }, { port: 1000, endPort: 2000 }] }]
  egress: [{ to: [{ podSelector: { matchLabels: { app: y } } }] }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: x }
spec: { minAvailable: 50%, selector: { matchLabels: { app: x } }, unhealthyPodEvictionPolicy: AlwaysAllow }
status: { disruptionsAllowed: 1, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptedPods: { x: "2026-01-01T00:00:00Z" } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: x }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get], resourceNames: [a] }, { nonResourceURLs: [/healthz], verbs: [get] }]
aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: b } }] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: x }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: x }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
subjects: [{ kind: User, name: jane, apiGroup: rbac.authorization.k8s.io }, { kind: ServiceAccount, name: x, namespace: default }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: x }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: x }
subjects: [{ kind: Group, name: g, apiGroup: rbac.authorization.k8s.io }]
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: x }
provisioner: rancher.io/local-path
reclaimPolicy: Delete
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
parameters: { a: b }
mountOptions: [ro]
allowedTopologies: [{ matchLabelExpressions: [{ key: zone, values: [a] }] }]
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: { name: x }
spec: { holderIdentity: me, leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z", leaseTransitions: 1 }
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: { name: x }
value: 1000
globalDefault: false
description: high
preemptionPolicy: Never
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: x, labels: { kubernetes.io/service-name: x } }
addressType: IPv4
endpoints: [{ addresses: [10.9.8.7], conditions: { ready: true, serving: true, terminating: false }, nodeName: fuzz-worker, zone: a, hints: { forZones: [{ name: a }] } }]
ports: [{ name: http, port: 80, protocol: TCP, appProtocol: http }]
`

export type Plain = { [field: string]: unknown }

export const validObjects: readonly Plain[] = parseAllDocuments(documents).map((document) => document.toJS() as Plain)
