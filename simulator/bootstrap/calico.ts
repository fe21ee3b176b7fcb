import type { KubeObject } from '../kubernetes.ts'
import { calicoKinds } from './calico-kinds/kinds.ts'
import { pluginRbac } from './rbac/plugins.ts'
import { addresses, versions } from './spec.ts'

/** How pods' packets go from node to node: calico-vxlan.yaml or calico.yaml, which is IPIP with routes that nodes tell each other by BGP. */
export type CalicoBackend = 'vxlan' | 'bird'

/**
 * Calico as its manifest installs it, with the pool within the cluster's own pod range as its comment asks for. Without the parts that only
 * eBPF needs (mount-bpffs and its volumes); its roles are with the others (rbac/plugins.ts).
 */
export function calico(backend: CalicoBackend = 'vxlan'): KubeObject[] {
  return [
    ...calicoKinds,
    budget,
    ...['calico-kube-controllers', 'calico-node', 'calico-cni-plugin'].map(
      (name): KubeObject => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }),
    ),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'calico-config', namespace },
      data: { typha_service_name: 'none', calico_backend: backend, veth_mtu: '0', cni_network_config: cniConfiguration },
    },
    daemonSet(backend),
    controllers(),
  ]
}

/** The whole manifest, as one applies it to a cluster that has no Calico: the roles too. */
export function calicoManifest(backend: CalicoBackend): KubeObject[] {
  return [...pluginRbac({ cni: 'calico' }), ...calico(backend)]
}

const namespace = 'kube-system'
export const image = (name: string) => `docker.io/calico/${name}:${versions.calico}`

export const budget: KubeObject = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'calico-kube-controllers', namespace, labels: { 'k8s-app': 'calico-kube-controllers' } },
  spec: { maxUnavailable: 1, selector: { matchLabels: { 'k8s-app': 'calico-kube-controllers' } } },
}

// The words between underscores are filled in on each node by the init container.
const cniConfiguration = `{
  "name": "k8s-pod-network",
  "cniVersion": "0.3.1",
  "plugins": [
    {
      "type": "calico",
      "log_level": "info",
      "log_file_path": "/var/log/calico/cni/cni.log",
      "datastore_type": "kubernetes",
      "nodename": "__KUBERNETES_NODE_NAME__",
      "mtu": __CNI_MTU__,
      "ipam": {
          "type": "calico-ipam"
      },
      "policy": {
          "type": "k8s"
      },
      "kubernetes": {
          "kubeconfig": "__KUBECONFIG_FILEPATH__"
      }
    },
    {
      "type": "portmap",
      "snat": true,
      "capabilities": {"portMappings": true}
    }
  ]
}`

export const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
const configured = (name: string, key: string) => ({ name, valueFrom: { configMapKeyRef: { name: 'calico-config', key } } })
export const value = (name: string, text: string) => ({ name, value: text })
export const envFrom = [{ configMapRef: { name: 'kubernetes-services-endpoint', optional: true } }]
export const privileged = { privileged: true }

function daemonSet(backend: CalicoBackend): KubeObject {
  const labels = { 'k8s-app': 'calico-node' }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'calico-node', namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          hostNetwork: true,
          tolerations: [
            { effect: 'NoSchedule', operator: 'Exists' },
            { key: 'CriticalAddonsOnly', operator: 'Exists' },
            { effect: 'NoExecute', operator: 'Exists' },
          ],
          serviceAccountName: 'calico-node',
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          terminationGracePeriodSeconds: 0,
          priorityClassName: 'system-node-critical',
          initContainers: [
            {
              name: 'upgrade-ipam',
              image: image('cni'),
              imagePullPolicy: 'IfNotPresent',
              command: ['/opt/cni/bin/calico-ipam', '-upgrade'],
              envFrom,
              env: [field('KUBERNETES_NODE_NAME', 'spec.nodeName'), configured('CALICO_NETWORKING_BACKEND', 'calico_backend')],
              volumeMounts: [
                { mountPath: '/var/lib/cni/networks', name: 'host-local-net-dir' },
                { mountPath: '/host/opt/cni/bin', name: 'cni-bin-dir' },
              ],
              securityContext: privileged,
            },
            {
              name: 'install-cni',
              image: image('cni'),
              imagePullPolicy: 'IfNotPresent',
              command: ['/opt/cni/bin/install'],
              envFrom,
              env: [
                value('CNI_CONF_NAME', '10-calico.conflist'),
                configured('CNI_NETWORK_CONFIG', 'cni_network_config'),
                field('KUBERNETES_NODE_NAME', 'spec.nodeName'),
                configured('CNI_MTU', 'veth_mtu'),
                value('SLEEP', 'false'),
              ],
              volumeMounts: [
                { mountPath: '/host/opt/cni/bin', name: 'cni-bin-dir' },
                { mountPath: '/host/etc/cni/net.d', name: 'cni-net-dir' },
              ],
              securityContext: privileged,
            },
          ],
          containers: [nodeContainer(backend)],
          volumes: [
            { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
            { name: 'var-run-calico', hostPath: { path: '/var/run/calico', type: 'DirectoryOrCreate' } },
            { name: 'var-lib-calico', hostPath: { path: '/var/lib/calico', type: 'DirectoryOrCreate' } },
            { name: 'xtables-lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
            { name: 'cni-bin-dir', hostPath: { path: '/opt/cni/bin', type: 'DirectoryOrCreate' } },
            { name: 'cni-net-dir', hostPath: { path: '/etc/cni/net.d' } },
            { name: 'cni-log-dir', hostPath: { path: '/var/log/calico/cni' } },
            { name: 'host-local-net-dir', hostPath: { path: '/var/lib/cni/networks' } },
            { name: 'policysync', hostPath: { type: 'DirectoryOrCreate', path: '/var/run/nodeagent' } },
          ],
        },
      },
    },
  }
}

function nodeContainer(backend: CalicoBackend) {
  const bird = backend === 'bird'
  return {
    name: 'calico-node',
    image: image('node'),
    imagePullPolicy: 'IfNotPresent',
    envFrom,
    env: [
      value('DATASTORE_TYPE', 'kubernetes'),
      value('WAIT_FOR_DATASTORE', 'true'),
      field('NODENAME', 'spec.nodeName'),
      configured('CALICO_NETWORKING_BACKEND', 'calico_backend'),
      value('CLUSTER_TYPE', 'k8s,bgp'),
      value('IP', 'autodetect'),
      value('CALICO_IPV4POOL_IPIP', bird ? 'Always' : 'Never'),
      value('CALICO_IPV4POOL_VXLAN', bird ? 'Never' : 'Always'),
      value('CALICO_IPV6POOL_VXLAN', 'Never'),
      configured('FELIX_IPINIPMTU', 'veth_mtu'),
      configured('FELIX_VXLANMTU', 'veth_mtu'),
      configured('FELIX_WIREGUARDMTU', 'veth_mtu'),
      value('CALICO_IPV4POOL_CIDR', addresses.podCidr),
      value('CALICO_DISABLE_FILE_LOGGING', 'true'),
      value('FELIX_DEFAULTENDPOINTTOHOSTACTION', 'ACCEPT'),
      value('FELIX_IPV6SUPPORT', 'false'),
      value('FELIX_HEALTHENABLED', 'true'),
    ],
    securityContext: privileged,
    resources: { requests: { cpu: '250m' } },
    lifecycle: { preStop: { exec: { command: ['/bin/calico-node', '-shutdown'] } } },
    livenessProbe: {
      exec: { command: ['/bin/calico-node', '-felix-live', ...(bird ? ['-bird-live'] : [])] },
      periodSeconds: 10,
      initialDelaySeconds: 10,
      failureThreshold: 6,
      timeoutSeconds: 10,
    },
    readinessProbe: {
      exec: { command: ['/bin/calico-node', '-felix-ready', ...(bird ? ['-bird-ready'] : [])] },
      periodSeconds: 10,
      timeoutSeconds: 10,
    },
    volumeMounts: [
      { mountPath: '/host/etc/cni/net.d', name: 'cni-net-dir', readOnly: false },
      { mountPath: '/lib/modules', name: 'lib-modules', readOnly: true },
      { mountPath: '/run/xtables.lock', name: 'xtables-lock', readOnly: false },
      { mountPath: '/var/run/calico', name: 'var-run-calico', readOnly: false },
      { mountPath: '/var/lib/calico', name: 'var-lib-calico', readOnly: false },
      { name: 'policysync', mountPath: '/var/run/nodeagent' },
      { name: 'cni-log-dir', mountPath: '/var/log/calico/cni', readOnly: true },
    ],
  }
}

export function controllers(): KubeObject {
  const name = 'calico-kube-controllers'
  const labels = { 'k8s-app': name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      strategy: { type: 'Recreate' },
      template: {
        metadata: { name, namespace, labels },
        spec: {
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          tolerations: [
            { key: 'CriticalAddonsOnly', operator: 'Exists' },
            { key: 'node-role.kubernetes.io/master', effect: 'NoSchedule' },
            { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
          ],
          serviceAccountName: name,
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          priorityClassName: 'system-cluster-critical',
          containers: [
            {
              name,
              image: image('kube-controllers'),
              imagePullPolicy: 'IfNotPresent',
              env: [value('ENABLED_CONTROLLERS', 'node,loadbalancer'), value('DATASTORE_TYPE', 'kubernetes')],
              livenessProbe: {
                exec: { command: ['/usr/bin/check-status', '-l'] },
                periodSeconds: 10,
                initialDelaySeconds: 10,
                failureThreshold: 6,
                timeoutSeconds: 10,
              },
              readinessProbe: { exec: { command: ['/usr/bin/check-status', '-r'] }, periodSeconds: 10 },
              securityContext: { runAsNonRoot: true },
            },
          ],
        },
      },
    },
  }
}
