import type { Node } from 'kubernetes-types/core/v1'
import type { Api } from '../../../apiserver/api.ts'
import type { KubeObject } from '../../../kubernetes.ts'
import { followPolicies } from '../../../network-policy/follow.ts'
import type { DaemonContext } from '../../process.ts'
import { enabledPools, resources } from '../datastore.ts'
import { vethName } from '../names.ts'
import { policyDataplane } from './policy-dataplane.ts'
import { ensureHooks, installStandingRules, standingFilterChains } from './standing-rules.ts'
import type { HostAction } from './static-chains.ts'
import { syncVxlan, tunnelsOf } from './tunnels.ts'

/**
 * Felix: rules for the pods of this node by policy, and routes to the other nodes' blocks. When it stops, all of it stays as it was.
 * `ready` is called once everything stands.
 */
export function felix(context: DaemonContext<unknown>, api: Api, node: string, ready: () => void): void {
  const { namespace, clock } = context
  const { netfilter } = namespace
  let queued = false
  const network = () => {
    queued = false
    installStandingRules(netfilter, tunnelsOf(enabledPools(api)), hostAction(context.env['FELIX_DEFAULTENDPOINTTOHOSTACTION']))
    syncVxlan(namespace, api, node)
  }
  const touch = () => {
    if (queued) return
    queued = true
    clock.soon(network)
  }
  network()
  const index = followPolicies(api, clock, { lazy: false }, () => sync())
  const policy = policyDataplane(netfilter, index, node, standingFilterChains)
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
  sync()
  api.watch<Node & KubeObject>('nodes', ({ object, previous }) => {
    if (annotationsOf(object) !== annotationsOf(previous)) touch()
  })
  for (const resource of [resources.pools, resources.blocks]) api.watch(resource, touch)
  ready()
}

/** Felix's own default is to drop; its manifest sets ACCEPT. */
function hostAction(text = 'DROP'): HostAction {
  const action = text.toUpperCase()
  return action === 'ACCEPT' || action === 'REJECT' || action === 'RETURN' ? action : 'DROP'
}

/** What Calico notes of a node. */
function annotationsOf(node: (Node & KubeObject) | undefined): string {
  const entries = Object.entries(node?.metadata?.annotations ?? {}).filter(([key]) => key.startsWith('projectcalico.org/'))
  return JSON.stringify(entries)
}
