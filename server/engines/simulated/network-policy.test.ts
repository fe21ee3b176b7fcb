import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Plugin } from '../../../simulator/bootstrap/spec.ts'
import { ninePods, pods, type Step } from './testing/nine-pods.ts'

interface Look extends Step {
  port?: number
  protocol?: 'TCP' | 'UDP'
  deny?: string[]
  allow?: string[]
}

const cases = parse(readFileSync(new URL('../../../simulator/network-policy/testing/cases.yaml', import.meta.url), 'utf8')) as {
  name: string
  steps: Look[]
}[]

interface Enforcement {
  /** What does not enforce leaves all open. */
  enforces: boolean
  /** Where the real one does something else: by case, what each step denies and allows there. */
  deviations?: Readonly<Record<string, readonly Pick<Look, 'deny' | 'allow'>[]>>
}

/** weave-npc rejects a policy with a named port whole: nobody is isolated by it. */
const rejected = [{}, {}]

/** Which plugins enforce, as their own documentation and sources say. */
const plugins: Readonly<Record<Plugin, Enforcement>> = {
  kindnet: { enforces: true },
  flannel: { enforces: false },
  calico: { enforces: true },
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
    const wrong: string[] = []
    for (const { name, steps } of cases) {
      for (const [index, step] of steps.entries()) {
        world.apply(step)
        const said = { ...step, ...(deviations[name] && { deny: [], allow: [], ...deviations[name][index] }) }
        const open = world.open(step.port ?? 80, step.protocol ?? 'TCP')
        for (const from of pods) {
          for (const to of pods) {
            const expected = from === to || !enforces || reachable(said, from, to)
            const actual = open.has(`${from} > ${to}`)
            if (actual !== expected) wrong.push(`${name}, step ${index + 1}: ${from} > ${to} is ${actual ? 'open' : 'closed'}`)
          }
        }
        world.undo(step)
      }
    }
    expect(wrong).toEqual([])
    expect(Object.keys(deviations).filter((name) => !cases.some((one) => one.name === name))).toEqual([])
    expect(world.defects).toEqual([])
  }, 60_000)
})

function reachable({ deny = [], allow = [] }: Look, from: string, to: string): boolean {
  const fits = (pattern: string) => {
    const [left = '', right = ''] = pattern.split(' > ')
    const one = (glob: string, pod: string) => glob === '*' || glob === pod || (glob.endsWith('/*') && pod.startsWith(glob.slice(0, -1)))
    return one(left, from) && one(right, to)
  }
  return !deny.some(fits) || allow.some(fits)
}
