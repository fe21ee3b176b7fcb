import { SelectorError, type Token, tokens } from './tokens.ts'

export type Labels = Readonly<Record<string, string>>

/** A selector of Calico's language, as libcalico-go/lib/selector reads it. */
export interface Selector {
  /** In canonical form, from which ids are made. */
  readonly text: string
  readonly matches: (labels: Labels) => boolean
}

/** Throws SelectorError. An empty text selects everything. `prefix` is put before each label. */
export function parseSelector(text: string, prefix = ''): Selector {
  const reader = new Reader(tokens(text), prefix)
  if (reader.next().kind === 'end') return everything
  const selector = reader.either()
  if (reader.next().kind !== 'end')
    throw new SelectorError(`unexpected content at end of selector [${reader.next().value ?? reader.next().kind}]`)
  return selector
}

const everything: Selector = { text: 'all()', matches: () => true }

class Reader {
  readonly #tokens: readonly Token[]
  readonly #prefix: string
  #at = 0

  constructor(list: readonly Token[], prefix: string) {
    this.#tokens = list
    this.#prefix = prefix
  }

  next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end' }
  }

  either(): Selector {
    const parts = [this.#both()]
    while (this.#skip('||')) parts.push(this.#both())
    if (parts.length === 1) return parts[0]!
    return { text: `(${parts.map((part) => part.text).join(' || ')})`, matches: (labels) => parts.some((part) => part.matches(labels)) }
  }

  #both(): Selector {
    const parts = [this.#term()]
    while (this.#skip('&&')) parts.push(this.#term())
    if (parts.length === 1) return parts[0]!
    return { text: `(${parts.map((part) => part.text).join(' && ')})`, matches: (labels) => parts.every((part) => part.matches(labels)) }
  }

  #term(): Selector {
    let negated = false
    while (this.#skip('!')) negated = !negated
    const term = this.#plain()
    return negated ? { text: `!${term.text}`, matches: (labels) => !term.matches(labels) } : term
  }

  #plain(): Selector {
    const token = this.#take()
    const label = this.#prefix + (token.value ?? '')
    switch (token.kind) {
      case 'has':
        return { text: `has(${label})`, matches: (labels) => labels[label] !== undefined }
      case 'all':
      case 'global':
        return { text: `${token.kind}()`, matches: () => true }
      case '(': {
        const inner = this.either()
        if (!this.#skip(')')) throw new SelectorError('expected )')
        return inner
      }
      case 'label':
        return this.#comparison(label)
      default:
        throw new SelectorError(`unexpected token: ${token.value ?? token.kind}`)
    }
  }

  #comparison(label: string): Selector {
    const operator = this.#take().kind
    if (operator === 'in' || operator === 'not in') {
      const values = new Set(this.#set())
      const list = [...values].sort().map(quoted).join(', ')
      const wanted = operator === 'in'
      return {
        text: `${label} ${operator} {${list}}`,
        matches: ({ [label]: value }) => (value === undefined ? !wanted : values.has(value) === wanted),
      }
    }
    const test = comparisons[operator]
    if (!test)
      throw new SelectorError(operator === 'end' ? 'unexpected end of string looking for op' : `expected == or != not: ${operator}`)
    const { kind, value = '' } = this.#take()
    if (kind !== 'string') throw new SelectorError(kind === 'end' ? 'unexpected end of string looking for op' : 'expected string')
    return { text: `${label} ${operator} ${quoted(value)}`, matches: (labels) => test(labels[label], value) }
  }

  #set(): string[] {
    if (!this.#skip('{')) throw new SelectorError('expected set literal')
    const values: string[] = []
    while (this.next().kind === 'string') {
      values.push(this.#take().value ?? '')
      if (!this.#skip(',')) break
    }
    if (!this.#skip('}')) throw new SelectorError('expected }')
    return values
  }

  #take(): Token {
    const token = this.next()
    this.#at++
    return token
  }

  #skip(kind: Token['kind']): boolean {
    if (this.next().kind !== kind) return false
    this.#at++
    return true
  }
}

/** What is not there differs from every value. */
const comparisons: Partial<Record<Token['kind'], (there: string | undefined, value: string) => boolean>> = {
  '==': (there, value) => there === value,
  '!=': (there, value) => there !== value,
  contains: (there, value) => there?.includes(value) ?? false,
  'starts with': (there, value) => there?.startsWith(value) ?? false,
  'ends with': (there, value) => there?.endsWith(value) ?? false,
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`
}
