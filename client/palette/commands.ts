import { useEffect, useRef } from 'react'
import { createStore } from '../app/store.ts'
import type { Chord } from './shortcuts.ts'

/** What stands first in the palette: what the view is for, then its terminals, then what every page has. */
export type CommandRank = 'view' | 'terminal' | 'page'
const ranks: readonly CommandRank[] = ['view', 'terminal', 'page']

export interface RankedCommand extends Command {
  readonly rank: CommandRank
}

export interface Command {
  readonly id: string
  readonly title: string
  readonly keys?: Chord
  /** False keeps it out of the palette; its chord works all the same. */
  readonly listed?: boolean
  readonly run: () => void
}

/** The commands of all views that are now on the page, by rank. */
export const commands = createStore<readonly RankedCommand[]>([])

/** Offers commands while the calling view is shown. What runs is always the latest `run` of that id. */
export function useCommands(offered: readonly Command[], rank: CommandRank = 'view') {
  const latest = useRef(offered)
  latest.current = offered
  const shape = offered.map((command) => `${command.id}\n${command.title}\n${command.keys ?? ''}`).join('\n\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape stands for the commands; their functions are read when run
  useEffect(() => {
    const mine = latest.current.map((command) => ({
      ...command,
      rank,
      run: () => latest.current.find((other) => other.id === command.id)?.run(),
    }))
    commands.set([...commands.get(), ...mine].toSorted((one, other) => ranks.indexOf(one.rank) - ranks.indexOf(other.rank)))
    return () => commands.set(commands.get().filter((command) => !mine.includes(command)))
  }, [shape, rank])
}
