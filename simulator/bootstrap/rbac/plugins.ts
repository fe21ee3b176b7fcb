import type { KubeObject } from '../../kubernetes.ts'
import type { ClusterSpec } from '../spec.ts'
import { account, clusterBinding, clusterRole } from './objects.ts'
import { read, rule } from './rule.ts'

/** Rights of the cluster's network plugin, as kind's and Flannel's own manifests give them. */
export function pluginRbac(spec: Pick<ClusterSpec, 'cni'>): KubeObject[] {
  switch (spec.cni) {
    case 'kindnet':
      return [
        clusterRole('kindnet', [
          rule('list patch watch', '', 'nodes'),
          rule('get', '', 'configmaps'),
          rule('list watch', '', 'namespaces pods'),
          rule('list watch', 'networking.k8s.io', 'networkpolicies'),
        ]),
        clusterBinding('kindnet', [account('kindnet')]),
      ]
    case 'flannel': {
      const labels = { labels: { 'k8s-app': 'flannel' } }
      return [
        clusterRole('flannel', [rule('get', '', 'pods'), rule(read, '', 'nodes'), rule('patch', '', 'nodes/status')], labels),
        clusterBinding('flannel', [account('flannel', 'kube-flannel')], 'flannel', labels),
      ]
    }
    case 'none':
      return []
  }
}
