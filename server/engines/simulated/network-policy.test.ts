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

interface Case {
  name: string
  steps: Look[]
}

const read = (file: string) =>
  parse(readFileSync(new URL(`../../../simulator/network-policy/testing/${file}`, import.meta.url), 'utf8')) as Case[]

const cases = read('cases.yaml')

/** Where a plugin differs, by its own documentation. */
const deviations: Partial<Record<Plugin, Case[]>> = { cilium: read('cilium-deviations.yaml') }

/** Which plugins enforce, as their own documentation says; what does not enforce leaves all open. */
const plugins: Readonly<Record<Plugin, boolean>> = { kindnet: true, flannel: false, calico: true, cilium: true }

describe.each(Object.entries(plugins) as [Plugin, boolean][])('NetworkPolicy on %s', (cni, enforces) => {
  it(`passes ${cases.length} truth tables with real connections`, async () => {
    const world = await ninePods(cni)
    const wrong: string[] = []
    const differing = deviations[cni] ?? []
    expect(differing.filter(({ name }) => !cases.some((one) => one.name === name))).toEqual([])
    for (const { name, steps } of cases) {
      const own = differing.find((one) => one.name === name)?.steps
      for (const [index, step] of steps.entries()) {
        const answer = own?.[index] ?? step
        world.apply(step)
        const open = world.open(step.port ?? 80, step.protocol ?? 'TCP')
        for (const from of pods) {
          for (const to of pods) {
            const expected = from === to || !enforces || reachable(answer, from, to)
            const actual = open.has(`${from} > ${to}`)
            if (actual !== expected) wrong.push(`${name}, step ${index + 1}: ${from} > ${to} is ${actual ? 'open' : 'closed'}`)
          }
        }
        world.undo(step)
      }
    }
    expect(wrong).toEqual([])
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
