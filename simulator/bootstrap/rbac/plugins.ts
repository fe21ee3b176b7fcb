import type { KubeObject } from '../../kubernetes.ts'
import type { ClusterSpec } from '../spec.ts'
import { account, binding, clusterBinding, clusterRole, role, user } from './objects.ts'
import { read, rule } from './rule.ts'

/** Rights of the cluster's network plugin, as the plugin's own manifest gives them. */
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
        clusterRole('flannel', flannelRules, labels),
        clusterBinding('flannel', [account('flannel', 'kube-flannel')], 'flannel', labels),
      ]
    }
    case 'calico':
      return calicoRbac()
    case 'cilium':
      return ciliumRbac()
    case 'weave':
      return weaveRbac()
    case 'none':
      return []
  }
}

const flannelRules = [rule('get', '', 'pods'), rule(read, '', 'nodes'), rule('patch', '', 'nodes/status')]

/** Canal's one account has the rights of Calico's node agent, of its CNI plugin and of flanneld. */
export function canalRbac(): KubeObject[] {
  const own = [account('canal')]
  return [
    ...calicoRoles(['canal', 'calico-cni-plugin']),
    clusterRole('flannel', flannelRules),
    clusterBinding('canal-flannel', own, 'flannel'),
    clusterBinding('canal-calico', own, 'calico-node'),
    ...['calico-kube-controllers', 'calico-cni-plugin'].map((name) => clusterBinding(name, [account(name)])),
    clusterBinding('calico-tier-getter', [user('system:kube-controller-manager')]),
  ]
}

function weaveRbac(): KubeObject[] {
  const labels = { labels: { name: 'weave-net' } }
  const [namespace, name, subjects] = ['kube-system', 'weave-net', [account('weave-net')]]
  return [
    clusterRole(
      name,
      [
        rule(read, '', 'namespaces nodes pods'),
        rule(read, 'extensions', 'networkpolicies'),
        rule(read, 'networking.k8s.io', 'networkpolicies'),
        rule('patch update', '', 'nodes/status'),
      ],
      labels,
    ),
    clusterBinding(name, subjects, name, labels),
    role(namespace, name, [rule('get update', '', 'configmaps', 'weave-net'), rule('create', '', 'configmaps')], labels),
    binding(namespace, name, subjects, name, labels),
  ]
}

const calicoGroup = 'crd.projectcalico.org'

function calicoRbac(): KubeObject[] {
  return [
    ...calicoRoles(['calico-cni-plugin']),
    ...['calico-kube-controllers', 'calico-node', 'calico-cni-plugin'].map((name) => clusterBinding(name, [account(name)])),
    clusterBinding('calico-tier-getter', [user('system:kube-controller-manager')]),
  ]
}

/** `tokensOf`: for which accounts the node agent may have tokens made, for the CNI plugin to show. */
function calicoRoles(tokensOf: readonly string[]): KubeObject[] {
  const addresses = 'blockaffinities ipamblocks ipamhandles'
  const own = 'create delete get list update'
  return [
    clusterRole('calico-kube-controllers', [
      rule(read, '', 'nodes pods'),
      rule('get list update watch', '', 'services services/status'),
      rule('list', calicoGroup, 'ipreservations'),
      rule(`${own} watch`, calicoGroup, `${addresses} ipamconfigs tiers`),
      rule('list watch', calicoGroup, 'ippools'),
      rule(`${own} watch`, calicoGroup, 'hostendpoints'),
      rule('create get list update watch', calicoGroup, 'clusterinformations kubecontrollersconfigurations'),
    ]),
    clusterRole('calico-node', [
      rule('create', '', 'serviceaccounts/token', tokensOf.join(' ')),
      rule(read, '', 'namespaces nodes pods'),
      rule('list watch', '', 'serviceaccounts'),
      rule('list watch', 'discovery.k8s.io', 'endpointslices'),
      rule(read, '', 'endpoints services'),
      rule('get', '', 'configmaps'),
      rule('patch update', '', 'nodes/status'),
      rule('patch', '', 'pods/status'),
      rule('list watch', 'networking.k8s.io', 'networkpolicies'),
      rule('list watch', 'policy.networking.k8s.io', 'adminnetworkpolicies baselineadminnetworkpolicies'),
      rule(
        read,
        calicoGroup,
        'bgpconfigurations bgpfilters bgppeers caliconodestatuses clusterinformations felixconfigurations globalnetworkpolicies globalnetworksets hostendpoints ippools ipreservations networkpolicies networksets stagedglobalnetworkpolicies stagedkubernetesnetworkpolicies stagednetworkpolicies tiers',
      ),
      rule('create', calicoGroup, 'tiers'),
      rule('create update', calicoGroup, 'bgpconfigurations bgppeers clusterinformations felixconfigurations ippools'),
      rule('update', calicoGroup, 'caliconodestatuses'),
      rule(`${own} watch`, calicoGroup, addresses),
      rule('create get', calicoGroup, 'ipamconfigs'),
      rule('get', 'apps', 'daemonsets'),
    ]),
    clusterRole('calico-cni-plugin', [
      rule('get', '', 'namespaces nodes pods'),
      rule('patch', '', 'pods/status'),
      rule(own, calicoGroup, `${addresses} clusterinformations ipamconfigs ippools ipreservations`),
    ]),
    clusterRole('calico-tier-getter', [rule('get', 'projectcalico.org', 'tiers')]),
  ]
}

/** As the chart renders it, without what belongs to features that are off. */
function ciliumRbac(): KubeObject[] {
  const group = 'cilium.io'
  const labels = { labels: { 'app.kubernetes.io/part-of': 'cilium' } }
  const definitions = 'customresourcedefinitions'
  const extensions = 'apiextensions.k8s.io'
  const policies = 'ciliumclusterwidenetworkpolicies ciliumnetworkpolicies'
  return [
    clusterRole(
      'cilium',
      [
        rule(read, 'networking.k8s.io', 'networkpolicies'),
        rule(read, 'discovery.k8s.io', 'endpointslices'),
        rule(read, '', 'endpoints namespaces nodes pods services'),
        rule(read, extensions, definitions),
        rule(
          'list watch',
          group,
          `ciliumbgpadvertisements ciliumbgpnodeconfigs ciliumbgppeerconfigs ciliumcidrgroups ciliumclusterwideenvoyconfigs ciliumegressgatewaypolicies ciliumendpoints ciliumendpointslices ciliumenvoyconfigs ciliumidentities ciliuml2announcementpolicies ciliumloadbalancerippools ciliumlocalredirectpolicies ciliumnodeconfigs ciliumnodes ciliumpodippools ${policies}`,
        ),
        rule('create', group, 'ciliumendpoints ciliumidentities ciliumnodes'),
        rule('update', group, 'ciliumidentities'),
        rule('delete get', group, 'ciliumendpoints'),
        rule('get update', group, 'ciliumnodes ciliumnodes/status'),
        rule('patch', group, 'ciliumendpoints ciliumendpoints/status ciliuml2announcementpolicies/status'),
      ],
      labels,
    ),
    clusterBinding('cilium', [account('cilium')], 'cilium', labels),
    clusterRole(
      'cilium-operator',
      [
        rule('delete get list watch', '', 'pods'),
        rule('patch', '', 'configmaps', 'cilium-config'),
        rule('list watch', '', 'nodes'),
        rule('patch', '', 'nodes nodes/status'),
        rule(read, 'discovery.k8s.io', 'endpointslices'),
        rule('patch update', '', 'services/status'),
        rule(read, '', 'namespaces services'),
        rule('create deletecollection get list patch update watch', group, policies),
        rule('patch update', group, 'ciliumclusterwidenetworkpolicies/status ciliumnetworkpolicies/status'),
        rule('delete list watch', group, 'ciliumendpoints ciliumidentities'),
        rule('update', group, 'ciliumidentities'),
        rule('create delete get list update watch', group, 'ciliumnodes'),
        rule('update', group, 'ciliumnodes/status'),
        rule('create get list watch', extensions, definitions),
        rule(
          'update',
          extensions,
          definitions,
          'ciliumclusterwidenetworkpolicies.cilium.io ciliumendpoints.cilium.io ciliumidentities.cilium.io ciliumnetworkpolicies.cilium.io ciliumnodes.cilium.io',
        ),
        rule('create get update', 'coordination.k8s.io', 'leases'),
      ],
      labels,
    ),
    clusterBinding('cilium-operator', [account('cilium-operator')], 'cilium-operator', labels),
    role('kube-system', 'cilium-config-agent', [rule(read, '', 'configmaps')], labels),
    binding('kube-system', 'cilium-config-agent', [account('cilium')], 'cilium-config-agent', labels),
  ]
}
