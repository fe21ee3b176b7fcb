import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from 'kubernetes-types/autoscaling/v2'

/** What the autoscaler remembers of one object: plain data. Times are ms since the epoch. */
export interface AutoscalingMemory {
  recommendations: { at: number; replicas: number }[]
  ups: { at: number; change: number }[]
  downs: { at: number; change: number }[]
}

export interface Verdict {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

export interface Normalized {
  readonly replicas: number
  readonly ableToScale: Verdict
  readonly scalingLimited: Verdict
}

/** --horizontal-pod-autoscaler-downscale-stabilization. */
const downscaleWindowSeconds = 300

interface Rules {
  readonly windowSeconds: number
  readonly selectPolicy: string
  readonly policies: readonly { type: string; value: number; periodSeconds: number }[]
}

/** What stands where `behavior` says nothing: at most doubled or four more within 15 s; down as far as wanted, after the window. */
function rulesOf(rules: HPAScalingRules | undefined, direction: 'up' | 'down'): Rules {
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 }
  const standard = direction === 'up' ? [{ type: 'Pods', value: 4, periodSeconds: 15 }, percent] : [percent]
  return {
    windowSeconds: rules?.stabilizationWindowSeconds ?? (direction === 'up' ? 0 : downscaleWindowSeconds),
    selectPolicy: rules?.selectPolicy ?? 'Max',
    policies: rules?.policies?.length ? rules.policies : standard,
  }
}

export function newAutoscalingMemory(): AutoscalingMemory {
  return { recommendations: [], ups: [], downs: [] }
}

/**
 * A recommendation made steady and brought within bounds, as podautoscaler/horizontal.go normalizes it: with the object's behavior where it
 * has one, otherwise the highest of the last five minutes and at most twice as many as now.
 */
export function normalize(
  memory: AutoscalingMemory,
  wanted: number,
  bounds: {
    readonly current: number
    readonly min: number
    readonly max: number
    readonly behavior?: HorizontalPodAutoscalerBehavior | undefined
  },
  now: number,
): Normalized {
  const { current, behavior } = bounds
  const [up, down] = [rulesOf(behavior?.scaleUp, 'up'), rulesOf(behavior?.scaleDown, 'down')]
  const rising = behavior !== undefined && wanted >= current
  const better = rising ? Math.min : Math.max
  const windowMs = (rising ? up : down).windowSeconds * 1000
  let steady = wanted
  for (const { at, replicas } of memory.recommendations) if (at > now - windowMs) steady = better(steady, replicas)
  const longest = Math.max(up.windowSeconds, down.windowSeconds) * 1000
  memory.recommendations = [...memory.recommendations.filter(({ at }) => at >= now - longest), { at: now, replicas: wanted }]
  const [limited, reason, message] = behavior ? limitByRules(memory, steady, bounds, up, down, now) : limitPlainly(steady, bounds)
  return {
    replicas: limited,
    ableToScale: steady === wanted ? readyForNewScale : rising ? upStabilized : downStabilized,
    scalingLimited: { status: limited === steady ? 'False' : 'True', reason, message },
  }
}

/** Remembers a change of scale, for the policies' periods. */
export function scaled(
  memory: AutoscalingMemory,
  behavior: HorizontalPodAutoscalerBehavior | undefined,
  from: number,
  to: number,
  now: number,
): void {
  if (!behavior) return
  const rules = to > from ? rulesOf(behavior.scaleUp, 'up') : rulesOf(behavior.scaleDown, 'down')
  const longest = Math.max(...rules.policies.map(({ periodSeconds }) => periodSeconds)) * 1000
  const key = to > from ? 'ups' : 'downs'
  memory[key] = [...memory[key].filter(({ at }) => at >= now - longest), { at: now, change: Math.abs(to - from) }]
}

const readyForNewScale: Verdict = { status: 'True', reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const downStabilized: Verdict = {
  status: 'True',
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
}
const upStabilized: Verdict = {
  status: 'True',
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
}

type Limited = [replicas: number, reason: string, message: string]
const withinRange = (replicas: number): Limited => [replicas, 'DesiredWithinRange', 'the desired count is within the acceptable range']
const tooFew = (replicas: number): Limited => [
  replicas,
  'TooFewReplicas',
  'the desired replica count is less than the minimum replica count',
]
const tooMany = (replicas: number): Limited => [
  replicas,
  'TooManyReplicas',
  'the desired replica count is more than the maximum replica count',
]
const tooFast = (replicas: number): Limited => [
  replicas,
  'ScaleUpLimit',
  'the desired replica count is increasing faster than the maximum scale rate',
]
const tooFastDown = (replicas: number): Limited => [
  replicas,
  'ScaleDownLimit',
  'the desired replica count is decreasing faster than the maximum scale rate',
]

function limitPlainly(wanted: number, { current, min, max }: { current: number; min: number; max: number }): Limited {
  if (wanted < min) return tooFew(min)
  const fastest = Math.max(2 * current, 4)
  const most = Math.min(max, fastest)
  if (wanted <= most) return withinRange(wanted)
  return max > fastest ? tooFast(most) : tooMany(most)
}

function limitByRules(
  memory: AutoscalingMemory,
  wanted: number,
  { current, min, max }: { current: number; min: number; max: number },
  up: Rules,
  down: Rules,
  now: number,
): Limited {
  if (wanted > current) {
    const fastest = Math.max(current, scaleUpLimit(memory, current, up, now))
    const most = Math.min(max, fastest)
    if (wanted > most) return max > fastest ? tooFast(most) : tooMany(most)
  } else if (wanted < current) {
    const fastest = Math.min(current, scaleDownLimit(memory, current, down, now))
    const fewest = Math.max(min, fastest)
    if (wanted < fewest) return min < fastest ? tooFastDown(fewest) : tooFew(fewest)
  }
  return withinRange(wanted)
}

function changedWithin(changes: AutoscalingMemory['ups'], periodSeconds: number, now: number): number {
  return changes.reduce((sum, { at, change }) => (at > now - periodSeconds * 1000 ? sum + change : sum), 0)
}

function scaleUpLimit(memory: AutoscalingMemory, current: number, { selectPolicy, policies }: Rules, now: number): number {
  if (selectPolicy === 'Disabled') return current
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const started = current - changedWithin(memory.ups, periodSeconds, now)
    return type === 'Pods' ? started + value : Math.ceil(started * (1 + value / 100))
  })
  return selectPolicy === 'Min' ? Math.min(...limits) : Math.max(...limits)
}

function scaleDownLimit(memory: AutoscalingMemory, current: number, { selectPolicy, policies }: Rules, now: number): number {
  if (selectPolicy === 'Disabled') return current
  const limits = policies.map(({ type, value, periodSeconds }) => {
    const started = current + changedWithin(memory.downs, periodSeconds, now)
    return type === 'Pods' ? started - value : Math.floor(started * (1 - value / 100))
  })
  // The smallest change leaves most.
  return selectPolicy === 'Min' ? Math.max(...limits) : Math.min(...limits)
}
