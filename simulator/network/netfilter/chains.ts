import type { Chain } from './rule.ts'

/**
 * The chains of a table by name, as plain data in two layers: a change copies the small one alone, however many chains there are, and
 * snapshots and forks share both. `null` in `changed` stands for a chain that is gone from `settled`.
 */
export interface Chains {
  readonly settled: Readonly<Record<string, Chain>>
  readonly changed: Readonly<Record<string, Chain | null>>
}

export interface EditableChains extends Chains {
  readonly changed: Record<string, Chain | null>
}

/** More changes than this and the layers become one when they are next copied. */
const mostChanges = 256

export function chainsOf(settled: Readonly<Record<string, Chain>>): Chains {
  return { settled, changed: {} }
}

export function chainIn({ settled, changed }: Chains, name: string): Chain | undefined {
  const chain = changed[name]
  return chain === undefined ? settled[name] : (chain ?? undefined)
}

/** Those of the first layer first. */
export function chainEntries({ settled, changed }: Chains): [name: string, chain: Chain][] {
  const entries = Object.entries(settled).flatMap(([name, chain]): [string, Chain][] => {
    const now = changed[name]
    return now === null ? [] : [[name, now ?? chain]]
  })
  for (const [name, chain] of Object.entries(changed)) if (chain && !(name in settled)) entries.push([name, chain])
  return entries
}

/** A copy whose `changed` belongs to the caller alone, who may edit it in place. */
export function editable(chains: Chains): EditableChains {
  if (Object.keys(chains.changed).length > mostChanges) return { settled: Object.fromEntries(chainEntries(chains)), changed: {} }
  return { settled: chains.settled, changed: { ...chains.changed } }
}

export function removeChain(chains: EditableChains, name: string): void {
  if (name in chains.settled) chains.changed[name] = null
  else delete chains.changed[name]
}
