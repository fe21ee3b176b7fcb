import type { KubeObject } from '../kubernetes.ts'
import { versions } from './spec.ts'

/** What the manifests of Calico (calico.ts) and of Canal (canal.ts) have in common. */
export const namespace = 'kube-system'
export const image = (name: string) => `docker.io/calico/${name}:${versions.calico}`

export const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
export const value = (name: string, text: string) => ({ name, value: text })
/** A variable from a key of the ConfigMap `map`. */
export const configuredBy = (map: string) => (name: string, key: string) => ({
  name,
  valueFrom: { configMapKeyRef: { name: map, key } },
})
export const envFrom = [{ configMapRef: { name: 'kubernetes-services-endpoint', optional: true } }]
export const privileged = { privileged: true }
export const hostPath = (name: string, path: string, type?: string) => ({
  name,
  hostPath: { path, ...(type === undefined ? {} : { type }) },
})

export const budget: KubeObject = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'calico-kube-controllers', namespace, labels: { 'k8s-app': 'calico-kube-controllers' } },
  spec: { maxUnavailable: 1, selector: { matchLabels: { 'k8s-app': 'calico-kube-controllers' } } },
}

export const serviceAccount = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } })

/** `ipam`: the lines of that object. The words between underscores are filled in on each node by the init container. */
export const cniConfiguration = (ipam: readonly string[]) => `{
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
${ipam.map((line) => `          ${line}`).join(',\n')}
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

/** The daemonset of the agents, which are to run on every node whatever its state. */
export function agents(
  name: string,
  pod: { initContainers: readonly object[]; containers: readonly object[]; volumes: readonly object[] },
): KubeObject {
  const labels = { 'k8s-app': name }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace, labels },
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
          serviceAccountName: name,
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          terminationGracePeriodSeconds: 0,
          priorityClassName: 'system-node-critical',
          ...pod,
        },
      },
    },
  }
}

/** The init container that brings plugin and configuration onto the node: `conflist` is the file's name, `map` the ConfigMap. */
export function installCni(map: string, conflist: string, env: readonly object[] = []) {
  const configured = configuredBy(map)
  return {
    name: 'install-cni',
    image: image('cni'),
    imagePullPolicy: 'IfNotPresent',
    command: ['/opt/cni/bin/install'],
    envFrom,
    env: [
      ...env,
      value('CNI_CONF_NAME', conflist),
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
  }
}

/** What Felix is told in either manifest, at the end of its variables. */
const felixEnv = [
  value('CALICO_DISABLE_FILE_LOGGING', 'true'),
  value('FELIX_DEFAULTENDPOINTTOHOSTACTION', 'ACCEPT'),
  value('FELIX_IPV6SUPPORT', 'false'),
  value('FELIX_HEALTHENABLED', 'true'),
]

/** The container of Felix; `checks` are asked by the liveness probe besides Felix itself. */
export function calicoNode(env: readonly object[], readiness: object, checks: readonly string[] = []) {
  return {
    name: 'calico-node',
    image: image('node'),
    imagePullPolicy: 'IfNotPresent',
    envFrom,
    env: [...env, ...felixEnv],
    securityContext: privileged,
    resources: { requests: { cpu: '250m' } },
    lifecycle: { preStop: { exec: { command: ['/bin/calico-node', '-shutdown'] } } },
    livenessProbe: {
      exec: { command: ['/bin/calico-node', '-felix-live', ...checks] },
      periodSeconds: 10,
      initialDelaySeconds: 10,
      failureThreshold: 6,
      timeoutSeconds: 10,
    },
    readinessProbe: { ...readiness, periodSeconds: 10, timeoutSeconds: 10 },
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

export const felixVolumes = [
  hostPath('lib-modules', '/lib/modules'),
  hostPath('var-run-calico', '/var/run/calico', 'DirectoryOrCreate'),
  hostPath('var-lib-calico', '/var/lib/calico', 'DirectoryOrCreate'),
  hostPath('xtables-lock', '/run/xtables.lock', 'FileOrCreate'),
]
export const cniVolumes = [
  hostPath('cni-bin-dir', '/opt/cni/bin', 'DirectoryOrCreate'),
  hostPath('cni-net-dir', '/etc/cni/net.d'),
  hostPath('cni-log-dir', '/var/log/calico/cni'),
]
export const policySync = hostPath('policysync', '/var/run/nodeagent', 'DirectoryOrCreate')

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
