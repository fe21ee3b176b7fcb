import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Refused } from '../../refused.ts'
import type { Addon, Cni } from '../engine.ts'
import { createSimulatedEngine } from './engine.ts'

export interface SimulateOptions {
  readonly cni: string
  readonly nodes: number
  readonly kubernetes: string
  readonly seed: number
  readonly loadBalancers?: number | undefined
  readonly addons?: readonly string[]
  /** Where the kubeconfig is written. */
  readonly kubeconfig: string
}

/** A bare simulated cluster for stock clients: `line` says where it is and how long it took. Nothing of it outlives `close`. */
export async function simulate(options: SimulateOptions): Promise<{ line: string; close(): Promise<void> }> {
  const began = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'faultline-simulate-'))
  const engine = createSimulatedEngine({
    folder,
    report: ({ what, error }) => console.error(`faultline: ${what}: ${error instanceof Error ? error.message : String(error)}`),
  })
  const close = async () => {
    await engine.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const { nodes, kubernetes, seed, loadBalancers } = options
    const addons = (options.addons ?? []) as readonly Addon[]
    const spec = { nodes, cni: options.cni as Cni, kubernetes, seed, loadBalancers, ...(addons.length > 0 ? { addons } : {}) }
    const support = engine.supports(spec)
    if (!support.supported) throw new Refused(support.code, support.message, { mend: support.mend })
    const cluster = await engine.create('cluster', spec, () => {}, new AbortController().signal)
    try {
      await writeFile(options.kubeconfig, await cluster.kubeconfigText('learner'), { mode: 0o600 })
    } catch (error) {
      throw new Refused(
        'kubeconfig-unwritable',
        `The kubeconfig cannot be written to ${options.kubeconfig}: ${(error as Error).message}.`,
        { mend: 'Choose another file with --kubeconfig.' },
      )
    }
    const ms = Math.round(performance.now() - began)
    return {
      line: `Simulated cluster ready in ${ms} ms: ${options.nodes} nodes, ${[options.cni, ...addons].join(', ')}, Kubernetes ${options.kubernetes}; kubeconfig in ${options.kubeconfig}. Ctrl-C stops it.`,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
