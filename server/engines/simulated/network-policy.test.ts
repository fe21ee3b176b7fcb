import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Plugin } from '../../../simulator/bootstrap/spec.ts'
import { ninePods } from './testing/nine-pods.ts'
import { type TruthTable, wrongAnswers } from './testing/truth-tables.ts'

const tables = (name: string) =>
  parse(readFileSync(new URL(`../../../simulator/network-policy/testing/${name}.yaml`, import.meta.url), 'utf8')) as TruthTable[]
const cases = tables('cases')
const calicoCases = tables('calico-cases')

/** Which plugins enforce, as their own documentation says; what does not enforce leaves all open. */
const plugins: Readonly<Record<Plugin, boolean>> = { kindnet: true, flannel: false, calico: true }

describe.each(Object.entries(plugins) as [Plugin, boolean][])('NetworkPolicy on %s', (cni, enforces) => {
  it(`passes ${cases.length} truth tables with real connections`, async () => {
    const world = await ninePods(cni)
    const wrong = wrongAnswers(world, cases, enforces)
    expect(wrong).toEqual([])
    expect(world.defects).toEqual([])
  }, 60_000)
})

describe("Calico's own policies", () => {
  it(`pass ${calicoCases.length} truth tables with real connections`, async () => {
    const world = await ninePods('calico')
    expect(wrongAnswers(world, calicoCases, true)).toEqual([])
    expect(world.defects).toEqual([])
  }, 60_000)
})
