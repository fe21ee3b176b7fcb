import { randomBytes } from 'node:crypto'
import type { Cluster, ClusterEngine, ClusterSpec } from '../engines/engine.ts'
import { awaitResults, type Results, unarmed } from '../grading/await-results.ts'
import type { Baseline } from '../grading/baseline.ts'
import { type Grader, startGrader } from '../grading/grader.ts'
import { type KubeClient, kubeClient } from '../kubernetes/client.ts'
import { checksOf, clusterSpecOf, type Lab } from '../labs/lab.ts'
import { injectFault, pourWorld, type Stepper } from './pour.ts'

const plainStep: Stepper = (_name, run) => run()

/** A cluster with the lab's world in it. */
export interface Site {
  readonly cluster: Cluster
  kube: KubeClient
  readonly baseline: Baseline
}

/** A cluster of its own with the healthy world of a lab, ready. */
export async function openSite(
  lab: Lab,
  engine: ClusterEngine,
  signal: AbortSignal,
  spec: ClusterSpec = clusterSpecOf(lab, 1),
): Promise<Site> {
  const id = `test-${randomBytes(5).toString('hex')}`
  const cluster = await engine.create(id, spec, () => {}, signal, { hurry: true })
  try {
    const kube = await kubeClient(await cluster.kubeconfig('platform'))
    return { cluster, kube, baseline: await pourWorld(lab, kube, plainStep, signal) }
  } catch (error) {
    await cluster.destroy()
    throw error
  }
}

export async function closeSite(site: Site | undefined): Promise<void> {
  site?.kube.close()
  await site?.cluster.destroy()
}

/** Breaks the world and waits until it shows. Resolves with what keeps the lab from being armed; empty when it is. */
export async function breakSite(lab: Lab, site: Site, signal: AbortSignal): Promise<readonly string[]> {
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

/** Grades a site as a session would; close the grader. */
export function observe(lab: Lab, site: Site): { grader: Grader; onResult: (listener: () => void) => () => void } {
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

/** Grades a site until the results meet the condition, or explains after `timeoutMs` why they do not. */
export async function watchUntil(
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
