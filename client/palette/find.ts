import type { Command } from './commands.ts'

/** Commands whose title has every word of the query; those where a word of the title starts with the first come first. */
export function findCommands(all: readonly Command[], query: string): readonly Command[] {
  const listed = all.filter((command) => command.listed !== false)
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const first = words[0]
  if (first === undefined) return listed
  const found = listed.filter((command) => words.every((word) => command.title.toLowerCase().includes(word)))
  const starts = (command: Command) =>
    command.title
      .toLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(first))
  return [...found.filter(starts), ...found.filter((command) => !starts(command))]
}
