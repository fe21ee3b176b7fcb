import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { ClusterEngine } from '../engines/engine.ts'
import type { Baseline } from '../grading/baseline.ts'
import type { Lab } from '../labs/lab.ts'
import { breakSite, closeSite, openSite } from './site.ts'

/** An armed lab that its engine can fork at once. */
export interface PreparedLab {
  /** Of the engine's template. */
  readonly key: string
  readonly baseline: Baseline
}

/** Labs that stand armed before anybody asks for them, on engines that can keep a moment of a cluster. */
export interface PreparedLabs {
  find(lab: Lab, engine: ClusterEngine): PreparedLab | undefined
  /** Prepares the labs one after another, so that people who are working are not slowed down. One that fails is poured when it is asked for. */
  prepare(labs: readonly Lab[], engines: readonly ClusterEngine[], onTrouble: (error: unknown) => void): Promise<void>
  close(): void
}

export function prepareLabs(): PreparedLabs {
  const baselines = new Map<string, Baseline>()
  const life = new AbortController()
  setMaxListeners(0, life.signal)

  async function prepareOne(lab: Lab, engine: ClusterEngine): Promise<void> {
    const { templates } = engine
    if (templates === undefined) return
    const key = keyOf(lab)
    const site = await openSite(lab, engine, life.signal)
    try {
      const problems = await breakSite(lab, site, life.signal)
      if (problems.length > 0) throw new Error(`the lab ${lab.id} could not be prepared: ${problems.join('; ')}`)
      await templates.keep(site.cluster.id, key)
      baselines.set(key, site.baseline)
    } finally {
      await closeSite(site)
    }
  }

  return {
    find(lab, engine) {
      const key = keyOf(lab)
      const baseline = baselines.get(key)
      return baseline !== undefined && engine.templates?.has(key) ? { key, baseline } : undefined
    },
    async prepare(labs, engines, onTrouble) {
      for (const lab of labs) {
        for (const engine of engines) {
          if (life.signal.aborted) return
          if (!lab.file.engines.includes(engine.name)) continue
          await prepareOne(lab, engine).catch((error: unknown) => life.signal.aborted || onTrouble(error))
        }
      }
    },
    close: () => life.abort(new Error('the server is closing')),
  }
}

/** By content: a lab that was changed is another. */
function keyOf(lab: Lab): string {
  return `${lab.id}-${createHash('sha256').update(JSON.stringify(lab)).digest('hex').slice(0, 16)}`
}
