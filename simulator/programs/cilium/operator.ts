import type { Node } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import { serveHttp } from '../../network/http.ts'
import { type InformerMemory, informers } from '../informers.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { serviceWorld } from './agent/cluster-view.ts'
import { ciliumDefinitions } from './definitions.ts'
import { ciliumLog } from './log.ts'
import { type CiliumPolicy, PolicyError, readCiliumPolicy } from './policy/cilium-policy.ts'
import { type CiliumEndpoint, type CiliumIdentity, resources } from './resources.ts'
import { ciliumVersion } from './version.ts'

const healthPort = 9234
const agentTaint = 'node.cilium.io/agent-not-ready'
/** identity-heartbeat-timeout, ms: how long an identity that nobody has stays. */
const identityLifetime = 30 * 60_000

interface OperatorState {
  started: boolean
  readonly known: InformerMemory
}

/** cilium-operator: Cilium's kinds, the nodes' condition and taint, policies' condition, identities that nobody has any more. */
export const operator: Daemon<OperatorState> = {
  kind: 'daemon',
  id: 'cilium/cilium-operator',
  usage: { cores: 0.004, bytes: 45 * MiB, secondsAtStart: 0.3, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ started: false, known: {} }),
  run(context) {
    const say = ciliumLog(context)
    context.onSignal(() => context.exit(0))
    if (!context.resumed) say('info', 'Cilium Operator', { module: 'operator', version: ciliumVersion })
    serveHttp(context.sockets, { address: '127.0.0.1', port: healthPort }, ({ target }, respond) => {
      respond(target === '/healthz' ? { status: 200, body: 'ok' } : { status: 404, body: '404 page not found\n' })
    })
    if (context.resumed && context.state.started) return follow(context)
    const timers = context.timers(() => install())
    install()

    function install(): void {
      context.connectApi(
        {},
        {
          connected(api) {
            say('info', 'Establishing connection to apiserver', { module: 'operator.operator-infra.k8s-client' })
            try {
              for (const definition of ciliumDefinitions) register(api, definition)
            } catch (error) {
              if (!(error instanceof StatusError)) throw error
              say('fatal', 'Unable to register CRDs', { module: 'operator', error: error.message })
              return context.exit(1)
            }
            context.state.started = true
            follow(context)
          },
          error(error) {
            say('warn', 'Connection to apiserver failed', { module: 'operator.operator-infra.k8s-client', error: error.message })
            timers.set('connect', context.clock.now() + 5000)
          },
        },
      )
    }

    function register(api: Api, definition: KubeObject): void {
      const name = definition.metadata?.name ?? ''
      if (api.find(resources.definitions, undefined, name)) return
      say('info', 'Creating CRD (CustomResourceDefinition)...', { module: 'operator', name })
      api.create(resources.definitions, definition)
      say('info', 'CRD (CustomResourceDefinition) is installed and up-to-date', { module: 'operator', name })
    }
  },
}

function follow(context: DaemonContext<OperatorState>): void {
  const say = ciliumLog(context)
  const timers = context.timers((key) => collect(key))
  let api: Api | undefined
  const following = informers(context, {
    memory: context.state.known,
    followed: [
      { resource: 'nodes', type: '*v1.Node' },
      { resource: 'pods', type: '*v1.Pod' },
      { resource: 'services', type: '*v1.Service' },
      { resource: 'endpointslices.discovery.k8s.io', type: '*v1.EndpointSlice' },
      { resource: resources.endpoints, type: '*v2.CiliumEndpoint' },
      { resource: resources.identities, type: '*v2.CiliumIdentity' },
      { resource: resources.policies, type: '*v2.CiliumNetworkPolicy' },
      { resource: resources.clusterwidePolicies, type: '*v2.CiliumClusterwideNetworkPolicy' },
    ],
    connected: (connection) => {
      api = connection
    },
    synced() {
      if (context.resumed) return
      for (const pod of following.cache.list('pods')) agentChanged(pod)
      for (const kind of [resources.policies, resources.clusterwidePolicies])
        for (const policy of following.cache.list<CiliumPolicy>(kind)) validate(kind, policy)
    },
    failed: ({ what, type, message }) =>
      say('error', 'Failed to watch', {
        module: 'operator.operator-infra.k8s-client',
        error: what === 'list' ? `failed to list ${type}: ${message}` : message,
      }),
  })
  const { cache } = following
  following.onChange('pods', ({ type, object }) => {
    if (type !== 'DELETED') agentChanged(object)
  })
  for (const kind of [resources.policies, resources.clusterwidePolicies]) {
    following.onChange<CiliumPolicy>(kind, ({ type, object, previous }) => {
      if (type !== 'DELETED' && object.metadata?.generation !== previous?.metadata?.generation) validate(kind, object)
    })
  }
  following.onChange<CiliumEndpoint>(resources.endpoints, ({ object, previous }) => {
    const before = (previous ?? object).status?.identity?.id
    if (before !== undefined && !isUsed(before)) timers.set(String(before), context.clock.now() + identityLifetime)
  })
  following.start()

  /** The request's refusal is said and tried again with the next change. */
  function attempt(what: string, request: (connection: Api) => void): void {
    if (!api) return
    try {
      request(api)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      say('warn', what, { module: 'operator', error: error.message })
    }
  }

  /** A node whose agent is ready has a network, and takes pods. */
  function agentChanged(pod: KubeObject): void {
    const { metadata, spec, status } = pod as KubeObject & {
      spec?: { nodeName?: string }
      status?: { conditions?: { type: string; status: string }[] }
    }
    if (
      metadata?.labels?.['k8s-app'] !== 'cilium' ||
      !status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
    )
      return
    const node = spec?.nodeName && cache.find<Node & KubeObject>('nodes', undefined, spec.nodeName)
    if (!node) return
    const name = node.metadata?.name ?? ''
    const known = node.status?.conditions?.find(({ type }) => type === 'NetworkUnavailable')
    if (known?.reason !== 'CiliumIsUp') {
      const now = timestamp(context.clock.now())
      const condition = {
        type: 'NetworkUnavailable',
        status: 'False',
        reason: 'CiliumIsUp',
        message: 'Cilium is running on this node',
        lastTransitionTime: now,
        lastHeartbeatTime: now,
      }
      attempt('Unable to set node condition', (connection) =>
        connection.patch('nodes', undefined, name, { status: { conditions: [condition] } }, { type: 'strategic', subresource: 'status' }),
      )
    }
    if (node.spec?.taints?.some(({ key }) => key === agentTaint)) {
      const taints = node.spec.taints.filter(({ key }) => key !== agentTaint)
      attempt('Unable to remove node taint', (connection) =>
        connection.patch('nodes', undefined, name, { spec: { taints } }, { type: 'merge' }),
      )
    }
  }

  function validate(kind: string, policy: CiliumPolicy): void {
    let message: string | undefined
    try {
      readCiliumPolicy(policy, serviceWorld(cache))
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      message = error.message
    }
    const wanted = { type: 'Valid', status: message === undefined ? 'True' : 'False', message: message ?? 'Policy validation succeeded' }
    const known = policy.status?.conditions?.find(({ type }) => type === 'Valid')
    if (known?.status === wanted.status && known.message === wanted.message) return
    const condition = { ...wanted, lastTransitionTime: timestamp(context.clock.now()) }
    attempt('failed to update policy status', (connection) => {
      connection.patch(
        kind,
        policy.metadata?.namespace,
        policy.metadata?.name ?? '',
        { status: { conditions: [condition] } },
        { type: 'merge', subresource: 'status' },
      )
    })
  }

  function isUsed(identity: number): boolean {
    return cache.list<CiliumEndpoint>(resources.endpoints).some(({ status }) => status?.identity?.id === identity)
  }

  function collect(name: string): void {
    if (isUsed(Number(name)) || !cache.find<CiliumIdentity>(resources.identities, undefined, name)) return
    say('info', 'Garbage collected identity', { module: 'operator', identity: name })
    attempt('Error deleting identity', (connection) => connection.delete(resources.identities, undefined, name))
  }
}
