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
  /** The lab as it stands armed, prepared now where it does not yet; undefined where the engine cannot, or the preparation failed. */
  take(lab: Lab, engine: ClusterEngine): Promise<PreparedLab | undefined>
  /** Prepares all of them one after another, so that people who are working are not slowed down. */
  prepare(labs: readonly Lab[], engines: readonly ClusterEngine[]): Promise<void>
  close(): void
}

/** `onTrouble` is told why a lab could not be prepared; whoever starts it then gets it poured, and the reason with it. */
export function prepareLabs(onTrouble: (error: unknown) => void): PreparedLabs {
  const labs = new Map<string, Promise<PreparedLab | undefined>>()
  const life = new AbortController()
  setMaxListeners(0, life.signal)

  async function prepareOne(lab: Lab, engine: ClusterEngine, key: string): Promise<PreparedLab | undefined> {
    const { templates } = engine
    if (templates === undefined || life.signal.aborted) return undefined
    const site = await openSite(lab, engine, life.signal)
    try {
      const problems = await breakSite(lab, site, life.signal)
      if (problems.length > 0) throw new Error(`the lab ${lab.id} could not be prepared: ${problems.join('; ')}`)
      await templates.keep(site.cluster.id, key)
      return { key, baseline: site.baseline }
    } finally {
      await closeSite(site)
    }
  }

  function take(lab: Lab, engine: ClusterEngine): Promise<PreparedLab | undefined> {
    const key = `${engine.name}/${keyOf(lab)}`
    const known = labs.get(key)
    if (known !== undefined) return known
    const preparing = prepareOne(lab, engine, key).catch((error: unknown) => {
      if (!life.signal.aborted) onTrouble(error)
      return undefined
    })
    labs.set(key, preparing)
    return preparing
  }

  return {
    take,
    async prepare(all, engines) {
      for (const lab of all) {
        for (const engine of engines) if (lab.file.engines.includes(engine.name)) await take(lab, engine)
      }
    },
    close: () => life.abort(new Error('the server is closing')),
  }
}

/** By content: a lab that was changed is another. */
function keyOf(lab: Lab): string {
  return `${lab.id}-${createHash('sha256').update(JSON.stringify(lab)).digest('hex').slice(0, 16)}`
}
