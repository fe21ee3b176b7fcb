import { randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster, ClusterEngine } from '../engines/engine.ts'
import { allPass, awaitResults, type Results, unarmed } from '../grading/await-results.ts'
import type { Baseline } from '../grading/baseline.ts'
import { type Grader, startGrader } from '../grading/grader.ts'
import { type KubeClient, kubeClient } from '../kubernetes/client.ts'
import { type Check, checksOf, clusterSpecOf, type Lab, type Script } from '../labs/lab.ts'
import { messageOf } from '../refused.ts'
import { injectFault, pourWorld, runScript, type Stepper } from './pour.ts'

/** One thing that must hold of a lab. */
export interface Proof {
  /** `world`, `fault`, `solution <name>`, `wrong fix <name>` */
  readonly stage: string
  readonly problems: readonly string[]
  /** ms. */
  readonly elapsed: number
}

export interface LabProof {
  readonly lab: string
  readonly engine: string
  readonly proofs: readonly Proof[]
}

const checkpoint = 'prove'
const plainStep: Stepper = (_name, run) => run()

/**
 * Proves a lab on an engine: its world is healthy, the fault arms it, each solution passes every check and each wrong fix fails by the
 * check that it names. Problems are values; what comes after a failed stage that it needs is left out.
 */
export async function proveLab(
  lab: Lab,
  engine: ClusterEngine,
  onProof: (proof: Proof) => void = () => {},
  signal = new AbortController().signal,
): Promise<LabProof> {
  setMaxListeners(0, signal)
  const proofs: Proof[] = []
  let site: Site | undefined
  const attempts = [
    ...lab.solutions.map((script) => ({ stage: `solution ${script.name}`, prove: (at: Site) => proveSolution(lab, script, at, signal) })),
    ...lab.wrongFixes.map((script) => ({ stage: `wrong fix ${script.name}`, prove: (at: Site) => proveWrongFix(lab, script, at, signal) })),
  ]
  try {
    const world = await stage('world', async () => {
      site = await openSite(lab, engine, signal)
      return watchUntil(
        lab,
        site,
        (results) => allPass(checksOf(lab), results),
        lab.file.test.ready * 1000,
        signal,
        (results) => failures(checksOf(lab), results, 'must pass in the healthy world'),
      )
    })
    if (!world) return { lab: lab.id, engine: engine.name, proofs }
    const armed = await stage('fault', async () => {
      const problems = await breakSite(lab, required(site), signal)
      if (problems.length === 0) await required(site).cluster.checkpoints?.save(checkpoint)
      return problems
    })
    if (!armed) return { lab: lab.id, engine: engine.name, proofs }
    let used = false
    for (const attempt of attempts) {
      await stage(attempt.stage, async () => {
        if (used) site = await freshSite(lab, engine, required(site), signal)
        used = true
        return attempt.prove(required(site))
      })
    }
    return { lab: lab.id, engine: engine.name, proofs }
  } finally {
    await closeSite(site)
  }

  async function stage(name: string, run: () => Promise<readonly string[]>): Promise<boolean> {
    const began = performance.now()
    const problems = await run().catch((error: unknown) => {
      if (signal.aborted) throw error
      return [messageOf(error)]
    })
    const proof = { stage: name, problems, elapsed: Math.round(performance.now() - began) }
    proofs.push(proof)
    onProof(proof)
    return problems.length === 0
  }
}

/** A cluster with the lab's world in it. */
interface Site {
  readonly cluster: Cluster
  kube: KubeClient
  readonly baseline: Baseline
}

function required(site: Site | undefined): Site {
  if (site === undefined) throw new Error('there is no cluster')
  return site
}

async function openSite(lab: Lab, engine: ClusterEngine, signal: AbortSignal): Promise<Site> {
  const id = `test-${randomBytes(5).toString('hex')}`
  const cluster = await engine.create(id, clusterSpecOf(lab, 1), () => {}, signal)
  try {
    const kube = await kubeClient(await cluster.kubeconfig('platform'))
    return { cluster, kube, baseline: await pourWorld(lab, kube, plainStep, signal) }
  } catch (error) {
    await cluster.destroy()
    throw error
  }
}

async function closeSite(site: Site | undefined): Promise<void> {
  site?.kube.close()
  await site?.cluster.destroy()
}

/** Breaks the world and waits until it shows. */
async function breakSite(lab: Lab, site: Site, signal: AbortSignal): Promise<readonly string[]> {
  await injectFault(lab, site.cluster, site.kube, signal)
  const checks = checksOf(lab)
  return watchUntil(
    lab,
    site,
    (results) => unarmed(checks, results).length === 0,
    lab.file.test.armed * 1000,
    signal,
    (results) => unarmed(checks, results),
  )
}

/** The armed lab again, untouched by the attempt before: by the checkpoint where the engine has them, else anew. */
async function freshSite(lab: Lab, engine: ClusterEngine, site: Site, signal: AbortSignal): Promise<Site> {
  const { checkpoints } = site.cluster
  if (checkpoints !== undefined) {
    await checkpoints.restore(checkpoint)
    site.kube.close()
    site.kube = await kubeClient(await site.cluster.kubeconfig('platform'))
    return site
  }
  await closeSite(site)
  const fresh = await openSite(lab, engine, signal)
  const problems = await breakSite(lab, fresh, signal)
  if (problems.length > 0) throw new Error(`the lab was not armed again: ${problems.join('; ')}`)
  return fresh
}

async function proveSolution(lab: Lab, script: Script, site: Site, signal: AbortSignal): Promise<readonly string[]> {
  await runScript(site.cluster, script, `solutions/${script.name}.sh`, lab.id, signal)
  const checks = checksOf(lab)
  return watchUntil(
    lab,
    site,
    (results) => allPass(checks, results),
    lab.file.test.solved * 1000,
    signal,
    (results) => failures(checks, results, 'must pass after the solution'),
  )
}

/** Lets the wrong fix have its effect, then looks: the check that it names must fail. */
async function proveWrongFix(lab: Lab, script: Lab['wrongFixes'][number], site: Site, signal: AbortSignal): Promise<readonly string[]> {
  await runScript(site.cluster, script, `wrong-fixes/${script.name}.sh`, lab.id, signal)
  const { grader } = observe(lab, site)
  try {
    const { settle, solved } = lab.file.test
    for (const began = performance.now(); performance.now() - began < solved * 1000; ) {
      await sleep(50, undefined, { signal })
      if (grader.quietFor() >= settle * 1000 && performance.now() - began >= settle * 1000) break
    }
    await grader.checkNow()
    const result = grader.results().get(script.caughtBy)
    if (result?.state === 'failed') return []
    return [`the check ${script.caughtBy} must fail, but it is ${result?.state ?? 'pending'} (${result?.evidence?.seen ?? 'no result'})`]
  } finally {
    grader.close()
  }
}

function observe(lab: Lab, site: Site): { grader: Grader; onResult: (listener: () => void) => () => void } {
  const listeners = new Set<() => void>()
  const grader = startGrader({
    checks: checksOf(lab),
    scene: site,
    // As if a learner were looking: the slow tries count too.
    watched: () => true,
    onResult: () => {
      for (const listener of listeners) listener()
    },
  })
  return {
    grader,
    onResult: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

async function watchUntil(
  lab: Lab,
  site: Site,
  met: (results: Results) => boolean,
  timeoutMs: number,
  signal: AbortSignal,
  explain: (results: Results) => readonly string[],
): Promise<readonly string[]> {
  const { grader, onResult } = observe(lab, site)
  try {
    const done = await awaitResults(grader.results, onResult, met, timeoutMs, signal)
    return done ? [] : explain(grader.results())
  } finally {
    grader.close()
  }
}

function failures(checks: readonly Check[], results: Results, wish: string): readonly string[] {
  return checks.flatMap((check) => {
    const result = results.get(check.id)
    if (result?.state === 'passed') return []
    return [`the check ${check.id} ${wish}, but it is ${result?.state ?? 'pending'} (${result?.evidence?.seen ?? 'no result in time'})`]
  })
}
