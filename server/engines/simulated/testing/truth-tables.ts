import { type ninePods, pods, type Step } from './nine-pods.ts'

interface Look extends Step {
  port?: number
  protocol?: 'TCP' | 'UDP'
  deny?: string[]
  allow?: string[]
}

/** What is reachable from where while certain policies stand; the form is told in simulator/network-policy/testing/cases.yaml. */
export interface TruthTable {
  name: string
  steps: Look[]
}

export interface Enforcement {
  /** What does not enforce leaves all open. */
  enforces: boolean
  /** Where the real one does something else: by case, what each step denies and allows there. */
  deviations?: Readonly<Record<string, readonly Pick<Look, 'deny' | 'allow'>[]>>
}

/** Tries every table with real connections. */
export function wrongAnswers(
  world: Awaited<ReturnType<typeof ninePods>>,
  cases: readonly TruthTable[],
  { enforces, deviations = {} }: Enforcement,
): string[] {
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
  return wrong
}

function reachable({ deny = [], allow = [] }: Look, from: string, to: string): boolean {
  const fits = (pattern: string) => {
    const [left = '', right = ''] = pattern.split(' > ')
    const one = (glob: string, pod: string) => glob === '*' || glob === pod || (glob.endsWith('/*') && pod.startsWith(glob.slice(0, -1)))
    return one(left, from) && one(right, to)
  }
  return !deny.some(fits) || allow.some(fits)
}
