import type { KubeObject } from '../kubernetes.ts'
import { addresses, type ClusterSpec, nodeNames, versions } from './spec.ts'

/**
 * Cilium as `cilium install` renders its chart for a kind cluster without kube-proxy (ipam.mode=kubernetes, kubeProxyReplacement,
 * k8sServiceHost), with envoy.enabled=false and without health checks between nodes.
 */
export function cilium(spec: ClusterSpec): KubeObject[] {
  return [
    ...['cilium', 'cilium-operator'].map(
      (name): KubeObject => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }),
    ),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config', namespace }, data: configuration(spec) },
    daemonSet(spec),
    operator(spec),
  ]
}

const namespace = 'kube-system'
const agentImage = `quay.io/cilium/cilium:${versions.cilium}`
const partOf = { 'app.kubernetes.io/part-of': 'cilium' }

function configuration(spec: ClusterSpec): Record<string, string> {
  return {
    'agent-not-ready-taint-key': 'node.cilium.io/agent-not-ready',
    'auto-direct-node-routes': 'false',
    'bpf-lb-external-clusterip': 'false',
    'bpf-lb-sock': 'false',
    'cluster-id': '0',
    'cluster-name': `kind-${spec.name}`,
    'cni-exclusive': 'true',
    'cni-log-file': '/var/run/cilium/cilium-cni.log',
    'datapath-mode': 'veth',
    debug: 'false',
    'enable-bpf-masquerade': 'false',
    'enable-endpoint-health-checking': 'false',
    'enable-health-checking': 'false',
    'enable-hubble': 'true',
    'enable-ipv4': 'true',
    'enable-ipv4-masquerade': 'true',
    'enable-ipv6': 'false',
    'enable-ipv6-masquerade': 'true',
    'enable-k8s-networkpolicy': 'true',
    'enable-l7-proxy': 'false',
    'enable-policy': 'default',
    'external-envoy-proxy': 'false',
    'hubble-socket-path': '/var/run/cilium/hubble.sock',
    'identity-allocation-mode': 'crd',
    'identity-gc-interval': '15m0s',
    'identity-heartbeat-timeout': '30m0s',
    'install-no-conntrack-iptables-rules': 'false',
    ipam: 'kubernetes',
    'kube-proxy-replacement': 'true',
    'kube-proxy-replacement-healthz-bind-address': '',
    'operator-api-serve-addr': '127.0.0.1:9234',
    'policy-cidr-match-mode': '',
    'preallocate-bpf-maps': 'false',
    'remove-cilium-node-taints': 'true',
    'routing-mode': 'tunnel',
    'service-no-backend-response': 'reject',
    'set-cilium-is-up-condition': 'true',
    'set-cilium-node-taints': 'true',
    'tunnel-protocol': 'vxlan',
    'tunnel-source-port-range': '0-0',
    'write-cni-conf-when-ready': '/host/etc/cni/net.d/05-cilium.conflist',
  }
}

const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } })
const value = (name: string, text: string) => ({ name, value: text })
const apiServer = (spec: ClusterSpec) => [
  value('KUBERNETES_SERVICE_HOST', nodeNames(spec)[0] as string),
  value('KUBERNETES_SERVICE_PORT', String(addresses.apiPort)),
]
const place = [field('K8S_NODE_NAME', 'spec.nodeName'), field('CILIUM_K8S_NAMESPACE', 'metadata.namespace')]
const linux = { 'kubernetes.io/os': 'linux' }
const fallback = { terminationMessagePolicy: 'FallbackToLogsOnError' }
const capabilities = (add: string[]) => ({ seLinuxOptions: { level: 's0', type: 'spc_t' }, capabilities: { add, drop: ['ALL'] } })

function daemonSet(spec: ClusterSpec): KubeObject {
  const selector = { 'k8s-app': 'cilium' }
  const labels = { ...selector, 'app.kubernetes.io/name': 'cilium-agent', ...partOf }
  const folder = (name: string, path: string, type = 'DirectoryOrCreate') => ({ name, hostPath: { path, type } })
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'cilium', namespace, labels },
    spec: {
      selector: { matchLabels: selector },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } },
      template: {
        metadata: { labels },
        spec: {
          securityContext: { appArmorProfile: { type: 'Unconfined' }, seccompProfile: { type: 'Unconfined' } },
          initContainers: initContainers(spec),
          containers: [agent(spec)],
          restartPolicy: 'Always',
          priorityClassName: 'system-node-critical',
          serviceAccountName: 'cilium',
          automountServiceAccountToken: true,
          terminationGracePeriodSeconds: 1,
          hostNetwork: true,
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { labelSelector: { matchLabels: selector }, topologyKey: 'kubernetes.io/hostname' },
              ],
            },
          },
          nodeSelector: linux,
          tolerations: [{ operator: 'Exists' }],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            folder('cilium-run', '/var/run/cilium'),
            folder('bpf-maps', '/sys/fs/bpf'),
            folder('hostproc', '/proc', 'Directory'),
            folder('cilium-cgroup', '/run/cilium/cgroupv2'),
            folder('cni-path', '/opt/cni/bin'),
            folder('etc-cni-netd', '/etc/cni/net.d'),
            { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
            folder('xtables-lock', '/run/xtables.lock', 'FileOrCreate'),
          ],
        },
      },
    },
  }
}

function initContainers(spec: ClusterSpec) {
  const onNode = (name: string, environment: object[], tool: string, entry: string, add: string[]) => ({
    name,
    image: agentImage,
    imagePullPolicy: 'IfNotPresent',
    env: environment,
    command: ['sh', '-ec', `cp /usr/bin/${tool} /hostbin/${tool};\n${entry};\nrm /hostbin/${tool}\n`],
    volumeMounts: [
      { name: 'hostproc', mountPath: '/hostproc' },
      { name: 'cni-path', mountPath: '/hostbin' },
    ],
    ...fallback,
    securityContext: capabilities(add),
  })
  const configured = (name: string, key: string) => ({
    name,
    valueFrom: { configMapKeyRef: { name: 'cilium-config', key, optional: true } },
  })
  return [
    {
      name: 'config',
      image: agentImage,
      imagePullPolicy: 'IfNotPresent',
      command: ['cilium-dbg', 'build-config'],
      env: [...place, ...apiServer(spec)],
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
      ...fallback,
    },
    onNode(
      'mount-cgroup',
      [value('CGROUP_ROOT', '/run/cilium/cgroupv2'), value('BIN_PATH', '/opt/cni/bin')],
      'cilium-mount',
      'nsenter --cgroup=/hostproc/1/ns/cgroup --mount=/hostproc/1/ns/mnt "$BIN_PATH/cilium-mount" $CGROUP_ROOT',
      ['SYS_ADMIN', 'SYS_CHROOT', 'SYS_PTRACE'],
    ),
    onNode(
      'apply-sysctl-overwrites',
      [value('BIN_PATH', '/opt/cni/bin')],
      'cilium-sysctlfix',
      'nsenter --mount=/hostproc/1/ns/mnt "$BIN_PATH/cilium-sysctlfix"',
      ['SYS_ADMIN', 'SYS_CHROOT', 'SYS_PTRACE'],
    ),
    {
      name: 'mount-bpf-fs',
      image: agentImage,
      imagePullPolicy: 'IfNotPresent',
      args: ['mount | grep "/sys/fs/bpf type bpf" || mount -t bpf bpf /sys/fs/bpf'],
      command: ['/bin/bash', '-c', '--'],
      ...fallback,
      securityContext: { privileged: true },
      volumeMounts: [{ name: 'bpf-maps', mountPath: '/sys/fs/bpf', mountPropagation: 'Bidirectional' }],
    },
    {
      name: 'clean-cilium-state',
      image: agentImage,
      imagePullPolicy: 'IfNotPresent',
      command: ['/init-container.sh'],
      env: [
        configured('CILIUM_ALL_STATE', 'clean-cilium-state'),
        configured('CILIUM_BPF_STATE', 'clean-cilium-bpf-state'),
        configured('WRITE_CNI_CONF_WHEN_READY', 'write-cni-conf-when-ready'),
        ...apiServer(spec),
      ],
      ...fallback,
      securityContext: capabilities(['NET_ADMIN', 'SYS_MODULE', 'SYS_ADMIN', 'SYS_RESOURCE']),
      volumeMounts: [
        { name: 'bpf-maps', mountPath: '/sys/fs/bpf' },
        { name: 'cilium-cgroup', mountPath: '/run/cilium/cgroupv2', mountPropagation: 'HostToContainer' },
        { name: 'cilium-run', mountPath: '/var/run/cilium' },
      ],
    },
    {
      name: 'install-cni-binaries',
      image: agentImage,
      imagePullPolicy: 'IfNotPresent',
      command: ['/install-plugin.sh'],
      resources: { requests: { cpu: '100m', memory: '10Mi' } },
      securityContext: { seLinuxOptions: { level: 's0', type: 'spc_t' }, capabilities: { drop: ['ALL'] } },
      ...fallback,
      volumeMounts: [{ name: 'cni-path', mountPath: '/host/opt/cni/bin' }],
    },
  ]
}

function agent(spec: ClusterSpec) {
  const health = { host: '127.0.0.1', path: '/healthz', port: 9879, scheme: 'HTTP', httpHeaders: [{ name: 'brief', value: 'true' }] }
  const liveness = { ...health, httpHeaders: [...health.httpHeaders, { name: 'require-k8s-connectivity', value: 'false' }] }
  return {
    name: 'cilium-agent',
    image: agentImage,
    imagePullPolicy: 'IfNotPresent',
    command: ['cilium-agent'],
    args: ['--config-dir=/tmp/cilium/config-map'],
    startupProbe: { httpGet: health, failureThreshold: 300, periodSeconds: 2, successThreshold: 1, initialDelaySeconds: 5 },
    livenessProbe: { httpGet: liveness, periodSeconds: 30, successThreshold: 1, failureThreshold: 10, timeoutSeconds: 5 },
    readinessProbe: { httpGet: health, periodSeconds: 30, successThreshold: 1, failureThreshold: 3, timeoutSeconds: 5 },
    env: [...place, value('CILIUM_CLUSTERMESH_CONFIG', '/var/lib/cilium/clustermesh/'), ...apiServer(spec)],
    securityContext: capabilities([
      'CHOWN',
      'KILL',
      'NET_ADMIN',
      'NET_RAW',
      'IPC_LOCK',
      'SYS_MODULE',
      'SYS_ADMIN',
      'SYS_RESOURCE',
      'DAC_OVERRIDE',
      'FOWNER',
      'SETGID',
      'SETUID',
      'SYSLOG',
    ]),
    ...fallback,
    volumeMounts: [
      { name: 'bpf-maps', mountPath: '/sys/fs/bpf', mountPropagation: 'HostToContainer' },
      { name: 'cilium-run', mountPath: '/var/run/cilium' },
      { name: 'etc-cni-netd', mountPath: '/host/etc/cni/net.d' },
      { name: 'lib-modules', mountPath: '/lib/modules', readOnly: true },
      { name: 'xtables-lock', mountPath: '/run/xtables.lock' },
      { name: 'tmp', mountPath: '/tmp' },
    ],
  }
}

function operator(spec: ClusterSpec): KubeObject {
  const name = 'cilium-operator'
  const selector = { 'io.cilium/app': 'operator', name }
  const labels = { ...selector, 'app.kubernetes.io/name': name, ...partOf }
  const health = { host: '127.0.0.1', path: '/healthz', port: 9234, scheme: 'HTTP' }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: selector },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '100%' } },
      template: {
        metadata: { labels },
        spec: {
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name,
              image: `quay.io/cilium/operator-generic:${versions.cilium}`,
              imagePullPolicy: 'IfNotPresent',
              command: ['cilium-operator-generic'],
              args: ['--config-dir=/tmp/cilium/config-map', '--debug=$(CILIUM_DEBUG)'],
              env: [
                ...place,
                { name: 'CILIUM_DEBUG', valueFrom: { configMapKeyRef: { key: 'debug', name: 'cilium-config', optional: true } } },
                ...apiServer(spec),
              ],
              livenessProbe: { httpGet: health, initialDelaySeconds: 60, periodSeconds: 10, timeoutSeconds: 3 },
              readinessProbe: { httpGet: health, initialDelaySeconds: 0, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 5 },
              volumeMounts: [{ name: 'cilium-config-path', mountPath: '/tmp/cilium/config-map', readOnly: true }],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              ...fallback,
            },
          ],
          hostNetwork: true,
          restartPolicy: 'Always',
          priorityClassName: 'system-cluster-critical',
          serviceAccountName: name,
          automountServiceAccountToken: true,
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { labelSelector: { matchLabels: { 'io.cilium/app': 'operator' } }, topologyKey: 'kubernetes.io/hostname' },
              ],
            },
          },
          nodeSelector: linux,
          tolerations: [
            { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists' },
            { key: 'node-role.kubernetes.io/master', operator: 'Exists' },
            { key: 'node.kubernetes.io/not-ready', operator: 'Exists' },
            { key: 'node.cloudprovider.kubernetes.io/uninitialized', operator: 'Exists' },
            { key: 'node.cilium.io/agent-not-ready', operator: 'Exists' },
          ],
          volumes: [{ name: 'cilium-config-path', configMap: { name: 'cilium-config' } }],
        },
      },
    },
  }
}
