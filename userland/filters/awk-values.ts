import { formatFloat, formatPrintf } from '../posix/printf.ts'
import { ToolError } from '../posix/tool.ts'

/** A string that came from input: a number too where it looks like one (POSIX "strnum"). */
export class Input {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
export type Value = number | string | Input | undefined
export type Cells = Map<string, Value>

/** `next`, `break`, `exit` and the like on their way up. */
export class Flow extends Error {
  readonly kind: 'next' | 'break' | 'continue' | 'exit' | 'return'
  readonly value: Value
  constructor(kind: Flow['kind'], value?: Value) {
    super(kind)
    this.kind = kind
    this.value = value
  }
}

const looksNumeric = (text: string) => /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text)

export function toNumber(value: Value): number {
  if (typeof value === 'number') return value
  if (value === undefined) return 0
  const text = value instanceof Input ? value.text : value
  return Number(/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(text)?.[0] ?? '0')
}

export function isNumeric(value: Value): boolean {
  return typeof value === 'number' || value === undefined || (value instanceof Input && looksNumeric(value.text))
}

/** A number as text: whole ones as they are, others by CONVFMT or OFMT. */
export function formatNumber(value: number, format: string): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e16 ? `${value}` : value.toFixed(0)
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  return format === '%.6g' ? formatFloat('g', value) : formatPrintf(format, [`${value}`]).text
}

export function toText(value: Value, format: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Input) return value.text
  return value === undefined ? '' : formatNumber(value, typeof format === 'string' ? format : '%.6g')
}

/** `printf` and `sprintf`: `values[0]` is the format itself. */
export function formatValues(format: string, values: readonly Value[], text: (value: Value) => string): string {
  // In awk %c of a number is the character, and %d takes a fraction.
  const conversions = [...format.matchAll(/%(?:%|[-+ #0]*(\*|\d*)(?:\.(\*|\d*))?([a-zA-Z]))/g)].filter(([whole]) => whole !== '%%')
  const operands: string[] = []
  let at = 1
  for (const [, width, precision, letter] of conversions) {
    if (width === '*') operands.push(`${toNumber(values[at++])}`)
    if (precision === '*') operands.push(`${toNumber(values[at++])}`)
    const value = values[at++]
    if (letter === 'c') operands.push(typeof value === 'number' ? String.fromCodePoint(value) : text(value))
    else if (/[diouxX]/.test(letter as string)) operands.push(`${Math.trunc(toNumber(value))}`)
    else operands.push(letter === 's' ? text(value) : `${toNumber(value)}`)
  }
  // formatPrintf would start over with operands left; awk does not, and escapes are done already.
  return formatPrintf(format.replaceAll('\\', '\\\\'), operands).text
}

export function arithmetic(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
    case '%':
      if (right === 0) throw new ToolError(`division by zero${operator === '%' ? ' in %' : ''}`, 2)
      return operator === '/' ? left / right : left % right
    default:
      return left ** right
  }
}

/** The functions of awk that need nothing but their arguments. */
export function callPlain(name: string, values: readonly Value[], asText: (value: Value) => string): Value {
  const text = asText(values[0])
  const number = toNumber(values[0])
  switch (name) {
    case 'length':
      return [...text].length
    case 'substr': {
      const from = Math.round(toNumber(values[1]))
      const to = values.length > 2 ? from + Math.round(toNumber(values[2])) : Number.POSITIVE_INFINITY
      return [...text].slice(Math.max(0, from - 1), Math.max(0, to - 1)).join('')
    }
    case 'index':
      return text.indexOf(asText(values[1])) + 1
    case 'tolower':
      return text.toLowerCase()
    case 'toupper':
      return text.toUpperCase()
    case 'int':
      return Math.trunc(number)
    case 'sqrt':
      return Math.sqrt(number)
    case 'exp':
      return Math.exp(number)
    case 'log':
      return Math.log(number)
    case 'sin':
      return Math.sin(number)
    case 'cos':
      return Math.cos(number)
    case 'atan2':
      return Math.atan2(number, toNumber(values[1]))
    case 'srand':
    case 'close':
      return 0
    case 'fflush':
      return 0
    default:
      throw new ToolError(`calling undefined function ${name}`, 2)
  }
}
