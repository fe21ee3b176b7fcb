import type { KubeObject } from '../kubernetes.ts'
import { calicoKinds } from './calico-kinds/kinds.ts'
import {
  agents,
  budget,
  calicoNode,
  cniConfiguration,
  cniVolumes,
  configuredBy,
  controllers,
  felixVolumes,
  field,
  installCni,
  namespace,
  policySync,
  privileged,
  serviceAccount,
  value,
} from './calico-parts.ts'
import { canalRbac } from './rbac/plugins.ts'
import { addresses, versions } from './spec.ts'

const configMap = 'canal-config'
const configured = configuredBy(configMap)

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
    ...['calico-kube-controllers', 'canal', 'calico-cni-plugin'].map(serviceAccount),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: configMap, namespace },
      data: {
        typha_service_name: 'none',
        canal_iface: '',
        masquerade: 'true',
        veth_mtu: '0',
        cni_network_config: cniConfiguration(['"type": "host-local"', '"subnet": "usePodCidr"']),
        'net-conf.json': `${JSON.stringify({ Network: addresses.podCidr, Backend: { Type: 'vxlan' } }, undefined, 2)}\n`,
      },
    },
    nodes(),
    controllers(),
  ]
}

function nodes(): KubeObject {
  const env = [
    value('DATASTORE_TYPE', 'kubernetes'),
    value('USE_POD_CIDR', 'true'),
    value('WAIT_FOR_DATASTORE', 'true'),
    field('NODENAME', 'spec.nodeName'),
    account,
    value('CALICO_NETWORKING_BACKEND', 'none'),
    value('CLUSTER_TYPE', 'k8s,canal'),
    value('FELIX_IPTABLESREFRESHINTERVAL', '60'),
    value('IP', ''),
  ]
  const ready = { httpGet: { path: '/readiness', port: 9099, host: 'localhost' } }
  return agents('canal', {
    initContainers: [installCni(configMap, '10-canal.conflist', [account])],
    containers: [calicoNode(env, ready), kubeFlannel],
    volumes: [...felixVolumes, { name: 'flannel-cfg', configMap: { name: configMap } }, ...cniVolumes, policySync],
  })
}

const account = field('CALICO_CNI_SERVICE_ACCOUNT', 'spec.serviceAccountName')

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
