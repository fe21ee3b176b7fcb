import type { Node, Service } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { Clock, Timers } from '../../clock.ts'
import type { EventRecorder } from '../../events/recorder.ts'
import { sameJson } from '../../json.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { type Cloud, CloudError } from '../../outside/cloud/cloud.ts'
import type { InformerCache } from '../informers.ts'
import { balancedNodes, configOf, loadBalancerName } from './configuration.ts'

export type ServiceObject = Service & KubeObject
export type NodeObject = Node & KubeObject

/** What the controller remembers of a Service: plain data. */
export interface Remembered {
  /** Failures in a row. */
  failures?: number
  /** Names of the nodes that its load balancer was last given. */
  nodes?: readonly string[]
}

const finalizer = 'service.kubernetes.io/load-balancer-cleanup'
/** The rate limiter of upstream's queue, ms. */
const shortestRetry = 5_000
const longestRetry = 300_000

export function wantsLoadBalancer({ spec }: ServiceObject): boolean {
  return spec?.type === 'LoadBalancer' && spec.loadBalancerClass === undefined
}

export function needsCleanup({ metadata, spec }: ServiceObject): boolean {
  return Boolean(metadata?.finalizers?.includes(finalizer)) && (Boolean(metadata?.deletionTimestamp) || spec?.type !== 'LoadBalancer')
}

/** Whether a change of the Service is one for its load balancer. */
export function needsUpdate(before: ServiceObject, now: ServiceObject): boolean {
  if (!wantsLoadBalancer(before) && !wantsLoadBalancer(now)) return false
  if (wantsLoadBalancer(before) !== wantsLoadBalancer(now)) return true
  const relevant = ({ spec, metadata }: ServiceObject) => [
    spec?.loadBalancerSourceRanges,
    spec?.ports,
    spec?.sessionAffinity,
    spec?.sessionAffinityConfig,
    spec?.loadBalancerIP,
    spec?.externalIPs,
    metadata?.annotations,
    metadata?.uid,
    spec?.externalTrafficPolicy,
    spec?.healthCheckNodePort,
    spec?.ipFamilies?.length,
  ]
  return !sameJson(relevant(before), relevant(now))
}

interface Parts {
  readonly cluster: string
  readonly cloud: Cloud
  readonly cache: InformerCache
  readonly api: Api
  readonly clock: Clock
  readonly retries: Timers
  readonly events: EventRecorder
  readonly memory: Record<string, Remembered>
  /** A line of the log, of severity E where `failed`. */
  say(source: string, message: string, failed?: boolean): void
}

/**
 * Keeps one load balancer for each Service of type LoadBalancer without a class. Follows k8s.io/cloud-provider's controllers/service, whose
 * events, finalizer and back-off it has; what upstream asks of a cloud through an interface is asked of `cloud` here.
 */
export function serviceController({ cluster, cloud, cache, api, clock, retries, events, memory, say }: Parts) {
  const waiting = new Set<string>()

  function add(key: string): void {
    if (waiting.has(key)) return
    waiting.add(key)
    clock.soon(() => {
      waiting.delete(key)
      sync(key)
    })
  }

  function sync(key: string): void {
    const [namespace = '', name = ''] = key.split('/')
    const service = cache.find<ServiceObject>('services', namespace, name)
    // It went without its finalizer: somebody took that off. What was made for it stays, as upstream keeps it only in its own memory.
    if (!service) return forget(key)
    try {
      if (!wantsLoadBalancer(service) || needsCleanup(service)) remove(service, key)
      else ensure(service, key)
      delete memory[key]?.failures
    } catch (error) {
      if (!(error instanceof CloudError || error instanceof StatusError)) throw error
      events.record(service, 'Warning', 'SyncLoadBalancerFailed', `Error syncing load balancer: ${error.message}`)
      say(
        'controller.go:293',
        `"Unhandled Error" err="error processing service ${key} (retrying with exponential backoff): ${error.message.replaceAll('\n', '\\n').replaceAll('\t', '\\t')}" logger="UnhandledError"`,
        true,
      )
      const state = (memory[key] ??= {})
      const failures = state.failures ?? 0
      state.failures = failures + 1
      retries.set(key, clock.now() + Math.min(shortestRetry * 2 ** failures, longestRetry))
    }
  }

  function ensure(service: ServiceObject, key: string): void {
    say('controller.go:401', `Ensuring load balancer for service ${key}`)
    events.record(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer')
    attempt('failed to add load balancer cleanup finalizer', () => {
      const held = service.metadata?.finalizers ?? []
      if (held.includes(finalizer)) return
      say('controller.go:929', `Adding finalizer to service ${key}`)
      patch(service, { metadata: { finalizers: [...held, finalizer] } })
    })
    const nodes = usableNodes()
    if (nodes.length === 0) events.record(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer')
    ;(memory[key] ??= {}).nodes = namesOf(nodes)
    const { address } = attempt('failed to ensure load balancer', () =>
      cloud.ensure(configOf(cluster, service, nodes), service.spec?.loadBalancerIP),
    )
    events.record(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer')
    const ports = (service.spec?.ports ?? []).map(({ port, protocol = 'TCP' }) => ({ port, protocol }))
    writeStatus(service, key, { ingress: [{ ip: address, ipMode: 'Proxy', ports }] })
  }

  function remove(service: ServiceObject, key: string): void {
    const name = loadBalancerName(cluster, service)
    if (cloud.find(name)) {
      say('controller.go:373', `Deleting existing load balancer for service ${key}`)
      events.record(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer')
      cloud.remove(name)
    }
    attempt('failed to remove load balancer cleanup finalizer', () => {
      const held = service.metadata?.finalizers ?? []
      if (!held.includes(finalizer)) return
      say('controller.go:945', `Removing finalizer from service ${key}`)
      patch(service, { metadata: { finalizers: held.filter((one) => one !== finalizer) } })
    })
    events.record(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer')
    writeStatus(service, key, {})
    forget(key)
  }

  function writeStatus(service: ServiceObject, key: string, loadBalancer: NonNullable<ServiceObject['status']>['loadBalancer']): void {
    if (sameJson(service.status?.loadBalancer ?? {}, loadBalancer)) return
    say('controller.go:977', `Patching status for service ${key}`)
    attempt('failed to update load balancer status', () => {
      try {
        const { namespace, name = '' } = service.metadata ?? {}
        const status = { loadBalancer: { ingress: loadBalancer?.ingress ?? null } }
        api.patch('services', namespace, name, { status }, { type: 'merge', subresource: 'status' })
      } catch (error) {
        // It went with its finalizer: nobody is left to be told.
        if (!(error instanceof StatusError) || error.reason !== 'NotFound') throw error
      }
    })
  }

  function patch(service: ServiceObject, change: object): void {
    const { namespace, name = '' } = service.metadata ?? {}
    api.patch('services', namespace, name, change, { type: 'merge' })
  }

  function forget(key: string): void {
    delete memory[key]
    retries.clear(key)
  }

  const usableNodes = () => balancedNodes(cache.list<NodeObject>('nodes'))

  return {
    add,
    addAll() {
      for (const service of cache.list<ServiceObject>('services'))
        if (wantsLoadBalancer(service) || needsCleanup(service)) add(keyOf(service))
    },
    /** The nodes may have become others: load balancers learn of those that came or went. */
    syncNodes() {
      const nodes = usableNodes()
      for (const service of cache.list<ServiceObject>('services')) {
        const key = keyOf(service)
        const known = memory[key]
        if (!wantsLoadBalancer(service) || !known?.nodes || sameJson(known.nodes, namesOf(nodes))) continue
        known.nodes = namesOf(nodes)
        if (!cloud.find(loadBalancerName(cluster, service))) continue
        say('controller.go:840', `Updating backends for load balancer ${key} with ${nodes.length} nodes: [${namesOf(nodes).join(' ')}]`)
        cloud.ensure(configOf(cluster, service, nodes))
        if (nodes.length === 0)
          events.record(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer')
        else events.record(service, 'Normal', 'UpdatedLoadBalancer', 'Updated load balancer with new hosts')
      }
    },
  }
}

export function keyOf({ metadata }: ServiceObject): string {
  return `${metadata?.namespace}/${metadata?.name}`
}

function namesOf(nodes: readonly NodeObject[]): string[] {
  return nodes.map(({ metadata }) => metadata?.name ?? '').sort()
}

/** The error with what was tried in front, as Go wraps it. */
function attempt<T>(what: string, task: () => T): T {
  try {
    return task()
  } catch (error) {
    if (error instanceof CloudError) throw new CloudError(`${what}: ${error.message}`)
    if (error instanceof StatusError) throw new StatusError({ ...error.status, message: `${what}: ${error.message}` })
    throw error
  }
}
