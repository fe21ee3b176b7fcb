import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Plugin } from '../../../simulator/bootstrap/spec.ts'
import { ninePods } from './testing/nine-pods.ts'
import { type Enforcement, type TruthTable, wrongAnswers } from './testing/truth-tables.ts'

const tables = (name: string) =>
  parse(readFileSync(new URL(`../../../simulator/network-policy/testing/${name}.yaml`, import.meta.url), 'utf8')) as TruthTable[]
const cases = tables('cases')
const calicoCases = tables('calico-cases')

/** weave-npc rejects a policy with a named port whole: nobody is isolated by it. */
const rejected = [{}, {}]

/** Which plugins enforce, as their own documentation and sources say. */
const plugins: Readonly<Record<Plugin, Enforcement>> = {
  kindnet: { enforces: true },
  flannel: { enforces: false },
  calico: { enforces: true },
  cilium: { enforces: true, deviations: Object.fromEntries(tables('cilium-deviations').map(({ name, steps }) => [name, steps])) },
  weave: {
    enforces: true,
    deviations: {
      'a named port': rejected,
      'a named port for a namespace only': rejected,
      'a named port of another protocol is another port': rejected,
      "a named port in egress is the destination's": rejected,
      'named and numbered ports together': rejected,
      // It knows an API without endPort, so that of 70 to 80 only 70 is allowed.
      'endPort in egress': [{ deny: ['x/a > *'] }, { deny: ['x/a > *'] }],
    },
  },
}

describe.each(Object.entries(plugins) as [Plugin, Enforcement][])('NetworkPolicy on %s', (cni, { enforces, deviations = {} }) => {
  it(`passes ${cases.length} truth tables with real connections`, async () => {
    const world = await ninePods(cni)
    const wrong = wrongAnswers(world, cases, { enforces, deviations })
    expect(wrong).toEqual([])
    expect(Object.keys(deviations).filter((name) => !cases.some((one) => one.name === name))).toEqual([])
    expect(world.defects).toEqual([])
  }, 60_000)
})

describe("Calico's own policies", () => {
  it(`pass ${calicoCases.length} truth tables with real connections`, async () => {
    const world = await ninePods('calico')
    expect(wrongAnswers(world, calicoCases, { enforces: true })).toEqual([])
    expect(world.defects).toEqual([])
  }, 60_000)
})
