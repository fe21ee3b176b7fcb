import type { KubeObject } from '../../kubernetes.ts'
import { account, binding, clusterBinding, clusterRole, group, role, user } from './objects.ts'
import { rule } from './rule.ts'

const tokens = group('system:bootstrappers:kubeadm:default-node-token')
const nodes = group('system:nodes')
const certificates = 'system:certificates.k8s.io:certificatesigningrequests:'

/** What kubeadm adds: rights of its administrators, of joining nodes, and of the addons that it installs (cmd/kubeadm/app/phases). */
export function kubeadmRbac(): KubeObject[] {
  const configMap = (name: string) => [rule('get', '', 'configmaps', name)]
  const clusterInfo = 'kubeadm:bootstrap-signer-clusterinfo'
  return [
    clusterBinding('kubeadm:cluster-admins', [group('kubeadm:cluster-admins')], 'cluster-admin'),
    clusterRole('kubeadm:get-nodes', [rule('get', '', 'nodes')]),
    clusterBinding('kubeadm:get-nodes', [tokens]),
    clusterBinding('kubeadm:kubelet-bootstrap', [tokens], 'system:node-bootstrapper'),
    clusterBinding('kubeadm:node-autoapprove-bootstrap', [tokens], `${certificates}nodeclient`),
    clusterBinding('kubeadm:node-autoapprove-certificate-rotation', [nodes], `${certificates}selfnodeclient`),
    role('kube-system', 'kubeadm:nodes-kubeadm-config', configMap('kubeadm-config')),
    binding('kube-system', 'kubeadm:nodes-kubeadm-config', [tokens, nodes]),
    role('kube-system', 'kubeadm:kubelet-config', configMap('kubelet-config')),
    binding('kube-system', 'kubeadm:kubelet-config', [nodes, tokens]),
    role('kube-public', clusterInfo, configMap('cluster-info')),
    binding('kube-public', clusterInfo, [user('system:anonymous')]),
    clusterBinding('kubeadm:node-proxier', [account('kube-proxy')], 'system:node-proxier'),
    role('kube-system', 'kube-proxy', configMap('kube-proxy')),
    binding('kube-system', 'kube-proxy', [tokens]),
    clusterRole('system:coredns', [
      rule('list watch', '', 'endpoints services pods namespaces'),
      rule('list watch', 'discovery.k8s.io', 'endpointslices'),
    ]),
    clusterBinding('system:coredns', [account('coredns')]),
  ]
}
