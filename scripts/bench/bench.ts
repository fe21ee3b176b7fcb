import { api } from './api.ts'
import { clusters } from './clusters.ts'
import type { Measurement } from './measure.ts'
import { page } from './page.ts'
import { policy } from './policy.ts'

/** `npm run bench [name…]`: prints the figures as JSON. Nothing here fails on a slow machine; that is for the reader to judge. */
const benches: Readonly<Record<string, () => Promise<Measurement[]>>> = { clusters, api, policy, page }

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
console.log(
  JSON.stringify(
    { node: process.version, platform: `${process.platform} ${process.arch}`, at: new Date().toISOString(), results },
    undefined,
    2,
  ),
)
process.exit(0)
