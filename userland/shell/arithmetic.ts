import { ShellError } from './state.ts'

/** What an expression may read and change. */
export interface ArithmeticVariables {
  get(name: string, index?: string): string | undefined
  set(name: string, value: string, index?: string): void
}

const token =
  /\s*(\d+#[\w@]+|0[xX][\da-fA-F]+|\d+|[A-Za-z_]\w*|<<=|>>=|\*\*|\+\+|--|&&|\|\||[-+*/%&|^<>=!]=|<<|>>|[-+*/%&|^<>=!~?:,()[\]])/y
const binaryLevels = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!='], ['<=', '>=', '<', '>'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']]
const assignments = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>='])
const wrap = (value: bigint) => BigInt.asIntN(64, value)

type Value = { value: bigint; name?: string; index?: string }

/** Evaluates a shell arithmetic expression (bash's, which includes POSIX's) in 64-bit integers. Throws `ShellError`. */
export function evaluateArithmetic(text: string, variables: ArithmeticVariables, depth = 0): bigint {
  if (depth > 64) throw new ShellError(`${text}: expression recursion level exceeded`, 1, false)
  const tokens: string[] = []
  token.lastIndex = 0
  const source = text.trimEnd()
  while (token.lastIndex < source.length) {
    const at = token.lastIndex
    const match = token.exec(source)
    if (!match) {
      throw new ShellError(`${text.trim()}: syntax error: operand expected (error token is "${source.slice(at).trim()}")`, 1, false)
    }
    tokens.push(match[1] as string)
  }
  if (tokens.length === 0) return 0n
  let at = 0
  /** Zero where the branch is not taken: no side effects there. */
  let live = true
  const fail = (message: string): never => {
    const rest = tokens.slice(at).join(' ')
    throw new ShellError(`${text.trim()}: ${message} (error token is "${rest || tokens.at(-1)}")`, 1, false)
  }
  const number = (value: string | undefined): bigint => {
    if (value === undefined || value === '') return 0n
    if (/^\d+$|^0[xX]|^\d+#/.test(value)) return literal(value)
    return evaluateArithmetic(value, variables, depth + 1)
  }
  const literal = (digits: string): bigint => {
    const based = /^(\d+)#(\w+)$/.exec(digits)
    if (based) {
      const base = Number(based[1])
      let total = 0n
      for (const digit of (based[2] as string).toLowerCase()) {
        const value = Number.parseInt(digit, 36)
        if (!(value < base)) fail('value too great for base')
        total = total * BigInt(base) + BigInt(value)
      }
      return total
    }
    if (/^0\d+$/.test(digits)) {
      if (/[89]/.test(digits)) fail('value too great for base')
      return BigInt(`0o${digits.slice(1)}`)
    }
    return BigInt(digits)
  }
  const store = (target: Value, value: bigint): bigint => {
    if (target.name === undefined) return fail('attempted assignment to non-variable')
    if (live) variables.set(target.name, `${value}`, target.index)
    return value
  }
  const apply = (operator: string, left: bigint, right: bigint): bigint => {
    switch (operator) {
      case '+':
        return wrap(left + right)
      case '-':
        return wrap(left - right)
      case '*':
        return wrap(left * right)
      case '/':
      case '%':
        if (right === 0n) return live ? fail('division by 0') : 0n
        return wrap(operator === '/' ? left / right : left % right)
      case '<<':
        return wrap(left << (right & 63n))
      case '>>':
        return wrap(left >> (right & 63n))
      case '&':
        return left & right
      case '|':
        return left | right
      case '^':
        return left ^ right
      case '<':
        return left < right ? 1n : 0n
      case '>':
        return left > right ? 1n : 0n
      case '<=':
        return left <= right ? 1n : 0n
      case '>=':
        return left >= right ? 1n : 0n
      case '==':
        return left === right ? 1n : 0n
      default:
        return left !== right ? 1n : 0n
    }
  }
  const comma = (): bigint => {
    let value = assignment().value
    while (tokens[at] === ',') {
      at++
      value = assignment().value
    }
    return value
  }
  const assignment = (): Value => {
    const left = ternary()
    const operator = tokens[at]
    if (!operator || !assignments.has(operator)) return left
    at++
    const right = assignment().value
    return { value: store(left, operator === '=' ? right : apply(operator.slice(0, -1), left.value, right)) }
  }
  const ternary = (): Value => {
    const condition = binary(0)
    if (tokens[at] !== '?') return condition
    at++
    const before = live
    live = before && condition.value !== 0n
    const yes = assignment().value
    if (tokens[at] !== ':') fail("`:' expected for conditional expression")
    at++
    live = before && condition.value === 0n
    const no = assignment().value
    live = before
    return { value: condition.value !== 0n ? yes : no }
  }
  const binary = (level: number): Value => {
    const operators = binaryLevels[level]
    if (!operators) return power()
    let left = binary(level + 1)
    while (operators.includes(tokens[at] ?? '')) {
      const operator = tokens[at++] as string
      if (operator === '&&' || operator === '||') {
        const before = live
        live = before && (operator === '&&' ? left.value !== 0n : left.value === 0n)
        const right = binary(level + 1).value
        live = before
        const truth = operator === '&&' ? left.value !== 0n && right !== 0n : left.value !== 0n || right !== 0n
        left = { value: truth ? 1n : 0n }
      } else left = { value: apply(operator, left.value, binary(level + 1).value) }
    }
    return left
  }
  const power = (): Value => {
    const base = prefix()
    if (tokens[at] !== '**') return base
    at++
    const exponent = power().value
    if (exponent < 0n) fail('exponent less than 0')
    return { value: wrap(base.value ** exponent) }
  }
  const prefix = (): Value => {
    const operator = tokens[at]
    if (operator === '++' || operator === '--') {
      at++
      const target = prefix()
      return { value: store(target, wrap(target.value + (operator === '++' ? 1n : -1n))) }
    }
    if (operator === '-' || operator === '+' || operator === '!' || operator === '~') {
      at++
      const { value } = prefix()
      return { value: operator === '-' ? wrap(-value) : operator === '+' ? value : operator === '!' ? (value === 0n ? 1n : 0n) : ~value }
    }
    const target = primary()
    const suffix = tokens[at]
    if ((suffix === '++' || suffix === '--') && target.name !== undefined) {
      at++
      store(target, wrap(target.value + (suffix === '++' ? 1n : -1n)))
      return { value: target.value }
    }
    return target
  }
  const primary = (): Value => {
    const next = tokens[at++]
    if (next === '(') {
      const value = comma()
      if (tokens[at++] !== ')') fail("missing `)'")
      return { value }
    }
    if (next !== undefined && /^\d/.test(next)) return { value: literal(next) }
    if (next === undefined || !/^[A-Za-z_]/.test(next)) {
      at--
      return fail('syntax error: operand expected')
    }
    if (tokens[at] !== '[') return { value: live ? number(variables.get(next)) : 0n, name: next }
    at++
    const index = `${comma()}`
    if (tokens[at++] !== ']') fail('bad array subscript')
    return { value: number(variables.get(next, index)), name: next, index }
  }
  const value = comma()
  if (at < tokens.length) {
    const assigning = assignments.has(tokens[at] as string)
    fail(assigning ? 'attempted assignment to non-variable' : 'syntax error in expression')
  }
  return value
}
