import { Failure, PlainFailure } from './failure.ts'
import type { Flag } from './flags.ts'
import { bareValue } from './flags.ts'
import type { Verb } from './verb.ts'

export interface Found {
  readonly verb: Verb
  readonly path: string
  /** The words without the command's own. */
  readonly rest: string[]
}

/** Walks down the tree of commands, past flags that stand between; after cobra's `Find`. Throws `unknown command` for the root only. */
export function findVerb(root: Verb, words: readonly string[], globals: readonly Flag[]): Found {
  let verb = root
  let path = root.name
  let rest = [...words]
  for (;;) {
    const at = firstArgument(rest, [...(verb.flags ?? []), ...globals])
    if (!verb.children || at < 0) break
    const word = rest[at] as string
    const child = verb.children.find((one) => one.name === word || one.aliases?.includes(word))
    if (!child) {
      if (verb === root && words[0]?.startsWith('-'))
        throw new PlainFailure(`Error: flags cannot be placed before plugin name: ${words[0]}`)
      if (verb === root) throw new Failure(`unknown command ${JSON.stringify(word)} for "kubectl"${suggestions(root, word)}`)
      break
    }
    rest = rest.filter((_, index) => index !== at)
    verb = child
    path += ` ${child.name}`
  }
  return { verb, path, rest }
}

function firstArgument(words: readonly string[], flags: readonly Flag[]): number {
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string
    if (word === '--') return -1
    if (!word.startsWith('-') || word === '-') return at
    if (word.includes('=')) continue
    const flag = word.startsWith('--')
      ? flags.find((one) => one.name === word.slice(2))
      : word.length === 2
        ? flags.find((one) => one.short === word[1])
        : undefined
    const alone =
      word.startsWith('--') || word.length === 2 ? (flag ? bareValue(flag) !== undefined : word === '--help' || word === '-h') : true
    if (!alone) at++
  }
  return -1
}

function suggestions(root: Verb, word: string): string {
  const near = (root.children ?? []).filter(
    (child) =>
      distance(word.toLowerCase(), child.name.toLowerCase()) <= 2 ||
      child.name.toLowerCase().startsWith(word.toLowerCase()) ||
      child.suggestFor?.some((one) => one.toLowerCase() === word.toLowerCase()),
  )
  return near.length === 0 ? '' : `\n\nDid you mean this?\n${near.map((child) => `\t${child.name}\n`).join('')}`
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length] as number
}
