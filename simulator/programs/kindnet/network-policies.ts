import { chainsOf } from '../../network/netfilter/chains.ts'
import type { Chain, Match, Rule, Table, Target } from '../../network/netfilter/rule.ts'
import type { Packet } from '../../network/packet.ts'
import type { QueueVerdict } from '../../network/sockets.ts'
import { followPolicies } from '../../network-policy/follow.ts'
import type { Policy } from '../../network-policy/policy.ts'
import type { PolicyIndex } from '../../network-policy/policy-index.ts'
import type { Informers } from '../informers.ts'
import type { klog } from '../klog.ts'
import type { DaemonContext } from '../process.ts'

const tableName = 'kindnet-network-policies'
const queueNumber = 101

/**
 * NetworkPolicy as kindnetd enforces it: the first packet of each connection from or to a local pod that a policy selects is queued to this
 * program, which says whether it may pass. Everything else, and everything while nobody listens, passes (`bypass`).
 * Follows sigs.k8s.io/kube-network-policies 0.8 as kind configures it: FailOpen, queue 101, a table of its own, and the way around the
 * kernel's bug 1766, for which DNS is judged before routing. Before the informers start; what it returns is called when all is known.
 */
export function networkPolicies(
  context: DaemonContext<{ enforcing?: boolean }>,
  following: Informers,
  log: ReturnType<typeof klog>,
): () => void {
  const { netfilter } = context.namespace
  const node = context.hostname
  if (!context.resumed) {
    log('I', 'controller.go:377', '"Starting controller" name="kube-network-policies"')
    log('I', 'controller.go:381', '"Waiting for informer caches to sync"')
    log('I', 'shared_informer.go:313', 'Waiting for caches to sync for kube-network-policies')
  }
  const wasEnforcing = context.resumed && context.state.enforcing === true
  let programmed = wasEnforcing ? netfilter.table(tableName)?.sets?.['podips-v4']?.members : undefined
  const sync = () => {
    index.takeChanges()
    const addresses = selectedAddresses(index, node)
    if (programmed && sameMembers(programmed, addresses)) return
    programmed = addresses
    log('I', 'controller.go:711', '"Syncing nftables rules"')
    netfilter.setTable(tableName, policyTable(addresses))
  }
  const { index, begin } = followPolicies(following, context.clock, { lazy: true }, sync)
  let enforcing = false
  return () => {
    if (enforcing) return
    enforcing = true
    if (!wasEnforcing) log('I', 'shared_informer.go:320', 'Caches are synced for kube-network-policies')
    context.state.enforcing = true
    begin()
    sync()
    context.sockets.bindQueue(queueNumber, (packet) => judge(index, packet))
  }
}

/** Addresses of this node's pods that some policy selects, in order. */
function selectedAddresses(index: PolicyIndex, node: string): string[] {
  const addresses = new Set<string>()
  for (const { target } of index.policies()) {
    for (const pod of target.members) if (pod.node === node) for (const address of pod.addresses) addresses.add(address)
  }
  return [...addresses].sort()
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((member, index) => member === b[index])
}

/** What the packet's sender and receiver may: both ends are judged here, wherever the other end's node is. */
function judge(index: PolicyIndex, packet: Packet): QueueVerdict {
  const protocol = packet.protocol === 'tcp' ? 'TCP' : packet.protocol === 'udp' ? 'UDP' : undefined
  const port = protocol === undefined ? 0 : packet.dport
  const { allowed, because } = index.verdict({ source: packet.src, destination: packet.dst, protocol, port })
  if (!because) return { accept: allowed, reason: 'no policy isolates either end' }
  const { direction, policy, others } = because
  return {
    accept: allowed,
    reason: allowed
      ? `${direction} allowed by ${policy.namespace}/${policy.name}`
      : `${direction} allowed by no policy that selects the pod`,
    origin: { ...policyName(policy), ...(others ? { others: others.map(policyName) } : {}) },
  }
}

function policyName({ namespace, name }: Policy) {
  return { kind: 'NetworkPolicy', namespace, name }
}

function policyTable(addresses: readonly string[]): Table {
  const accept: Target = { target: 'ACCEPT' }
  const dns: Match = { match: 'udp', dport: '53' }
  return {
    name: tableName,
    type: 'filter',
    iptables: false,
    sets: {
      'podips-v4': { name: 'podips-v4', type: 'hash:ip', members: addresses },
      'podips-v6': { name: 'podips-v6', type: 'hash:ip', family: 'inet6', members: [] },
    },
    chains: chainsOf({
      // Behind DNAT and before SNAT, where packets show both pods' own addresses.
      postrouting: base('POSTROUTING', 95, [
        { protocol: 'udp', matches: [dns], target: accept },
        { protocol: 'ipv6-icmp', target: accept },
        { matches: [{ match: 'owner', uid: 0 }], target: accept },
        { matches: [{ match: 'conntrack', ctstate: ['ESTABLISHED', 'RELATED'] }], target: accept },
        ...queueRules,
      ]),
      prerouting: base('PREROUTING', -95, [
        { protocol: '!udp', target: accept },
        { protocol: 'udp', matches: [{ match: 'udp', dport: '!53' }], target: accept },
        ...queueRules,
      ]),
    }),
  }
}

const queueRules: readonly Rule[] = (['podips-v4', 'podips-v6'] as const).flatMap((set) =>
  (['src', 'dst'] as const).map(
    (side): Rule => ({
      matches: [{ match: 'set', set, flags: [side] }],
      target: { target: 'NFQUEUE', queue: queueNumber, bypass: true },
    }),
  ),
)

function base(hook: 'PREROUTING' | 'POSTROUTING', priority: number, rules: readonly Rule[]): Chain {
  return { hook, priority, policy: 'ACCEPT', rules }
}
