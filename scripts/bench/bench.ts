import { loadavg } from 'node:os'
import { api } from './api.ts'
import { clusters } from './clusters.ts'
import { idle } from './idle.ts'
import { isMet, type Measurement } from './measure.ts'
import { page } from './page.ts'
import { policy } from './policy.ts'
import { servicesBench } from './services.ts'
import { terminal } from './terminal.ts'

/**
 * `npm run bench [name…]`: prints the figures as JSON. Nothing here fails on a slow machine; that is for the reader to judge.
 * Clusters are hosted in this thread, with the young generation that the server gives its threads (`thread.ts`).
 */
const benches: Readonly<Record<string, () => Promise<Measurement[]>>> = {
  clusters,
  api,
  terminal,
  idle,
  policy,
  services: servicesBench,
  page,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
  process.exit(2)
}
const results: Measurement[] = []
for (const [name, run] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  results.push(...(await run()))
}
const judged = results.map((one) => ({ ...one, met: isMet(one) }))
const missed = judged.filter(({ met }) => met === false).map(({ name }) => name)
console.log(
  JSON.stringify(
    {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      at: new Date().toISOString(),
      load: loadavg(),
      results: judged,
      missed,
    },
    undefined,
    2,
  ),
)
process.exit(0)
