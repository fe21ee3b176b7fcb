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
  envFrom,
  felixVolumes,
  field,
  hostPath,
  image,
  installCni,
  namespace,
  policySync,
  privileged,
  serviceAccount,
  value,
} from './calico-parts.ts'
import { pluginRbac } from './rbac/plugins.ts'
import { addresses } from './spec.ts'

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
    ...['calico-kube-controllers', 'calico-node', 'calico-cni-plugin'].map(serviceAccount),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: configMap, namespace },
      data: {
        typha_service_name: 'none',
        calico_backend: backend,
        veth_mtu: '0',
        cni_network_config: cniConfiguration(['"type": "calico-ipam"']),
      },
    },
    nodes(backend),
    controllers(),
  ]
}

/** The whole manifest, as one applies it to a cluster that has no Calico: the roles too. */
export function calicoManifest(backend: CalicoBackend): KubeObject[] {
  return [...pluginRbac({ cni: 'calico' }), ...calico(backend)]
}

const configMap = 'calico-config'
const configured = configuredBy(configMap)

function nodes(backend: CalicoBackend): KubeObject {
  const bird = backend === 'bird'
  const env = [
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
  ]
  const ready = { exec: { command: ['/bin/calico-node', '-felix-ready', ...(bird ? ['-bird-ready'] : [])] } }
  return agents('calico-node', {
    initContainers: [upgradeIpam, installCni(configMap, '10-calico.conflist')],
    containers: [calicoNode(env, ready, bird ? ['-bird-live'] : [])],
    volumes: [...felixVolumes, ...cniVolumes, hostPath('host-local-net-dir', '/var/lib/cni/networks'), policySync],
  })
}

const upgradeIpam = {
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
}
