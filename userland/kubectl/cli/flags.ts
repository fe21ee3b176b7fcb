import { Failure } from './failure.ts'

export type FlagKind = 'bool' | 'string' | 'int' | 'duration' | 'list' | 'array' | 'count'

export interface Flag {
  readonly name: string
  readonly short?: string
  /** `list` splits at commas and may be repeated, `array` is repeated as it is. */
  readonly kind: FlagKind
  /** Default in its text form. */
  readonly value?: string
  /** What the flag means when it stands alone; such a flag takes a value only after `=`. */
  readonly bare?: string
  readonly about: string
}

export const bool = (name: string, about: string, short?: string, value = 'false'): Flag => ({ name, short, kind: 'bool', value, about })
export const text = (name: string, about: string, short?: string, value = ''): Flag => ({ name, short, kind: 'string', value, about })
export const int = (name: string, about: string, short?: string, value = '0'): Flag => ({ name, short, kind: 'int', value, about })
export const duration = (name: string, about: string, short?: string, value = '0s'): Flag => ({
  name,
  short,
  kind: 'duration',
  value,
  about,
})
export const list = (name: string, about: string, short?: string): Flag => ({ name, short, kind: 'list', value: '[]', about })
export const array = (name: string, about: string, short?: string): Flag => ({ name, short, kind: 'array', value: '[]', about })

/** The values that a command line gave to a command's flags. Asking for a flag the command does not have is a mistake in the program. */
export class Flags {
  readonly #known: ReadonlyMap<string, Flag>
  readonly #given = new Map<string, string[]>()

  constructor(known: ReadonlyMap<string, Flag>) {
    this.#known = known
  }

  has(name: string): boolean {
    return this.#known.has(name)
  }
  /** The value of a global flag; '' where the command has a list of that name of its own (`create rolebinding --user`). */
  global(name: string): string {
    return this.#flag(name).kind === 'string' ? this.text(name) : ''
  }
  changed(name: string): boolean {
    return this.#given.has(name)
  }
  text(name: string): string {
    return this.#given.get(name)?.at(-1) ?? this.#flag(name).value ?? ''
  }
  bool(name: string): boolean {
    return parseBool(this.text(name)) ?? false
  }
  number(name: string): number {
    return Number(this.text(name))
  }
  /** ms */
  duration(name: string): number {
    return parseDuration(this.text(name)) ?? 0
  }
  list(name: string): string[] {
    const given = this.#given.get(name) ?? []
    return this.#flag(name).kind === 'list' ? given.flatMap((value) => (value === '' ? [] : value.split(','))) : [...given]
  }
  set(name: string, value: string): void {
    const values = this.#given.get(name)
    if (values) values.push(value)
    else this.#given.set(name, [value])
  }

  #flag(name: string): Flag {
    const flag = this.#known.get(name)
    if (!flag) throw new Error(`kubectl: the command declares no flag --${name}`)
    return flag
  }
}

export interface ParsedLine {
  readonly flags: Flags
  readonly args: string[]
  /** How many arguments stood before `--`; -1 without one. */
  readonly dash: number
}

/** A command line after the command's own words. Throws `Failure` in pflag's words. */
export function parseFlags(words: readonly string[], known: readonly Flag[]): ParsedLine {
  const byName = new Map(known.map((flag) => [flag.name, flag]))
  const byShort = new Map(known.filter((flag) => flag.short).map((flag) => [flag.short as string, flag]))
  const flags = new Flags(byName)
  const args: string[] = []
  let dash = -1
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string
    if (word === '--') {
      dash = args.length
      args.push(...words.slice(at + 1))
      break
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals)
      if (name === '' || name.startsWith('-') || name.startsWith('=')) throw new Failure(`bad flag syntax: ${word}`)
      const flag = byName.get(name)
      if (!flag) throw new Failure(`unknown flag: --${name}`)
      if (equals >= 0) give(flags, flag, word.slice(equals + 1))
      else if (bareValue(flag) !== undefined) give(flags, flag, bareValue(flag) as string)
      else if (at + 1 < words.length) give(flags, flag, words[++at] as string)
      else throw new Failure(`flag needs an argument: --${name}`)
    } else if (word.startsWith('-') && word.length > 1) {
      at += parseShorts(word, words[at + 1], byShort, flags)
    } else args.push(word)
  }
  return { flags, args, dash }
}

/** Returns how many further words were taken. */
function parseShorts(word: string, next: string | undefined, byShort: ReadonlyMap<string, Flag>, flags: Flags): number {
  let rest = word.slice(1)
  while (rest !== '') {
    const letter = rest[0] as string
    const flag = byShort.get(letter)
    if (!flag) throw new Failure(`unknown shorthand flag: '${letter}' in -${rest}`)
    if (rest.length > 2 && rest[1] === '=') {
      give(flags, flag, rest.slice(2))
      return 0
    }
    const bare = bareValue(flag)
    if (bare !== undefined) {
      give(flags, flag, bare)
      rest = rest.slice(1)
      continue
    }
    if (rest.length > 1) {
      give(flags, flag, rest.slice(1))
      return 0
    }
    if (next === undefined) throw new Failure(`flag needs an argument: '${letter}' in -${rest}`)
    give(flags, flag, next)
    return 1
  }
  return 0
}

/** What the flag means when no value follows; undefined where it takes the next word. */
export function bareValue(flag: Flag): string | undefined {
  return flag.bare ?? (flag.kind === 'bool' ? 'true' : undefined)
}

function give(flags: Flags, flag: Flag, value: string): void {
  const problem = flagProblem(flag, value)
  if (problem) {
    const shown = flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`
    throw new Failure(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${problem}`)
  }
  flags.set(flag.name, value)
}

function flagProblem(flag: Flag, value: string): string | undefined {
  if (flag.kind === 'bool' && parseBool(value) === undefined) return `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`
  if (flag.kind === 'int' && !/^[+-]?\d+$/.test(value)) return `strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`
  if (flag.kind === 'duration' && parseDuration(value) === undefined) {
    if (/^[+-]?[\d.]+$/.test(value)) return `time: missing unit in duration ${JSON.stringify(value)}`
    return `time: invalid duration ${JSON.stringify(value)}`
  }
  return undefined
}

export function parseBool(value: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false
  return undefined
}

const units: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A Go duration (`1h30m`, `0`) in ms; undefined where it is none. */
export function parseDuration(value: string): number | undefined {
  const sign = value.startsWith('-') ? -1 : 1
  const body = value.replace(/^[+-]/, '')
  if (body === '0') return 0
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(body)) return undefined
  let total = 0
  for (const [, amount, unit] of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * (units[unit as string] as number)
  return sign * total
}
