import type { KubeObject } from '../kubernetes.ts'
import { budget, controllers, envFrom, field, image, privileged, value } from './calico.ts'
import { calicoKinds } from './calico-kinds/kinds.ts'
import { canalRbac } from './rbac/plugins.ts'
import { addresses, versions } from './spec.ts'

const namespace = 'kube-system'
const labels = { 'k8s-app': 'canal' }

/**
 * Canal as its manifest installs it (projectcalico/calico, manifests/canal.yaml): Flannel carries the packets and gives each node its range,
 * Calico connects the pods and enforces the policies. Without what only eBPF needs and without the bandwidth plugin; Flannel's version is
 * the cluster's own.
 */
export function canal(): KubeObject[] {
  return [
    ...canalRbac(),
    ...calicoKinds,
    budget,
    ...['calico-kube-controllers', 'canal', 'calico-cni-plugin'].map(
      (name): KubeObject => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }),
    ),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'canal-config', namespace },
      data: {
        typha_service_name: 'none',
        canal_iface: '',
        masquerade: 'true',
        veth_mtu: '0',
        cni_network_config: cniConfiguration,
        'net-conf.json': `${JSON.stringify({ Network: addresses.podCidr, Backend: { Type: 'vxlan' } }, undefined, 2)}\n`,
      },
    },
    daemonSet(),
    controllers(),
  ]
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
          "type": "host-local",
          "subnet": "usePodCidr"
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

const configured = (name: string, key: string) => ({ name, valueFrom: { configMapKeyRef: { name: 'canal-config', key } } })
const hostPath = (name: string, path: string, type?: string) => ({ name, hostPath: { path, ...(type === undefined ? {} : { type }) } })

function daemonSet(): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'canal', namespace, labels },
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
          serviceAccountName: 'canal',
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          terminationGracePeriodSeconds: 0,
          priorityClassName: 'system-node-critical',
          initContainers: [
            {
              name: 'install-cni',
              image: image('cni'),
              imagePullPolicy: 'IfNotPresent',
              command: ['/opt/cni/bin/install'],
              envFrom,
              env: [
                field('CALICO_CNI_SERVICE_ACCOUNT', 'spec.serviceAccountName'),
                value('CNI_CONF_NAME', '10-canal.conflist'),
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
          containers: [calicoNode, kubeFlannel],
          volumes: [
            hostPath('lib-modules', '/lib/modules'),
            hostPath('var-run-calico', '/var/run/calico', 'DirectoryOrCreate'),
            hostPath('var-lib-calico', '/var/lib/calico', 'DirectoryOrCreate'),
            hostPath('xtables-lock', '/run/xtables.lock', 'FileOrCreate'),
            { name: 'flannel-cfg', configMap: { name: 'canal-config' } },
            hostPath('cni-bin-dir', '/opt/cni/bin', 'DirectoryOrCreate'),
            hostPath('cni-net-dir', '/etc/cni/net.d'),
            hostPath('cni-log-dir', '/var/log/calico/cni'),
            hostPath('policysync', '/var/run/nodeagent', 'DirectoryOrCreate'),
          ],
        },
      },
    },
  }
}

const calicoNode = {
  name: 'calico-node',
  image: image('node'),
  imagePullPolicy: 'IfNotPresent',
  envFrom,
  env: [
    value('DATASTORE_TYPE', 'kubernetes'),
    value('USE_POD_CIDR', 'true'),
    value('WAIT_FOR_DATASTORE', 'true'),
    field('NODENAME', 'spec.nodeName'),
    field('CALICO_CNI_SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    value('CALICO_NETWORKING_BACKEND', 'none'),
    value('CLUSTER_TYPE', 'k8s,canal'),
    value('FELIX_IPTABLESREFRESHINTERVAL', '60'),
    value('IP', ''),
    value('CALICO_DISABLE_FILE_LOGGING', 'true'),
    value('FELIX_DEFAULTENDPOINTTOHOSTACTION', 'ACCEPT'),
    value('FELIX_IPV6SUPPORT', 'false'),
    value('FELIX_HEALTHENABLED', 'true'),
  ],
  securityContext: privileged,
  resources: { requests: { cpu: '250m' } },
  lifecycle: { preStop: { exec: { command: ['/bin/calico-node', '-shutdown'] } } },
  livenessProbe: {
    exec: { command: ['/bin/calico-node', '-felix-live'] },
    periodSeconds: 10,
    initialDelaySeconds: 10,
    failureThreshold: 6,
    timeoutSeconds: 10,
  },
  readinessProbe: { httpGet: { path: '/readiness', port: 9099, host: 'localhost' }, periodSeconds: 10, timeoutSeconds: 10 },
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

const kubeFlannel = {
  name: 'kube-flannel',
  image: `docker.io/flannel/flannel:${versions.flannel}`,
  imagePullPolicy: 'IfNotPresent',
  command: ['/opt/bin/flanneld', '--ip-masq', '--kube-subnet-mgr'],
  securityContext: privileged,
  env: [
    field('POD_NAME', 'metadata.name'),
    field('POD_NAMESPACE', 'metadata.namespace'),
    configured('FLANNELD_IFACE', 'canal_iface'),
    configured('FLANNELD_IP_MASQ', 'masquerade'),
  ],
  volumeMounts: [
    { mountPath: '/run/xtables.lock', name: 'xtables-lock', readOnly: false },
    { name: 'flannel-cfg', mountPath: '/etc/kube-flannel/' },
  ],
}
