import type { Namespace } from 'kubernetes-types/core/v1'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { KubeObject } from '../../../kubernetes.ts'
import { serveHttp } from '../../../network/http.ts'
import { renderRule } from '../../../network/netfilter/render.ts'
import type { Rule } from '../../../network/netfilter/rule.ts'
import { followPolicies } from '../../../network-policy/follow.ts'
import { type InformerMemory, informers } from '../../informers.ts'
import type { Daemon, DaemonContext } from '../../process.ts'
import { MiB } from '../../usage.ts'
import { clear, ensureChain, logGroup } from '../iptables.ts'
import { weaveLog } from '../log.ts'
import { weaveVersion } from '../status.ts'
import { baseChains, egressChain, namedPort, policyRules } from './dataplane.ts'

type PolicyObject = NetworkPolicy & KubeObject
const metricsPort = 6781
const setPrefix = 'weave-'

interface NpcState {
  /** The rules stood once. */
  synced: boolean
  /** An egress policy was seen: from then on what none allows is dropped. */
  dropsEgress: boolean
  readonly known: InformerMemory
}

/** weave-npc: NetworkPolicies as chains and ipsets of the host. Follows weave 2.8.1. */
export const weaveNpc: Daemon<NpcState> = {
  kind: 'daemon',
  id: 'weave/weave-npc',
  usage: { cores: 0.002, bytes: 40 * MiB, secondsAtStart: 0.2, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ synced: false, dropsEgress: false, known: {} }),
  run(context) {
    const log = weaveLog(context)
    const { state, namespace } = context
    const { netfilter } = namespace
    context.onSignal((signal) => {
      log('FATA', `Exiting: ${signal === 'SIGTERM' ? 'terminated' : 'interrupt'}`)
      context.exit(1)
    })
    let blocked = 0
    context.sockets.bindLog(logGroup, ({ protocol, tcp, src, sport, dst, dport }) => {
      const opening = protocol === 'tcp' && tcp?.syn && !tcp.isAck
      if (!opening && protocol !== 'udp') return
      blocked++
      log('WARN', `${protocol.toUpperCase()} connection from ${src}:${sport} to ${dst}:${dport} blocked by Weave NPC.`)
    })
    serveHttp(context.sockets, metricsPort, ({ target }, respond) => {
      if (target !== '/metrics') return respond({ status: 404, body: '404 page not found\n' })
      respond({ status: 200, body: `weavenpc_blocked_connections_total ${blocked}\n` })
    })
    if (!context.resumed) begin(context)
    const following = informers(context, {
      memory: state.known,
      followed: [
        { resource: 'namespaces', type: '*v1.Namespace' },
        { resource: 'pods', type: '*v1.Pod' },
        { resource: 'networkpolicies.networking.k8s.io', type: '*v1.NetworkPolicy' },
      ],
      synced: () => start(),
      failed: ({ what, type, message }) => log('ERRO', `Failed to ${what} ${type}: ${message}`),
    })
    const { index, begin: beginPolicies } = followPolicies(following, context.clock, { lazy: false }, () => sync())
    let running = false
    following.start()
    if (context.resumed && state.synced && Object.values(state.known).every(({ stale }) => stale)) start()

    function start(): void {
      if (running) return
      running = true
      beginPolicies()
      sync()
    }

    function sync(): void {
      const { policies, pods } = { policies: [...index.policies()], pods: [...index.selections.pods()] }
      const changes = index.takeChanges()
      for (const key of changes.policies) tell(key)
      if (!state.dropsEgress && policies.some(({ egress }) => egress)) {
        state.dropsEgress = true
        netfilter.setRules('filter', 'WEAVE-NPC-EGRESS', egressChain(true))
      }
      const namespaces = following.cache
        .list<Namespace & KubeObject>('namespaces')
        .map(({ metadata }) => ({ name: metadata?.name ?? '', labels: metadata?.labels ?? {} }))
      const wanted = policyRules({ namespaces, pods, policies: policies.filter((policy) => namedPort(policy) === undefined) })
      const names = new Set(wanted.sets.map(({ name }) => name))
      for (const set of wanted.sets) {
        const before = netfilter.sets[set.name]
        if (before?.type !== set.type || before.members.join() !== set.members.join()) netfilter.setSet(set)
      }
      for (const [chain, rules] of Object.entries(wanted.chains)) put(chain, rules)
      for (const name of Object.keys(netfilter.sets)) if (name.startsWith(setPrefix) && !names.has(name)) netfilter.removeSet(name)
      state.synced = true
    }

    function put(chain: string, rules: readonly Rule[]): void {
      const text = (rule: Rule) => renderRule(chain, rule).replace(/^-A \S+ /, '')
      const before = netfilter.chain('filter', chain)?.rules ?? []
      const [old, wanted] = [before.map(text), rules.map(text)]
      if (old.join('\n') === wanted.join('\n')) return
      const said = chain.includes('DEFAULT') ? 'DEBU' : 'INFO'
      for (const line of old) if (!wanted.includes(line)) log(said, `deleting rule [${line}] from "${chain}" chain`)
      for (const line of wanted) if (!old.includes(line)) log(said, `adding rule [${line}] to "${chain}" chain`)
      netfilter.setRules('filter', chain, rules)
    }

    function tell(key: string): void {
      const [where = '', name = ''] = key.split('/')
      const object = following.cache.find<PolicyObject>('networkpolicies.networking.k8s.io', where, name)
      const known = index.policy(where, name)
      log('INFO', `EVENT ${object ? 'AddNetworkPolicy' : 'DeleteNetworkPolicy'} ${object ? JSON.stringify(object) : key}`)
      const port = known && namedPort(known)
      if (port === undefined) return
      log(
        'ERRO',
        `add network policy: named ports in network policies is not supported yet. Rejecting network policy: ${name} from further processing. named port ${port} in network policy`,
      )
    }
  },
}

/** The chains as a started weave-npc leaves them: nothing from before but the egress chain, so that none escapes it meanwhile. */
function begin(context: DaemonContext<NpcState>): void {
  const log = weaveLog(context)
  const { netfilter } = context.namespace
  log('INFO', `Starting Weaveworks NPC ${weaveVersion}; node name "${context.env['HOSTNAME'] || context.hostname}"`)
  log('INFO', `Serving /metrics on :${metricsPort}`)
  for (const chain of [
    'WEAVE-NPC-INGRESS',
    'WEAVE-NPC-DEFAULT',
    'WEAVE-NPC',
    'WEAVE-NPC-EGRESS-ACCEPT',
    'WEAVE-NPC-EGRESS-CUSTOM',
    'WEAVE-NPC-EGRESS-DEFAULT',
  ]) {
    clear(netfilter, 'filter', chain)
  }
  for (const name of Object.keys(netfilter.sets)) if (name.startsWith(setPrefix)) netfilter.removeSet(name)
  for (const [chain, rules] of Object.entries(baseChains)) netfilter.setRules('filter', chain, rules)
  ensureChain(netfilter, 'filter', 'WEAVE-NPC-EGRESS')
  netfilter.setRules('filter', 'WEAVE-NPC-EGRESS', egressChain(false))
}
