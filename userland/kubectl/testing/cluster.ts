import type { createTestApi } from './api.ts'

/** A small cluster for the tests: a web shop's usual objects. `now` dates its events. */
export function fillCluster(api: ReturnType<typeof createTestApi>, now: number): void {
  const o = (apiVersion: string, kind: string, name: string, rest: any = {}, labels: any = undefined, namespace = 'default') =>
    api.put({
      apiVersion,
      kind,
      metadata: { name, namespace, ...(labels ? { labels } : {}), ...rest.metadata },
      ...Object.fromEntries(Object.entries(rest).filter(([k]) => k !== 'metadata')),
    })
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' }, spec: {}, status: { phase: 'Active' } })
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' }, spec: {}, status: { phase: 'Active' } })
  api.put({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node1', labels: { 'kubernetes.io/hostname': 'node1', 'node-role.kubernetes.io/control-plane': '' } },
    spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'], taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] },
    status: {
      capacity: { cpu: '4', memory: '8Gi', pods: '110' },
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          lastHeartbeatTime: '2024-01-01T00:00:00Z',
          lastTransitionTime: '2024-01-01T00:00:00Z',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
        },
      ],
      addresses: [
        { type: 'InternalIP', address: '172.18.0.3' },
        { type: 'Hostname', address: 'node1' },
      ],
      nodeInfo: {
        machineID: 'abc',
        systemUUID: 'def',
        bootID: 'ghi',
        kernelVersion: '6.1',
        osImage: 'Debian',
        containerRuntimeVersion: 'containerd://2.1',
        kubeletVersion: 'v1.34.0',
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
    },
  })
  o('v1', 'ConfigMap', 'conf', {
    data: { Corefile: '.:53 {\n    errors\n    health\n}\n', b: 'x', multi: 'a  \nb' },
    binaryData: { bin: 'AAEC' },
  })
  const nasty = [
    '',
    ' ',
    'yes',
    'No',
    '1',
    '0x1f',
    '1e3',
    '012',
    '0o17',
    '1_000',
    '12:30',
    '12:30:45',
    '2024-01-01',
    '2024-01-01T00:00:00Z',
    '2024-01-01 10:00:00',
    'null',
    '~',
    '-',
    '- a',
    '-a',
    '? a',
    '?a',
    ':',
    ':a',
    'a: b',
    'a:b',
    'a #b',
    'a#b',
    '#a',
    '"q"',
    "it's",
    "'",
    '%x',
    '@x',
    '`x',
    '!x',
    '&x',
    '*x',
    '|',
    '>',
    '{a',
    '[a',
    'a,b',
    ']a',
    'a\tb',
    'a\nb',
    'a\nb\n',
    'a\nb\n\n',
    '\na',
    ' a\nb',
    'a \nb',
    'a\n b',
    'a\nb ',
    '\n',
    '\n\n',
    'é',
    '😀',
    'a\rb',
    '---',
    '---a',
    '...',
    '--- a',
    '.5',
    '.',
    '+1',
    '-1',
    '+.inf',
    '.inf',
    '.NaN',
    '1.2.3',
    '10.0.0.1',
    '10.0.0.1:53',
    '<<',
    '=',
    'y',
    'n',
    'on',
    'x '.repeat(60),
    'word '.repeat(30) + 'end',
    "it's " + 'word '.repeat(30) + 'end: x',
    'a: ' + 'word '.repeat(30) + ' double  spaces   here ' + 'word '.repeat(20) + 'x',
    '\t' + 'word '.repeat(30),
    'trailing ',
    ' leading',
    'a\u00a0b',
    '\u2028',
    '\ufeffx',
    '123e4567',
    '1e400',
    '1.',
    '1.0',
    '0b1',
    '0b2',
    '08',
    '0_8',
    'a'.repeat(200),
    ('a'.repeat(50) + ' ').repeat(4),
  ]
  o('v1', 'ConfigMap', 'nasty', {
    data: Object.fromEntries([
      ...nasty.map((v, i) => ['k' + i, v]),
      ...['a10', 'a9', 'a-1', 'a.1', 'a_1', 'A1', 'true', '1', '10', '9', 'a b', 'x: y', '01', '001'].map((k) => [k, k]),
    ]),
    nested: [[1, [2, 3]], { a: [], b: {}, c: [{ d: 1 }, [{ e: null }]] }],
    num: 1.5,
    big: 1234567890123,
    f: 1e21,
    t: true,
  })
  o('v1', 'Secret', 'sec', { type: 'Opaque', data: { a: 'YmFy' } })
  o('v1', 'ServiceAccount', 'default', {})
  const tmpl = {
    metadata: { labels: { app: 'web' }, annotations: { x: 'y' } },
    spec: {
      serviceAccountName: 'default',
      containers: [
        {
          name: 'nginx',
          image: 'nginx:1.27',
          ports: [{ containerPort: 80, protocol: 'TCP', name: 'http' }],
          env: [
            { name: 'A', value: 'B' },
            { name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
            { name: 'C', valueFrom: { configMapKeyRef: { name: 'conf', key: 'b' } } },
          ],
          envFrom: [{ configMapRef: { name: 'conf' } }],
          resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '1', memory: '128Mi' } },
          readinessProbe: {
            httpGet: { path: '/ready', port: 80, scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          livenessProbe: {
            exec: { command: ['cat', '/x'] },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
            initialDelaySeconds: 5,
          },
          volumeMounts: [
            { name: 'cm', mountPath: '/etc/cm', readOnly: true },
            { name: 'tmp', mountPath: '/tmp', subPath: 'x' },
          ],
        },
        { name: 'side', image: 'busybox', command: ['sh', '-c', 'sleep 1\nsleep 2'], args: ['a'], resources: {} },
      ],
      volumes: [
        { name: 'cm', configMap: { name: 'conf', defaultMode: 420 } },
        { name: 'tmp', emptyDir: {} },
        {
          name: 'kube-api-access-x',
          projected: {
            defaultMode: 420,
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              { downwardAPI: { items: [] } },
            ],
          },
        },
        { name: 'hp', hostPath: { path: '/var/log', type: '' } },
        { name: 's', secret: { secretName: 'sec' } },
        { name: 'p', persistentVolumeClaim: { claimName: 'data' } },
      ],
      nodeSelector: { a: 'b' },
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { operator: 'Exists' },
        { key: 'k', value: 'v', effect: 'NoSchedule' },
      ],
    },
  }
  o(
    'apps/v1',
    'Deployment',
    'web',
    {
      metadata: { generation: 2, uid: 'dep-uid', annotations: { 'deployment.kubernetes.io/revision': '2' } },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'web' } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        template: tmpl,
      },
      status: {
        observedGeneration: 2,
        replicas: 3,
        updatedReplicas: 3,
        readyReplicas: 3,
        availableReplicas: 3,
        conditions: [
          { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'ok' },
          { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: 'ok' },
        ],
      },
    },
    { app: 'web' },
  )
  const rs = (name: string, rev: string, n: number, img: string) =>
    o(
      'apps/v1',
      'ReplicaSet',
      name,
      {
        metadata: {
          uid: name + '-uid',
          annotations: { 'deployment.kubernetes.io/revision': rev },
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'dep-uid', controller: true, blockOwnerDeletion: true },
          ],
        },
        spec: {
          replicas: n,
          selector: { matchLabels: { app: 'web', 'pod-template-hash': name } },
          template: {
            ...tmpl,
            metadata: { ...tmpl.metadata, labels: { app: 'web', 'pod-template-hash': name } },
            spec: { ...tmpl.spec, containers: [{ ...tmpl.spec.containers[0], image: img }, tmpl.spec.containers[1]] },
          },
        },
        status: { replicas: n, readyReplicas: n, fullyLabeledReplicas: n, observedGeneration: 1 },
      },
      { app: 'web', 'pod-template-hash': name },
    )
  rs('web-1', '1', 0, 'nginx:1.26')
  rs('web-2', '2', 3, 'nginx:1.27')
  for (const n of ['web-2-abcde', 'web-2-fghij-long-name'])
    o(
      'v1',
      'Pod',
      n,
      {
        metadata: {
          uid: n + '-uid',
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-2', uid: 'web-2-uid', controller: true, blockOwnerDeletion: true },
          ],
        },
        spec: {
          ...tmpl.spec,
          nodeName: 'node1',
          priority: 0,
          restartPolicy: 'Always',
          initContainers: [{ name: 'init', image: 'busybox', command: ['true'], resources: {} }],
        },
        status: {
          phase: 'Running',
          qosClass: 'Burstable',
          podIP: '10.244.0.5',
          podIPs: [{ ip: '10.244.0.5' }],
          hostIP: '172.18.0.3',
          startTime: '2024-01-01T00:00:00Z',
          conditions: [
            { type: 'Initialized', status: 'True', lastTransitionTime: '2024-01-01T00:00:00Z' },
            { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: '2024-01-01T00:00:00Z' },
          ],
          initContainerStatuses: [
            {
              name: 'init',
              ready: true,
              restartCount: 0,
              image: 'busybox',
              imageID: 'docker.io/busybox@sha256:1',
              containerID: 'containerd://0',
              state: {
                terminated: { exitCode: 0, reason: 'Completed', startedAt: '2024-01-01T00:00:00Z', finishedAt: '2024-01-01T00:00:01Z' },
              },
            },
          ],
          containerStatuses: [
            {
              name: 'nginx',
              ready: true,
              restartCount: 0,
              image: 'nginx',
              imageID: 'docker.io/nginx@sha256:1',
              containerID: 'containerd://1',
              state: { running: { startedAt: '2024-01-01T00:00:00Z' } },
            },
            {
              name: 'side',
              ready: false,
              restartCount: 3,
              image: 'busybox',
              imageID: '',
              state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } },
              lastState: {
                terminated: { exitCode: 1, reason: 'Error', startedAt: '2024-01-01T00:00:00Z', finishedAt: '2024-01-01T00:00:01Z' },
              },
            },
          ],
        },
      },
      { app: 'web' },
    )
  o('v1', 'Service', 'web', {
    spec: {
      type: 'NodePort',
      clusterIP: '10.96.1.2',
      clusterIPs: ['10.96.1.2'],
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4'],
      selector: { app: 'web' },
      sessionAffinity: 'None',
      externalTrafficPolicy: 'Cluster',
      internalTrafficPolicy: 'Cluster',
      ports: [
        { name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', nodePort: 30080 },
        { port: 443, targetPort: 8443, protocol: 'TCP', name: 'https' },
      ],
    },
    status: { loadBalancer: {} },
  })
  o('v1', 'Service', 'bare', {
    spec: { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], sessionAffinity: 'None', ports: [] },
    status: { loadBalancer: {} },
  })
  o(
    'discovery.k8s.io/v1',
    'EndpointSlice',
    'web-x1',
    {
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.244.0.5'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'node1',
          targetRef: { kind: 'Pod', name: 'web-2-abcde', namespace: 'default' },
        },
      ],
      ports: [
        { name: 'http', port: 80, protocol: 'TCP' },
        { name: 'https', port: 8443, protocol: 'TCP' },
      ],
    },
    { 'kubernetes.io/service-name': 'web' },
  )
  o('v1', 'Endpoints', 'web', {
    subsets: [
      {
        addresses: [{ ip: '10.244.0.5' }],
        notReadyAddresses: [{ ip: '10.244.0.6' }],
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      },
    ],
  })
  o('networking.k8s.io/v1', 'Ingress', 'ing', {
    metadata: { annotations: { a: 'b' } },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: ['a.b'], secretName: 'sec' }],
      defaultBackend: { service: { name: 'web', port: { number: 80 } } },
      rules: [
        {
          host: 'a.b',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
              { path: '/x', pathType: 'Prefix', backend: { service: { name: 'nope', port: { name: 'http' } } } },
            ],
          },
        },
      ],
    },
    status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
  })
  o('networking.k8s.io/v1', 'NetworkPolicy', 'np', {
    spec: {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { a: 'b' } } },
            { namespaceSelector: {}, podSelector: { matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }] } },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
          ],
          ports: [
            { port: 80, protocol: 'TCP' },
            { port: 5000, endPort: 6000, protocol: 'TCP' },
          ],
        },
      ],
      egress: [{}],
    },
  })
  o('networking.k8s.io/v1', 'NetworkPolicy', 'deny', { spec: { podSelector: {}, policyTypes: ['Ingress'] } })
  o(
    'apps/v1',
    'DaemonSet',
    'ds',
    {
      metadata: { generation: 1 },
      spec: {
        selector: { matchLabels: { app: 'ds' } },
        template: {
          metadata: { labels: { app: 'ds' } },
          spec: { hostNetwork: true, containers: [{ name: 'c', image: 'busybox', resources: {} }] },
        },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      },
      status: {
        desiredNumberScheduled: 1,
        currentNumberScheduled: 1,
        numberReady: 1,
        updatedNumberScheduled: 1,
        numberAvailable: 1,
        observedGeneration: 1,
        numberMisscheduled: 0,
      },
    },
    { app: 'ds' },
  )
  o('apps/v1', 'StatefulSet', 'ss', {
    metadata: { generation: 1 },
    spec: {
      replicas: 1,
      serviceName: 'ss',
      selector: { matchLabels: { app: 'ss' } },
      template: { metadata: { labels: { app: 'ss' } }, spec: { containers: [{ name: 'c', image: 'busybox', resources: {} }] } },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          status: { phase: 'Pending' },
        },
      ],
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    },
    status: { replicas: 1, readyReplicas: 1, observedGeneration: 1, currentRevision: 'a', updateRevision: 'a' },
  })
  o('batch/v1', 'Job', 'job', {
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'x' } },
      template: {
        metadata: { labels: { job: 'job' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox', resources: {} }] },
      },
    },
    status: { startTime: '2024-01-01T00:00:00Z', completionTime: '2024-01-01T00:00:09Z', succeeded: 1, active: 0 },
  })
  o('v1', 'PersistentVolumeClaim', 'data', {
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'standard',
      volumeMode: 'Filesystem',
      volumeName: 'pv1',
    },
    status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } },
  })
  const ago = (s: number) => new Date(now - s * 1000).toISOString().replace(/\.\d+Z/, 'Z')
  o('v1', 'Event', 'e1', {
    involvedObject: { kind: 'Pod', name: 'web-2-abcde', namespace: 'default', uid: 'web-2-abcde-uid', fieldPath: 'spec.containers{side}' },
    reason: 'BackOff',
    message: 'Back-off restarting failed container',
    type: 'Warning',
    count: 4,
    firstTimestamp: ago(4000),
    lastTimestamp: ago(3700),
    source: { component: 'kubelet', host: 'node1' },
  })
  o('v1', 'Event', 'e2', {
    involvedObject: { kind: 'Deployment', name: 'web', namespace: 'default', uid: 'dep-uid' },
    reason: 'ScalingReplicaSet',
    message: 'Scaled up replica set web-2 from 0 to 3',
    type: 'Normal',
    count: 1,
    firstTimestamp: ago(3700),
    lastTimestamp: ago(3700),
    source: { component: 'deployment-controller' },
  })
}

/** Files of the tests, by name. */
export const testFiles: Record<string, string> = {
  'web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: new}
spec:
  replicas: 1
  selector: {matchLabels: {app: new}}
  template:
    metadata: {labels: {app: new}}
    spec:
      containers: [{name: c, image: nginx}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {b: "y"}
`,
  'nokind.yaml': `a: b
`,
  'unknown.yaml': `apiVersion: v1
kind: Foo
metadata: {name: x}
`,
  'bad.yaml': `a: b
 c: d
`,
  'dup.yaml': `apiVersion: v1
kind: Pod
metadata: {name: web-2-abcde}
`,
}
