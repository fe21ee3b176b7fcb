import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterEngine } from '../engines/engine.ts'
import { allPass, type Results } from '../grading/await-results.ts'
import { kubeClient } from '../kubernetes/client.ts'
import { type Check, checksOf, healthySpecOf, type Lab, type Script } from '../labs/lab.ts'
import { messageOf } from '../refused.ts'
import { runScript } from './pour.ts'
import { breakSite, closeSite, observe, openSite, type Site, watchUntil } from './site.ts'

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
      site = await openSite(lab, engine, signal, healthySpecOf(lab, 1))
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
      if (healthySpecOf(lab, 1) !== undefined) {
        // The cluster itself is at fault: the world is poured anew into one as the learner gets it.
        await closeSite(site)
        site = undefined
        site = await openSite(lab, engine, signal)
      }
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

function required(site: Site | undefined): Site {
  if (site === undefined) throw new Error('there is no cluster')
  return site
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

function failures(checks: readonly Check[], results: Results, wish: string): readonly string[] {
  return checks.flatMap((check) => {
    const result = results.get(check.id)
    if (result?.state === 'passed') return []
    return [`the check ${check.id} ${wish}, but it is ${result?.state ?? 'pending'} (${result?.evidence?.seen ?? 'no result in time'})`]
  })
}
