import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { plugins } from '../../../../simulator/bootstrap/spec.ts'
import type { ClusterSnapshot } from '../../../../simulator/cluster/cluster.ts'
import { goldenPath } from './goldens.ts'
import { type Expected, symptoms } from './matrix.ts'
import { play, prepared } from './play.ts'

const here = (path: string) => new URL(path, import.meta.url)
/** A line of a trace that was broken is one again. */
const unbroken = (text: string) => text.replace(/\n\s+/g, ' ')

describe.each(plugins)('symptoms on %s', (plugin) => {
  let from: ClusterSnapshot
  beforeAll(async () => {
    from = await prepared(plugin)
  })

  it.each(symptoms.map((symptom) => [symptom.name, symptom] as const))('%s', async (name, symptom) => {
    const { text, said, defects } = await play(plugin, from, symptom)
    const expected: Expected = { ...symptom.expects, ...symptom.expectsOn?.[plugin] }
    for (const client of Object.keys(expected) as (keyof Expected)[]) expect(unbroken(said[client]), client).toContain(expected[client])
    expect(defects).toEqual([])
    const golden = here(goldenPath(plugin, name))
    expect(text, '`npm run update` writes it').toBe(existsSync(golden) ? readFileSync(golden, 'utf8') : '')
  })
})

it('has a golden for every symptom and plugin, no other, and a source for each', () => {
  const found = readdirSync(here('golden'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.txt'))
  expect(found.map((path) => `golden/${path}`).sort()).toEqual(
    plugins.flatMap((plugin) => symptoms.map(({ name }) => goldenPath(plugin, name))).sort(),
  )
  for (const { name, sources } of symptoms) {
    expect(sources.length, name).toBeGreaterThan(0)
    for (const { where } of sources) expect(where).toMatch(/^https:\/\//)
  }
})
