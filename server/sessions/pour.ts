import type { Cluster } from '../engines/engine.ts'
import { type Baseline, takeBaseline } from '../grading/baseline.ts'
import type { KubeClient } from '../kubernetes/client.ts'
import { applyManifests } from '../kubernetes/manifests.ts'
import { nameOf } from '../kubernetes/object.ts'
import { awaitReady } from '../kubernetes/readiness.ts'
import { checksOf, type Lab, type Script } from '../labs/lab.ts'
import { messageOf, Refused } from '../refused.ts'

/** Told as each step begins and ends. */
export type Stepper = <T>(name: string, run: () => Promise<T>) => Promise<T>

/** Pours the healthy world of a lab into a cluster and waits until it is ready. Resolves with what `untouched` compares with. */
export async function pourWorld(lab: Lab, kube: KubeClient, step: Stepper, signal: AbortSignal): Promise<Baseline> {
  await step('Set up the world of the lab', () =>
    applyManifests(kube, lab.world, signal).catch((error: unknown) => {
      if (signal.aborted) throw error
      throw new Refused('world-refused', `The cluster did not take the world of the lab ${lab.id}: ${messageOf(error)}.`, {
        mend: `The lab is at fault: \`faultline lab test ${lab.id}\` shows where.`,
        status: 500,
        cause: error,
      })
    }),
  )
  return step('Wait until all of it is ready', async () => {
    await awaitReady(kube, lab.world, lab.file.test.ready * 1000, signal)
    return takeBaseline(kube, checksOf(lab), signal)
  })
}

/** Breaks the world: the lab's manifests and scripts, in the order of their file names. */
export async function injectFault(lab: Lab, cluster: Cluster, kube: KubeClient, signal: AbortSignal): Promise<void> {
  for (const step of lab.fault) {
    if ('script' in step) {
      await runScript(cluster, step.script, `fault/${step.file}`, lab.id, signal)
      continue
    }
    // In order: a fault may patch what it has just made.
    for (const object of step.objects) {
      await kube.merge(object, signal).catch((error: unknown) => {
        if (signal.aborted) throw error
        const what = `fault/${step.file} of the lab ${lab.id}: ${nameOf(object)}: ${messageOf(error)}`
        throw new Refused('fault-refused', `The cluster did not take ${what}.`, {
          mend: `Mend the manifest and run \`faultline lab test ${lab.id}\`.`,
          status: 500,
          cause: error,
        })
      })
    }
  }
}

/** Runs a script of a lab on the workstation; refuses with its output where it fails. */
export async function runScript(cluster: Cluster, script: Script, name: string, lab: string, signal: AbortSignal): Promise<void> {
  const { exitCode, output } = await cluster.runScript(script.text, script.files, signal)
  if (exitCode === 0) return
  throw new Refused(
    'script-failed',
    `${name} of the lab ${lab} ended with exit code ${exitCode}: ${output.trim().slice(-600) || '(no output)'}`,
    {
      mend: `Mend the script and run \`faultline lab test ${lab}\`.`,
      status: 500,
    },
  )
}
