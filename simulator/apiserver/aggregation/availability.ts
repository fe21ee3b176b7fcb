import type { Service } from 'kubernetes-types/core/v1'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1'
import type { Clock, Timers } from '../../clock.ts'
import { sameJson } from '../../json.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import { NetworkError } from '../../network/sockets.ts'
import type { APIServiceCondition, APIServiceObject } from '../../resources/apiregistration/apiservice.ts'
import { type Api, StatusError } from '../api.ts'
import { type Aggregator, apiServiceResource, discoveryPath, type RemoteResource } from './aggregator.ts'

type Verdict = { readonly reason: string; readonly message: string }

/** A server that could not be reached is tried again, less and less often; one that could is looked at when something about it changes. */
const firstRetryMs = 5000
const longestRetryMs = 30_000

/**
 * Keeps the condition Available of APIServices that lead to other servers, as kube-aggregator's remote availability controller: Service, its
 * port, its endpoints, and an answer to discovery. `timers` are the API server's own, keyed by APIService; `due` is to be called when one fires.
 */
export function watchAvailability(api: Api, clock: Clock, aggregator: Aggregator, timers: Timers): { due(name: string): void } {
  const checking = new Set<string>()
  const failures = new Map<string, number>()
  const check = (name: string) => {
    if (checking.has(name)) return
    checking.add(name)
    clock.soon(() => {
      checking.delete(name)
      begin(name)
    })
  }
  api.watch<APIServiceObject>(
    apiServiceResource,
    ({ type, object, previous }) => {
      if (type !== 'DELETED' && object.spec?.service && !sameJson(object.spec, previous?.spec)) check(object.metadata?.name ?? '')
    },
    { initial: true },
  )
  for (const resource of ['services', 'endpointslices.discovery.k8s.io']) {
    api.watch(resource, ({ object: { metadata } }) => {
      const service = metadata?.labels?.['kubernetes.io/service-name'] ?? metadata?.name
      for (const { metadata: own, spec } of api.list<APIServiceObject>(apiServiceResource)) {
        if (spec?.service?.name === service && spec?.service?.namespace === metadata?.namespace) check(own?.name ?? '')
      }
    })
  }
  return { due: check }

  function begin(name: string): void {
    const found = api.find<APIServiceObject>(apiServiceResource, undefined, name)
    if (!found?.spec?.service) return
    const problem = localProblem(api, found)
    if (problem) return conclude(found, problem)
    aggregator.get(found, discoveryPath(found)).then(
      async (response) => {
        if (!response.ok) return unreachable(found, `bad status from ${urlOf(found)}: ${response.status}`)
        const { resources } = (await response.json()) as { resources: RemoteResource[] }
        aggregator.learned(found, resources)
        failures.delete(name)
        clock.soon(() => conclude(found, undefined))
      },
      (error) => {
        if (!(error instanceof NetworkError)) throw error
        unreachable(found, `failing or missing response from ${urlOf(found)}: Get "${urlOf(found)}": ${error.message}`)
      },
    )
  }

  function unreachable(service: APIServiceObject, message: string): void {
    clock.soon(() => {
      const name = service.metadata?.name ?? ''
      const failed = failures.get(name) ?? 0
      failures.set(name, failed + 1)
      timers.set(name, clock.now() + Math.min(firstRetryMs * 2 ** failed, longestRetryMs))
      conclude(service, { reason: 'FailedDiscoveryCheck', message })
    })
  }

  function urlOf(service: APIServiceObject): string {
    const { name = '', namespace = '', port } = service.spec?.service ?? {}
    return `https://${api.find<Service & KubeObject>('services', namespace, name)?.spec?.clusterIP}:${port}${discoveryPath(service)}`
  }

  function conclude(seen: APIServiceObject, problem: Verdict | undefined): void {
    const service = api.find<APIServiceObject>(apiServiceResource, undefined, seen.metadata?.name ?? '')
    if (!service || service.metadata?.uid !== seen.metadata?.uid) return
    const before = service.status?.conditions?.find(({ type }) => type === 'Available')
    const status = problem ? 'False' : 'True'
    const verdict = problem ?? { reason: 'Passed', message: 'all checks passed' }
    const lastTransitionTime = before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : timestamp(clock.now())
    const condition: APIServiceCondition = { type: 'Available', status, lastTransitionTime, ...verdict }
    if (sameJson(before, condition)) return
    try {
      api.updateStatus(apiServiceResource, { ...service, status: { ...service.status, conditions: [condition] } })
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      check(service.metadata?.name ?? '')
    }
  }
}

/** What the objects alone say is wrong, in kube-aggregator's words. */
function localProblem(api: Api, { spec }: APIServiceObject): Verdict | undefined {
  const { name = '', namespace = '', port = 443 } = spec?.service ?? {}
  const service = api.find<Service & KubeObject>('services', namespace, name)
  const title = `service/${name} in ${JSON.stringify(namespace)}`
  if (!service) return { reason: 'ServiceNotFound', message: `${title} is not present` }
  if (service.spec?.type === 'ExternalName') return undefined
  const found = service.spec?.ports?.find((candidate) => candidate.port === port)
  if (!found) return { reason: 'ServicePortError', message: `${title} is not listening on port ${port}` }
  const slices = api.list<EndpointSlice & KubeObject>('endpointslices.discovery.k8s.io', {
    namespace,
    labelSelector: `kubernetes.io/service-name=${name}`,
  })
  if (slices.length === 0) return { reason: 'EndpointsNotFound', message: `cannot find endpointslices for ${title}` }
  const ready = slices.some(
    ({ endpoints, ports }) =>
      ports?.some((candidate) => (candidate.name ?? '') === (found.name ?? '')) &&
      endpoints?.some(({ conditions }) => conditions?.ready !== false),
  )
  if (ready) return undefined
  return {
    reason: 'MissingEndpoints',
    message: `endpointslices for ${title} have no addresses with port name ${JSON.stringify(found.name ?? '')}`,
  }
}
