import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionState, SessionView, StepView } from '../../protocol/session.ts'
import { recordAttempt } from '../database/attempts.ts'
import type { Database } from '../database/open-database.ts'
import type { SessionRow } from '../database/schema.ts'
import { updateSession } from '../database/sessions.ts'
import type { Cluster, ClusterEngine, ClusterSpec } from '../engines/engine.ts'
import { awaitResults, unarmed } from '../grading/await-results.ts'
import type { Baseline } from '../grading/baseline.ts'
import { type Grader, startGrader } from '../grading/grader.ts'
import type { CheckResult } from '../grading/run-check.ts'
import { score } from '../grading/score.ts'
import { type KubeClient, kubeClient } from '../kubernetes/client.ts'
import { checksOf, type Lab } from '../labs/lab.ts'
import { failureOf, messageOf, Refused } from '../refused.ts'
import type { Terminals } from '../terminals/terminals.ts'
import { injectFault, pourWorld, type Stepper } from './pour.ts'
import type { PreparedLab } from './prepared-labs.ts'
import { viewSession } from './session-view.ts'

/** The moment to which a reset returns, on engines that can. */
const armedCheckpoint = 'armed'
/** ms that stored check results may be behind. */
const storedWithin = 1000

export interface SessionParts {
  readonly database: Database
  readonly terminals: Terminals
  readonly engine: ClusterEngine
  readonly lab: Lab
  /** The lab as it stands armed on the engine, where it does. */
  readonly prepared: (lab: Lab, engine: ClusterEngine) => Promise<PreparedLab | undefined>
  /** Errors that the session survives: a failed save, a watch that broke. */
  readonly onTrouble: (error: unknown) => void
}

/** What exists only while the cluster is ours. */
interface Lease {
  readonly cluster: Cluster
  readonly kube: KubeClient
  grader: Grader | undefined
}

/** One learner, one lab, one cluster: from the request to the score. */
export class Session {
  readonly #parts: SessionParts
  #row: SessionRow
  #lease: Lease | undefined
  #steps: StepView[]
  #results: Map<string, CheckResult>
  #resultListeners = new Set<() => void>()
  #followers = new Set<(view: SessionView) => void>()
  #publishing = false
  #storing: NodeJS.Timeout | undefined
  #life = new AbortController()
  /** Operations that change the session run one after another. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(row: SessionRow, parts: SessionParts) {
    this.#row = row
    this.#parts = parts
    this.#steps = JSON.parse(row.steps_json) as StepView[]
    this.#results = new Map((JSON.parse(row.results_json) as CheckResult[]).map((result) => [result.id, result]))
  }

  get id(): string {
    return this.#row.id
  }

  get state(): SessionState {
    return this.#row.state as SessionState
  }

  view(): SessionView {
    return viewSession(this.#row, this.#parts.lab, this.#results, this.#steps)
  }

  /** Refuses unless there is a cluster to work on. */
  cluster(): Cluster {
    if (this.#lease === undefined || this.#row.state !== 'ready') {
      throw new Refused('not-ready', `The session is ${stateWords[this.state]}, so it has no cluster to work on.`, {
        mend: this.state === 'provisioning' ? 'Wait until it is ready.' : 'Start the lab again.',
        status: 409,
      })
    }
    return this.#lease.cluster
  }

  /** The same, after waiting for what is under way: after a restart of the server the cluster is being taken up. */
  async awaitCluster(): Promise<Cluster> {
    if (this.#lease === undefined && this.#row.state === 'ready') await this.#queue
    return this.cluster()
  }

  follow(listener: (view: SessionView) => void): () => void {
    this.#followers.add(listener)
    return () => this.#followers.delete(listener)
  }

  /** Makes the cluster and breaks it. Resolves when ready or failed; never rejects. */
  async provision(): Promise<void> {
    const { signal } = (this.#life = new AbortController())
    // One for each request of the lab's world.
    setMaxListeners(0, signal)
    await this.#exclusive(async () => {
      try {
        if (signal.aborted) return
        this.#steps = []
        await this.#change({ state: 'provisioning', failure_json: null })
        const { lab, engine } = this.#parts
        const prepared =
          engine.templates && (await this.#step('Prepare the lab', () => unlessAborted(this.#parts.prepared(lab, engine), signal)))
        signal.throwIfAborted()
        const { lease, baseline } = prepared ? await this.#fork(prepared) : await this.#pour(signal)
        const { cluster } = lease
        await this.#step('Make sure that it is broken', () => this.#arm(lease, baseline, signal))
        await cluster.checkpoints?.save(armedCheckpoint)
        await this.#change({
          state: 'ready',
          ready_at: new Date().toISOString(),
          baseline_json: JSON.stringify(baseline),
          steps_json: JSON.stringify(this.#steps),
        })
      } catch (error) {
        if (signal.aborted) return
        // What is worded for people is in the view; the rest is for the log.
        if (!(error instanceof Refused)) this.#parts.onTrouble(error)
        await this.#fail(error)
      }
    })
  }

  /** A cluster in which the lab stands armed already. */
  async #fork({ key, baseline }: PreparedLab): Promise<{ lease: Lease; baseline: Baseline }> {
    const { templates } = this.#parts.engine
    if (templates === undefined) throw new Error(`the engine ${this.#parts.engine.name} keeps no templates`)
    const cluster = await this.#step('Take a prepared cluster', () => templates.fork(key, this.#row.cluster))
    return { lease: await this.#hold(cluster), baseline }
  }

  /** A new cluster, the lab's world, then its fault. */
  async #pour(signal: AbortSignal): Promise<{ lease: Lease; baseline: Baseline }> {
    const { lab, engine } = this.#parts
    const spec = JSON.parse(this.#row.spec_json) as ClusterSpec
    const noteStep = ({ name, state, elapsed }: StepView) => this.#noteStep({ name, state, elapsed })
    const cluster = await engine.create(this.#row.cluster, spec, noteStep, signal)
    const lease = await this.#hold(cluster)
    const baseline = await pourWorld(lab, lease.kube, this.#step, signal)
    await this.#step('Break it', () => injectFault(lab, cluster, lease.kube, signal))
    return { lease, baseline }
  }

  /** After a restart of the server: takes the cluster up again, or says why that cannot be. */
  async resume(): Promise<void> {
    const { engine } = this.#parts
    if (this.#row.state === 'provisioning') {
      await (await engine.reattach(this.#row.cluster).catch(() => undefined))?.destroy()
      await this.provision()
      return
    }
    await this.#exclusive(async () => {
      try {
        const cluster = await engine.reattach(this.#row.cluster)
        if (cluster === undefined) {
          throw new Refused('cluster-lost', 'The cluster of this session is gone since the server was restarted.', {
            mend: 'Start the lab again.',
          })
        }
        this.#grade(await this.#hold(cluster), JSON.parse(this.#row.baseline_json ?? '{}') as Baseline)
        this.#publish()
      } catch (error) {
        if (!(error instanceof Refused)) this.#parts.onTrouble(error)
        await this.#fail(wordBroken(error))
      }
    })
  }

  async checkNow(): Promise<SessionView> {
    await this.awaitCluster()
    await this.#lease?.grader?.checkNow()
    return this.view()
  }

  /** Reveals the next hint; its cost is taken off the score. */
  async hint(): Promise<SessionView> {
    return this.#exclusive(async () => {
      this.cluster()
      if (this.#row.hints_revealed >= this.#parts.lab.file.hints.length) {
        throw new Refused('no-more-hints', 'There are no more hints for this lab.', { status: 409 })
      }
      await this.#change({ hints_revealed: this.#row.hints_revealed + 1 })
      return this.view()
    })
  }

  /** Back to the broken world. Hints stay paid for. */
  async reset(): Promise<SessionView> {
    if (this.#row.state !== 'ready' && this.#row.state !== 'failed') this.cluster()
    const restored = await this.#exclusive(async () => {
      const lease = this.#lease
      const { checkpoints } = lease?.cluster ?? {}
      if (lease === undefined || checkpoints === undefined || this.#row.state !== 'ready') return false
      lease.grader?.close()
      try {
        await checkpoints.restore(armedCheckpoint)
      } catch (error) {
        // A new cluster does as well, only slower.
        this.#parts.onTrouble(error)
        return false
      }
      lease.kube.close()
      this.#results.clear()
      this.#grade(await this.#hold(lease.cluster), JSON.parse(this.#row.baseline_json ?? '{}') as Baseline)
      await this.#parts.terminals.restart(this.id, lease.cluster)
      this.#publish()
      return true
    })
    if (!restored) {
      await this.#exclusive(async () => {
        await this.#release()
        this.#results.clear()
        const attempt = Number(/-(\d+)$/.exec(this.#row.cluster)?.[1] ?? 1) + 1
        await this.#change({ cluster: `${this.id}-${attempt}`, state: 'provisioning', ready_at: null, ended_at: null, results_json: '[]' })
      })
      void this.provision()
    }
    return this.view()
  }

  /** Looks once more, scores, records and gives the cluster back. */
  async finish(): Promise<SessionView> {
    return this.#exclusive(async () => {
      if (this.#row.state === 'finished') return this.view()
      this.cluster()
      const grader = this.#lease?.grader
      await grader?.checkNow()
      // A check that must hold for some seconds is given them.
      const longest = Math.max(0, ...checksOf(this.#parts.lab).map((check) => check.hold))
      const settled = () => [...this.#results.values()].every((result) => result.state !== 'pending')
      for (const began = performance.now(); !settled() && performance.now() - began < (longest + 1) * 1000; ) await sleep(100)
      const view = this.view()
      const { earned, possible, hintCost } = score(this.#parts.lab.file.tasks, this.#results, view.score.hintCost)
      const ended = new Date()
      await recordAttempt(this.#parts.database, {
        session: this.id,
        lab: this.#row.lab,
        finished_at: ended.toISOString(),
        earned,
        possible,
        hint_cost: hintCost,
        took: ended.getTime() - Date.parse(this.#row.ready_at ?? this.#row.created_at),
      })
      grader?.close()
      await this.#change({ state: 'finished', ended_at: ended.toISOString(), results_json: JSON.stringify([...this.#results.values()]) })
      await this.#release()
      return this.view()
    })
  }

  /** Gives up: the cluster goes back at once, whatever is under way. */
  async end(): Promise<SessionView> {
    if (this.#row.state === 'finished' || this.#row.state === 'ended') return this.view()
    this.#life.abort(new Refused('ended', 'The session was ended.'))
    return this.#exclusive(async () => {
      await this.#change({ state: 'ended', ended_at: new Date().toISOString() })
      await this.#release()
      return this.view()
    })
  }

  /** The server goes down: the cluster stays as it is. */
  async close(): Promise<void> {
    this.#life.abort(new Error('the server is closing'))
    this.#lease?.grader?.close()
    await this.#queue.catch(() => {})
    if (this.#storing !== undefined) await this.#storeResults()
    this.#lease?.kube.close()
    this.#lease = undefined
    this.#followers.clear()
  }

  async #hold(cluster: Cluster): Promise<Lease> {
    this.#lease = { cluster, kube: await kubeClient(await cluster.kubeconfig('platform')), grader: undefined }
    return this.#lease
  }

  #grade(lease: Lease, baseline: Baseline): void {
    lease.grader = startGrader({
      checks: checksOf(this.#parts.lab),
      scene: { cluster: lease.cluster, kube: lease.kube, baseline },
      known: [...this.#results.values()],
      watched: () => this.#followers.size > 0,
      onTrouble: this.#parts.onTrouble,
      onResult: (result) => {
        this.#results.set(result.id, result)
        this.#storing ??= setTimeout(() => void this.#storeResults(), storedWithin)
        for (const listener of this.#resultListeners) listener()
        if (this.#row.state === 'ready') this.#publish()
      },
    })
  }

  async #arm(lease: Lease, baseline: Baseline, signal: AbortSignal): Promise<void> {
    const { lab } = this.#parts
    const checks = checksOf(lab)
    this.#grade(lease, baseline)
    const armed = await awaitResults(
      () => this.#results,
      (listener) => {
        this.#resultListeners.add(listener)
        return () => this.#resultListeners.delete(listener)
      },
      (results) => unarmed(checks, results).length === 0,
      lab.file.test.armed * 1000,
      signal,
    )
    if (armed) return
    throw new Refused('not-armed', `The lab ${lab.id} is not armed: ${unarmed(checks, this.#results).join('; ')}.`, {
      mend: `The lab is at fault, not you. Its author runs \`faultline lab test ${lab.id}\`.`,
      status: 500,
    })
  }

  readonly #step: Stepper = async (name, run) => {
    const began = performance.now()
    this.#noteStep({ name, state: 'running', elapsed: 0 })
    try {
      const result = await run()
      this.#noteStep({ name, state: 'done', elapsed: performance.now() - began })
      return result
    } catch (error) {
      this.#noteStep({ name, state: 'failed', elapsed: performance.now() - began })
      throw error
    }
  }

  #noteStep(step: StepView): void {
    const rounded = { ...step, elapsed: Math.round(step.elapsed) }
    const at = this.#steps.findIndex((each) => each.name === step.name)
    this.#steps = at === -1 ? [...this.#steps, rounded] : this.#steps.with(at, rounded)
    this.#publish()
  }

  async #fail(error: unknown): Promise<void> {
    await this.#change({
      state: 'failed',
      ended_at: new Date().toISOString(),
      failure_json: JSON.stringify(failureOf(error)),
      steps_json: JSON.stringify(this.#steps),
    })
    await this.#release()
  }

  async #release(): Promise<void> {
    const lease = this.#lease
    this.#lease = undefined
    lease?.grader?.close()
    clearTimeout(this.#storing)
    this.#storing = undefined
    await this.#parts.terminals.endAll(this.id).catch(this.#parts.onTrouble)
    lease?.kube.close()
    await lease?.cluster.destroy().catch(this.#parts.onTrouble)
  }

  async #storeResults(): Promise<void> {
    clearTimeout(this.#storing)
    this.#storing = undefined
    const change = { results_json: JSON.stringify([...this.#results.values()]) }
    await updateSession(this.#parts.database, this.id, change).catch(this.#parts.onTrouble)
  }

  /** What happened has happened: where it cannot be saved the session goes on, and the person is told. */
  async #change(change: Partial<SessionRow>): Promise<void> {
    this.#row = { ...this.#row, ...change }
    this.#publish()
    await updateSession(this.#parts.database, this.id, change).catch(this.#parts.onTrouble)
  }

  /** Followers hear once of all the changes of one turn. */
  #publish(): void {
    if (this.#publishing) return
    this.#publishing = true
    setImmediate(() => {
      this.#publishing = false
      if (this.#followers.size === 0) return
      const view = this.view()
      for (const follower of this.#followers) follower(view)
    })
  }

  #exclusive<T>(run: () => Promise<T>): Promise<T> {
    const next = this.#queue.then(run, run)
    this.#queue = next.catch(() => {})
    return next
  }
}

/** Stops waiting when it is aborted; the work itself may be for others, too, and goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** A cluster that its engine has, but cannot take up again. */
function wordBroken(error: unknown): Refused {
  if (error instanceof Refused) return error
  return new Refused(
    'cluster-broken',
    `The cluster of this session cannot be taken up again: what was saved of it is not usable (${messageOf(error)}).`,
    {
      mend: 'Start the lab again.',
      status: 500,
      cause: error,
    },
  )
}

const stateWords: Record<SessionState, string> = {
  provisioning: 'still being prepared',
  ready: 'being taken up again',
  finished: 'finished',
  ended: 'ended',
  failed: 'failed',
}
