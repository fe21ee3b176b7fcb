import type { Node } from 'kubernetes-types/core/v1'
import type { KubeObject, ResourceName } from '../../../kubernetes.ts'
import { followPolicies, type PolicySource } from '../../../network-policy/follow.ts'
import { type InformerMemory, informers } from '../../informers.ts'
import type { DaemonContext } from '../../process.ts'
import { enabledPools, refusal, resources } from '../datastore.ts'
import { calicoLine } from '../log.ts'
import { vethName } from '../names.ts'
import { CalicoPolicies } from '../policies/calico-policies.ts'
import type { CalicoPolicyObject, NetworkSetObject } from '../policies/policy-objects.ts'
import { felixConfig, severities } from './felix-config.ts'
import { policyDataplane } from './policy-dataplane.ts'
import { ensureHooks, installStandingRules, standingFilterChains } from './standing-rules.ts'
import { syncTunnels, tunnelsOf } from './tunnels.ts'

/** Kinds, by the path under which Felix's syncer knows each. */
const listRoots: Readonly<Record<ResourceName, string>> = {
  nodes: '/calico/resources/v3/projectcalico.org/nodes',
  namespaces: '/calico/resources/v3/projectcalico.org/profiles',
  pods: '/calico/resources/v3/projectcalico.org/workloadendpoints',
  'networkpolicies.networking.k8s.io': '/calico/resources/v3/projectcalico.org/kubernetesnetworkpolicies',
  serviceaccounts: '/calico/resources/v3/projectcalico.org/profiles',
  [resources.policies]: '/calico/resources/v3/projectcalico.org/networkpolicies',
  [resources.globalPolicies]: '/calico/resources/v3/projectcalico.org/globalnetworkpolicies',
  [resources.networkSets]: '/calico/resources/v3/projectcalico.org/networksets',
  [resources.globalNetworkSets]: '/calico/resources/v3/projectcalico.org/globalnetworksets',
  [resources.felix]: '/calico/resources/v3/projectcalico.org/felixconfigurations',
  [resources.tiers]: '/calico/resources/v3/projectcalico.org/tiers',
  [resources.pools]: '/calico/resources/v3/projectcalico.org/ippools',
  [resources.blocks]: '/calico/ipam/v2/assignment/',
}

/**
 * Felix: rules for the pods of this node by policy, and routes to the other nodes' blocks. When it stops, all of it stays as it was.
 * `ready` is called once everything stands; until all kinds could be listed it writes nothing.
 */
export function felix(context: DaemonContext<{ readonly known: InformerMemory }>, node: string, ready: () => void): void {
  const { namespace, clock } = context
  const { netfilter } = namespace
  const following = informers(context, {
    memory: context.state.known,
    followed: Object.keys(listRoots).map((resource) => ({ resource, type: resource })),
    synced: begin,
    failed({ resource, what, message, error }) {
      const [line, sentence] =
        what === 'list' ? ['194', 'Failed to perform list of current data during resync'] : ['331', 'Failed to create watcher; will retry.']
      const why = error ? refusal(error) : message
      say('INFO', `felix/watchercache.go ${line}`, `${sentence} ListRoot="${listRoots[resource]}" error=${why}`)
    },
  })
  const { cache } = following
  const config = () => felixConfig(context.env, cache, node)
  const say = (severity: 'INFO' | 'WARNING' | 'ERROR', source: string, message: string) => {
    if (severities.indexOf(severity) >= config().logsFrom) context.log(calicoLine(clock.now(), severity, 56, source, message))
  }
  const complain = () => {
    for (const name of config().unmodelled) {
      say('ERROR', 'felix/config_params.go 1', `the simulated Felix does not model the parameter ${name}; it goes on as if it were not set`)
    }
  }
  let begun = false
  let queued = false
  const network = () => {
    queued = false
    installStandingRules(netfilter, tunnelsOf(enabledPools(cache)), config().toHost)
    syncTunnels(namespace, cache, node)
  }
  const touch = () => {
    if (queued || !begun) return
    queued = true
    clock.soon(network)
  }
  const source: PolicySource = {
    cache,
    // What a namespace says of itself, Calico's selectors see in its pods and sets.
    onChange: (resource, handler) =>
      following.onChange<any>(resource, (event) => {
        handler(event)
        if (resource === 'namespaces') inherited(event.object.metadata?.name ?? '')
      }),
  }
  const { index, begin: learn } = followPolicies(source, clock, { lazy: false }, () => sync())
  const own = new CalicoPolicies(
    cache,
    () => index.selections.pods(),
    (key, error) => say('WARNING', 'felix/validation_filter.go 82', `Validation failed; treating as missing error=${error} key=${key}`),
  )
  const policy = policyDataplane(netfilter, index, node, standingFilterChains, own)
  let syncing = false
  const syncSoon = () => {
    if (syncing || !begun) return
    syncing = true
    clock.soon(() => {
      syncing = false
      sync()
    })
  }
  const inherited = (space: string) => {
    if (!begun) return
    own.refresh(space)
    syncSoon()
  }
  following.onChange('serviceaccounts', ({ object }) => inherited(object.metadata?.namespace ?? ''))
  following.onChange(resources.tiers, syncSoon)
  for (const [resource, kind] of [
    [resources.globalPolicies, 'GlobalNetworkPolicy'],
    [resources.policies, 'NetworkPolicy'],
  ] as const) {
    following.onChange<CalicoPolicyObject>(resource, ({ type, object }) => {
      if (!begun) return
      own.setPolicy(object, kind, type === 'DELETED')
      syncSoon()
    })
  }
  for (const resource of [resources.networkSets, resources.globalNetworkSets]) {
    following.onChange<NetworkSetObject>(resource, ({ type, object }) => {
      if (!begun) return
      own.setNetworkSet(object, type === 'DELETED')
      syncSoon()
    })
  }
  const sync = () => {
    ensureHooks(netfilter)
    policy.sync()
    routesToPods()
  }
  /** The plugin makes a pod's route; Felix sees to it that it stays. */
  const routesToPods = () => {
    for (const pod of index.selections.pods()) {
      const [address] = pod.addresses
      if (pod.node !== node || !address) continue
      const dev = vethName(pod.namespace, pod.name)
      if (!namespace.link(dev)?.up || namespace.routing.routes.some((route) => route.dst === `${address}/32` && route.dev === dev)) continue
      namespace.routing.add({ dst: `${address}/32`, dev, scope: 'link', protocol: 'boot' }, true)
    }
  }
  following.onChange<Node & KubeObject>('nodes', ({ object, previous }) => {
    if (annotationsOf(object) !== annotationsOf(previous)) touch()
  })
  following.onChange(resources.felix, () => {
    if (!begun) return
    say('INFO', 'felix/daemon.go 1105', 'Felix configuration changed. Need to restart.')
    complain()
    touch()
  })
  for (const resource of [resources.pools, resources.blocks]) following.onChange(resource, touch)
  following.start()

  function begin(): void {
    begun = true
    if (!context.resumed) complain()
    network()
    learn()
    own.begin()
    sync()
    ready()
  }
}

/** What Calico notes of a node. */
function annotationsOf(node: (Node & KubeObject) | undefined): string {
  const entries = Object.entries(node?.metadata?.annotations ?? {}).filter(([key]) => key.startsWith('projectcalico.org/'))
  return JSON.stringify(entries)
}
