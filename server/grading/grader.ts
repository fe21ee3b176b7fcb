import { setMaxListeners } from 'node:events'
import { follow } from '../kubernetes/follow.ts'
import { builtinKind } from '../kubernetes/kinds.ts'
import type { KubeObject, ResourceKind } from '../kubernetes/object.ts'
import type { Check } from '../labs/lab.ts'
import { referencesOf } from './baseline.ts'
import type { Scene } from './finding.ts'
import { referenceOf } from './objects.ts'
import { type CheckResult, runCheck } from './run-check.ts'

/** Changes come in bursts: ms to wait for the burst's end, and the most to wait in a burst that does not end. */
const quiet = 50
const patience = 250
/** After the last change the network may need a moment that no object shows (rules being written): looks again after these ms. */
const followUps = [150, 500, 1500] as const
/** ms between tries of a failing check that nothing in the API will announce, while a person is watching. */
const slowRetry = 5000

const watchedKinds = [
  'Pod',
  'Service',
  'EndpointSlice',
  'ConfigMap',
  'Secret',
  'Deployment',
  'DaemonSet',
  'StatefulSet',
  'Node',
  'Namespace',
  'NetworkPolicy',
  'Ingress',
  'IngressClass',
]

export interface Grader {
  /** Runs every check now and resolves with the fresh results. */
  checkNow(): Promise<readonly CheckResult[]>
  results(): ReadonlyMap<string, CheckResult>
  /** ms since the cluster last changed. */
  quietFor(): number
  close(): void
}

export interface GraderOptions {
  readonly checks: readonly Check[]
  readonly scene: Scene
  /** Called for every new state or evidence of a check. */
  readonly onResult: (result: CheckResult) => void
  /** Whether a person is looking: the slow tries are made only then. */
  readonly watched: () => boolean
  readonly onTrouble?: (error: unknown) => void
  /** Results of an earlier life of the server, shown until there are new ones. */
  readonly known?: readonly CheckResult[]
}

/** Keeps the checks' results true by watching the cluster: a change makes every check run again. */
export function startGrader(options: GraderOptions): Grader {
  const { checks, scene } = options
  const closing = new AbortController()
  // Every watch and every run listens; more than ten are no leak.
  setMaxListeners(0, closing.signal)
  const results = new Map<string, CheckResult>((options.known ?? []).map((result) => [result.id, result]))
  const followers = checks.map((check) =>
    followCheck(
      check,
      scene,
      (result) => {
        results.set(check.id, result)
        options.onResult(result)
      },
      closing.signal,
    ),
  )
  let changedAt = performance.now()
  let burstAt: number | undefined
  let debounce: NodeJS.Timeout | undefined
  let pendingFollowUps: NodeJS.Timeout[] = []

  watchCluster()
  const slow = setInterval(() => {
    if (options.watched()) runUnsettled()
  }, slowRetry)
  settle()

  function changed(): void {
    if (closing.signal.aborted) return
    const now = performance.now()
    changedAt = now
    burstAt ??= now
    clearTimeout(debounce)
    debounce = setTimeout(settle, Math.max(0, Math.min(quiet, burstAt + patience - now)))
  }

  function settle(): void {
    burstAt = undefined
    for (const follower of followers) void follower.run()
    for (const timer of pendingFollowUps) clearTimeout(timer)
    pendingFollowUps = followUps.map((after) => setTimeout(runUnsettled, after))
  }

  function runUnsettled(): void {
    for (const follower of followers) if (results.get(follower.id)?.state !== 'passed') void follower.run()
  }

  function watchCluster(): void {
    const kinds = new Map(
      watchedKinds.flatMap((name) => [builtinKind(name)].flatMap((kind) => (kind === undefined ? [] : [[name, kind] as const]))),
    )
    for (const kind of kinds.values()) watchKind(kind)
    const own = checks.flatMap((check) => [...Object.values(check.state?.objects ?? {}), ...referencesOf(check)]).map(referenceOf)
    const extra = new Map(
      own.filter(({ kind }) => !kinds.has(kind)).map((reference) => [`${reference.kind}.${reference.apiVersion}`, reference]),
    )
    for (const { kind, apiVersion } of extra.values()) {
      scene.kube.kind(kind, apiVersion).then(watchKind, (error: unknown) => options.onTrouble?.(error))
    }
  }

  function watchKind(kind: ResourceKind): void {
    const seen = new Map<string, string>()
    void follow(
      scene.kube,
      kind,
      ({ type, object }) => {
        const key = object.metadata.uid ?? object.metadata.name
        const now = type === 'DELETED' ? '' : fingerprint(kind, object)
        // A watch that is opened again reports what is known, and nodes report that they live: no change for a check.
        if (seen.get(key) === now) return
        if (type === 'DELETED') seen.delete(key)
        else seen.set(key, now)
        changed()
      },
      closing.signal,
      options.onTrouble,
    )
  }

  return {
    async checkNow() {
      return Promise.all(followers.map((follower) => follower.run()))
    },
    results: () => results,
    quietFor: () => performance.now() - changedAt,
    close() {
      clearTimeout(debounce)
      clearInterval(slow)
      for (const timer of pendingFollowUps) clearTimeout(timer)
      closing.abort()
    },
  }
}

function fingerprint(kind: ResourceKind, object: KubeObject): string {
  if (kind.kind !== 'Node') return object.metadata.resourceVersion ?? JSON.stringify(object)
  const status = object['status'] as { conditions?: { type: string; status: string }[]; addresses?: unknown } | undefined
  const conditions = status?.conditions?.map(({ type, status: value }) => `${type}=${value}`)
  return JSON.stringify([object['spec'], object.metadata.labels, conditions, status?.addresses])
}

interface Run {
  readonly number: number
  readonly abort: AbortController
  readonly done: Promise<CheckResult>
}

/**
 * One check's runs. A run that hangs (a probe that waits for its time-out) must not hide a repair, so a change starts another run
 * beside it. At most three are under way: the oldest, so that there is always progress, and the newest two.
 */
function followCheck(check: Check, scene: Scene, publish: (result: CheckResult) => void, signal: AbortSignal) {
  const running: Run[] = []
  let started = 0
  let published = 0
  let passedSince: number | undefined
  let holdTimer: NodeJS.Timeout | undefined
  let latest: CheckResult = { id: check.id, state: 'pending' }
  signal.addEventListener('abort', () => {
    clearTimeout(holdTimer)
    for (const each of running) each.abort.abort(signal.reason)
  })

  function run(): Promise<CheckResult> {
    if (signal.aborted) return Promise.resolve(latest)
    if (running.length >= 3) running[1]?.abort.abort(new Error('a newer look replaces it'))
    const number = ++started
    const abort = new AbortController()
    const began = performance.now()
    const done = runCheck(check, scene, abort.signal).then((result) => {
      running.splice(running.indexOf(entry), 1)
      if (abort.signal.aborted || signal.aborted || number < published) return latest
      published = number
      // Whatever started before this one knows less.
      for (const older of running) if (older.number < number) older.abort.abort(new Error('a newer look replaces it'))
      latest = held(result, began)
      publish(latest)
      return latest
    })
    const entry: Run = { number, abort, done }
    running.push(entry)
    return done
  }

  /** With `hold`, a pass counts only once it has lasted; any other outcome in between starts the time anew. */
  function held(result: CheckResult, began: number): CheckResult {
    if (check.hold === 0) return result
    clearTimeout(holdTimer)
    if (result.state !== 'passed' || result.evidence === undefined) {
      passedSince = undefined
      return result
    }
    passedSince ??= began
    const lasted = (performance.now() - passedSince) / 1000
    if (lasted >= check.hold) return result
    // In between it is looked at once a second, so that a flapping repair is seen.
    holdTimer = setTimeout(() => void run(), Math.min(1000, (check.hold - lasted) * 1000 + 10))
    const sentence = `True for ${Math.floor(lasted)} of ${check.hold} seconds.`
    return { ...result, state: 'pending', evidence: { ...result.evidence, sentence } }
  }

  return { id: check.id, run }
}
