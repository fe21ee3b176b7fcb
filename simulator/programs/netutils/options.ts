/** A wrong use of a tool: `text` is written to standard error as it stands. */
export class UsageError extends Error {
  readonly status: number
  constructor(text: string, status = 1) {
    super(text)
    this.name = 'UsageError'
    this.status = status
  }
}

export interface Options {
  has(...names: string[]): boolean
  /** The last value given under any of the names. */
  value(...names: string[]): string | undefined
  all(...names: string[]): string[]
  /** Every occurrence in its order. */
  readonly given: readonly (readonly [string, string])[]
  readonly operands: readonly string[]
}

export interface OptionSyntax {
  /** As getopt: a letter followed by `:` takes an argument. A leading `+` ends options at the first operand. */
  readonly short: string
  /** Long names; with `:` at the end where they take an argument. */
  readonly long?: readonly string[]
  /** What is written for an unknown option (`-x`, `--x`) or one whose argument is missing. */
  unknown(option: string): string
  missing?(option: string): string
  readonly status?: number
}

/** Throws UsageError. */
export function parseOptions(words: readonly string[], syntax: OptionSyntax): Options {
  const given: [string, string][] = []
  const operands: string[] = []
  const status = syntax.status ?? 1
  const stops = syntax.short.startsWith('+')
  const missing = (option: string) => new UsageError((syntax.missing ?? syntax.unknown)(option), status)
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string
    if (word === '--') {
      operands.push(...words.slice(index + 1))
      break
    }
    if (word.startsWith('--')) {
      const [name = '', ...rest] = word.slice(2).split('=')
      const known = longName(syntax.long ?? [], name)
      if (known === undefined) throw new UsageError(syntax.unknown(`--${name}`), status)
      if (!known.endsWith(':')) given.push([known, ''])
      else {
        const value = word.includes('=') ? rest.join('=') : words[++index]
        if (value === undefined) throw missing(`--${name}`)
        given.push([known.slice(0, -1), value])
      }
    } else if (word.startsWith('-') && word !== '-') {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at] as string
        const position = letter === ':' || letter === '+' ? -1 : syntax.short.indexOf(letter)
        if (position < 0) throw new UsageError(syntax.unknown(`-${letter}`), status)
        if (syntax.short[position + 1] !== ':') given.push([letter, ''])
        else {
          const value = word.slice(at + 1) || words[++index]
          if (value === undefined) throw missing(`-${letter}`)
          given.push([letter, value])
          break
        }
      }
    } else {
      operands.push(word)
      if (stops) {
        operands.push(...words.slice(index + 1))
        break
      }
    }
  }
  const all = (names: string[]) => given.filter(([name]) => names.includes(name)).map(([, value]) => value)
  return {
    given,
    operands,
    has: (...names) => given.some(([name]) => names.includes(name)),
    value: (...names) => all(names).at(-1),
    all: (...names) => all(names),
  }
}

function longName(known: readonly string[], name: string): string | undefined {
  const exact = known.find((candidate) => candidate.replace(/:$/, '') === name)
  if (exact !== undefined) return exact
  const begun = known.filter((candidate) => candidate.startsWith(name))
  return begun.length === 1 ? begun[0] : undefined
}
