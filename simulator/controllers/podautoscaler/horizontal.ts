import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, MetricStatus } from 'kubernetes-types/autoscaling/v2'
import { type ScaleObject, StatusError } from '../../apiserver/api.ts'
import { selectorPredicate } from '../../apiserver/selectors.ts'
import { type KubeObject, type ResourceName, timestamp } from '../../kubernetes.ts'
import { type Controller, keyOf, type RemoteAnswer, recorderOf, splitKey, unhandled, workQueue, writeStatus } from '../controller.ts'
import type { PodObject } from '../pods.ts'
import { evaluate, type Outcome } from './metrics.ts'
import { newAutoscalingMemory, normalize, scaled, type Verdict } from './stabilization.ts'

type AutoscalerObject = HorizontalPodAutoscaler & KubeObject
type Condition = HorizontalPodAutoscalerCondition
type Said = Verdict | [status: 'True' | 'False', reason: string, message: string]

/** --horizontal-pod-autoscaler-sync-period. */
const periodMs = 15_000
const resource = 'horizontalpodautoscalers.autoscaling'

/** Scales workloads by what their pods use. Follows pkg/controller/podautoscaler. Looks each 15 s, only at autoscalers that exist. */
export const podAutoscaler: Controller = {
  name: 'horizontal-pod-autoscaler-controller',
  start(world) {
    const { api, clock } = world
    const events = recorderOf(world, 'horizontal-pod-autoscaler')
    const queue = workQueue('horizontal-pod-autoscaler', clock, onTheBeat)
    const failed = unhandled(world, 'horizontal.go:275', (_key, why) => why)
    const asking = new Set<string>()

    api.watch<AutoscalerObject>(
      resource,
      ({ type, object }) => {
        if (type === 'DELETED') delete world.memory.autoscaling[object.metadata?.uid ?? '']
        else queue.addAt(keyOf(object), clock.now() + periodMs)
      },
      { initial: world.fresh },
    )

    /** Upstream's queue knows one pace only: a look that failed is made again at the next beat. */
    function onTheBeat(key: string): void {
      try {
        reconcile(key)
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        failed(key, error)
      }
    }

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const found = api.find<AutoscalerObject>(resource, namespace, name)
      if (!found) return
      queue.addAt(key, clock.now() + periodMs)
      const attempt = new Attempt(found)
      const target = targetOf(found)
      if ('problem' in target) {
        attempt.say('AbleToScale', [
          'False',
          'FailedGetScale',
          `the HPA controller was unable to get the target's current scale: ${target.problem}`,
        ])
        events.record(found, 'Warning', 'FailedGetScale', target.problem)
        return attempt.write({})
      }
      const { scale } = target
      const current = scale.spec?.replicas ?? 0
      const { minReplicas: min = 1, maxReplicas: max = 1, behavior } = found.spec ?? {}
      attempt.say('AbleToScale', ['True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale"])
      // The first thing that is ever recommended is what stands.
      memoryOf(found).recommendations = memoryOf(found).recommendations.length
        ? memoryOf(found).recommendations
        : [{ at: clock.now(), replicas: current }]
      if (current === 0 && min !== 0) {
        attempt.say('ScalingActive', ['False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero'])
        return attempt.write({ currentReplicas: current, desiredReplicas: 0 })
      }
      if (current > max) return rescale(attempt, target, current, max, 'Current number of replicas above Spec.MaxReplicas', undefined)
      if (current < min) return rescale(attempt, target, current, min, 'Current number of replicas below Spec.MinReplicas', undefined)
      const selector = scale.status?.selector
      if (!selector) {
        const message = 'selector is required'
        events.record(found, 'Warning', 'SelectorRequired', message)
        attempt.say('ScalingActive', ['False', 'InvalidSelector', "the HPA target's scale is missing a selector"])
        return attempt.write({ currentReplicas: current })
      }
      if (asking.has(key)) return
      asking.add(key)
      ask(namespace, selector, (answer) => {
        asking.delete(key)
        const newest = api.find<AutoscalerObject>(resource, namespace, name)
        if (!newest || newest.metadata?.uid !== found.metadata?.uid) return
        try {
          decide(new Attempt(newest, attempt.conditions), target, selector, current, { min, max, behavior }, answer)
        } catch (error) {
          // Somebody else wrote first, or it may not write; the next beat sees.
          if (!(error instanceof StatusError)) throw error
          failed(key, error)
        }
      })
    }

    function ask(namespace: string, selector: string, done: (answer: RemoteAnswer) => void): void {
      const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`
      if (world.remote) world.remote(path, done)
      else done({ problem: 'the server could not find the requested resource (get pods.metrics.k8s.io)' })
    }

    function decide(
      attempt: Attempt,
      target: Target,
      selector: string,
      current: number,
      limits: { min: number; max: number; behavior?: NonNullable<AutoscalerObject['spec']>['behavior'] | undefined },
      answer: RemoteAnswer,
    ): void {
      const { object: autoscaler } = attempt
      const namespace = autoscaler.metadata?.namespace ?? ''
      const matches = selectorPredicate({ labelSelector: selector }, { namespaced: true, columns: [] } as never)
      const pods = api.list<PodObject>('pods', { namespace }).filter((pod) => !matches || matches(pod))
      const specs = autoscaler.spec?.metrics ?? []
      const outcomes = specs.map((spec) => evaluate(spec, answer, pods, current, namespace, clock.now()))
      const good = outcomes.filter((outcome) => 'replicas' in outcome)
      const bad = outcomes.filter((outcome) => 'reason' in outcome)
      for (const { reason, problem } of bad) events.record(autoscaler, 'Warning', reason, problem)
      const best = good.reduce<(typeof good)[number] | undefined>(
        (most, one) => (!most || one.replicas > most.replicas ? one : most),
        undefined,
      )
      // Where something is not known, nothing is taken away.
      if (!best || (bad.length > 0 && best.replicas < current)) {
        const [first] = bad
        attempt.say('ScalingActive', ['False', first?.reason ?? '', `the HPA was unable to compute the replica count: ${first?.problem}`])
        events.record(
          autoscaler,
          'Warning',
          'FailedComputeMetricsReplicas',
          `invalid metrics (${bad.length} invalid out of ${specs.length}), first error is: ${first?.event}`,
        )
        return attempt.write({ currentReplicas: current, currentMetrics: metricStatuses(outcomes) })
      }
      attempt.say('ScalingActive', [
        'True',
        'ValidMetricFound',
        `the HPA was able to successfully calculate a replica count from ${best.name}`,
      ])
      const reason = best.replicas > current ? `${best.name} above target` : 'All metrics below target'
      const normalized = normalize(memoryOf(autoscaler), best.replicas, { current, ...limits }, clock.now())
      attempt.say('AbleToScale', normalized.ableToScale)
      attempt.say('ScalingLimited', normalized.scalingLimited)
      const statuses = metricStatuses(outcomes)
      if (normalized.replicas !== current) return rescale(attempt, target, current, normalized.replicas, reason, statuses)
      attempt.write({ currentReplicas: current, desiredReplicas: current, currentMetrics: statuses })
    }

    function rescale(
      attempt: Attempt,
      target: Target,
      current: number,
      wanted: number,
      reason: string,
      currentMetrics: MetricStatus[] | undefined,
    ): void {
      const { object: autoscaler } = attempt
      try {
        api.updateScale(target.resource, { ...target.scale, spec: { replicas: wanted } })
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        events.record(autoscaler, 'Warning', 'FailedRescale', `New size: ${wanted}; reason: ${reason}; error: ${error.message}`)
        attempt.say('AbleToScale', [
          'False',
          'FailedUpdateScale',
          `the HPA controller was unable to update the target scale: ${error.message}`,
        ])
        return attempt.write({ currentReplicas: current })
      }
      attempt.say('AbleToScale', ['True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${wanted}`])
      events.record(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${wanted}; reason: ${reason}`)
      scaled(memoryOf(autoscaler), autoscaler.spec?.behavior, current, wanted, clock.now())
      attempt.write({
        currentReplicas: current,
        desiredReplicas: wanted,
        lastScaleTime: timestamp(clock.now()),
        ...(currentMetrics ? { currentMetrics } : {}),
      })
    }

    function memoryOf({ metadata }: AutoscalerObject) {
      return (world.memory.autoscaling[metadata?.uid ?? ''] ??= newAutoscalingMemory())
    }

    interface Target {
      readonly resource: ResourceName
      readonly scale: ScaleObject
    }

    function targetOf({ metadata, spec }: AutoscalerObject): Target | { problem: string } {
      const { apiVersion = '', kind = '', name = '' } = spec?.scaleTargetRef ?? {}
      const [group = '', , ...beyond] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
      if (beyond.length > 0) return { problem: `unexpected GroupVersion string: ${apiVersion}` }
      const served = api.served().find((one) => one.kind === kind && groupOf(one.apiVersion) === group)
      if (!served) return { problem: `no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}` }
      try {
        return { resource: served.name, scale: api.scale(served.name, metadata?.namespace, name) }
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        return { problem: unserved(error) ? `${error.message} (get ${served.name.split('.')[0]} ${name})` : error.message }
      }
    }

    /** One look at an autoscaler: its conditions as they come to be, written once. */
    class Attempt {
      readonly object: AutoscalerObject
      conditions: Condition[]
      constructor(object: AutoscalerObject, conditions?: Condition[]) {
        this.object = object
        this.conditions = conditions ?? [...((object.status?.conditions as Condition[] | undefined) ?? [])]
      }

      say(type: string, said: Said): void {
        const { status, reason, message } = Array.isArray(said) ? { status: said[0], reason: said[1], message: said[2] } : said
        const before = this.conditions.find((one) => one.type === type)
        const lastTransitionTime = before?.status === status ? before.lastTransitionTime! : timestamp(clock.now())
        const next = { type, status, lastTransitionTime, reason, message }
        this.conditions = before ? this.conditions.map((one) => (one === before ? next : one)) : [...this.conditions, next]
      }

      write(changes: Partial<NonNullable<AutoscalerObject['status']>>): void {
        const { observedGeneration: _, ...before } = this.object.status ?? {}
        const status = { currentReplicas: 0, desiredReplicas: 0, ...before, ...changes, conditions: this.conditions }
        writeStatus(api, resource, this.object, status)
      }
    }
  },
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
}

/** A path that nobody serves: client-go, which reads no Status there, says itself what it asked for. */
function unserved({ status }: StatusError): boolean {
  return status.reason === 'NotFound' && status.details?.kind === undefined
}

/** A metric that could not be told stands as an empty one, so that the others keep their places. */
function metricStatuses(outcomes: readonly Outcome[]): MetricStatus[] {
  return outcomes.map((outcome) => ('replicas' in outcome ? outcome.status : { type: '' }))
}
