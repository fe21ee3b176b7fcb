/** A piece of a selector. Labels, `has` and strings have a value. */
export interface Token {
  readonly kind:
    | '('
    | ')'
    | '{'
    | '}'
    | ','
    | '!'
    | '&&'
    | '||'
    | '=='
    | '!='
    | 'in'
    | 'not in'
    | 'contains'
    | 'starts with'
    | 'ends with'
    | 'all'
    | 'global'
    | 'has'
    | 'label'
    | 'string'
    | 'end'
  readonly value?: string
}

/** Why a text is no selector, in the words of Calico's parser. */
export class SelectorError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SelectorError'
  }
}

const longestLabel = 512
const identifier = /^[\w./-]+/
const signs = ['(', ')', '{', '}', ',', '==', '!=', '!', '&&', '||'] as const
/** Half of an operator is no operator. */
const halves: Readonly<Record<string, string>> = { '=': 'expected ==', '&': 'expected &&', '|': 'expected ||' }
const operators = [
  ['contains', /^contains(?![\w./-])/],
  ['starts with', /^starts[ \t]*with[ \t]*(?![\w./-])/],
  ['ends with', /^ends[ \t]*with[ \t]*(?![\w./-])/],
  ['not in', /^not[ \t]*in[ \t]*(?![\w./-])/],
  ['in', /^in(?![\w./-])/],
] as const

/** After libcalico-go/lib/selector/tokenizer. Throws SelectorError. */
export function tokens(text: string): Token[] {
  const found: Token[] = []
  let rest = text.replace(/^[ \t]+/, '')
  const take = (length: number, token: Token) => {
    found.push(token)
    rest = rest.slice(length).replace(/^[ \t]+/, '')
  }
  while (rest !== '') {
    const first = rest[0]!
    const sign = signs.find((candidate) => rest.startsWith(candidate))
    if (sign) {
      take(sign.length, { kind: sign })
    } else if (halves[first]) {
      throw new SelectorError(halves[first])
    } else if (first === '"' || first === "'") {
      const end = rest.indexOf(first, 1)
      if (end < 0) throw new SelectorError('unterminated string')
      take(end + 1, { kind: 'string', value: rest.slice(1, end) })
    } else if (found.at(-1)?.kind === 'label') {
      const operator = operators.find(([, pattern]) => pattern.test(rest))
      if (!operator) throw new SelectorError(`expected operator after label ${JSON.stringify(found.at(-1)!.value)}`)
      take(operator[1].exec(rest)![0].length, { kind: operator[0] })
    } else word(rest, take)
  }
  return [...found, { kind: 'end' }]
}

/** A label, or one of the functions. */
function word(rest: string, take: (length: number, token: Token) => void): void {
  const call = /^(has|all|global)\([ \t]*/.exec(rest)
  if (!call) {
    const label = labelAt(rest)
    return take(label.length, { kind: 'label', value: label })
  }
  const name = call[1] as 'has' | 'all' | 'global'
  const label = name === 'has' ? labelAt(rest.slice(call[0].length)) : ''
  const close = /^[ \t]*\)/.exec(rest.slice(call[0].length + label.length))
  if (!close) throw new SelectorError(`no closing ')' after ${name}(`)
  take(call[0].length + label.length + close[0].length, name === 'has' ? { kind: name, value: label } : { kind: name })
}

function labelAt(text: string): string {
  const [label] = identifier.exec(text) ?? []
  if (label === undefined) throw new SelectorError('expected identifier')
  if (label.length > longestLabel) throw new SelectorError(`label too long: ${label}`)
  return label
}
