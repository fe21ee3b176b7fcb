import { patternRegExp, patternSource } from '../posix/pattern.ts'
import { evaluateArithmetic } from './arithmetic.ts'
import type { Expanded, Piece } from './expansion.ts'
import { arithmetic, arithmeticVariables, expandParts, expandToPattern, expandToString, setElement } from './expansion.ts'
import type { Shell, Variable } from './state.ts'
import { ShellError } from './state.ts'
import type { Parameter } from './syntax.ts'

/** What a parameter holds: one value, or the several of `$@` and arrays. */
type Held = { values: string[] | undefined; list: boolean; star: boolean }

/** Parameter expansion (POSIX 2.6.2 and bash's additions). Throws `ShellError` for unset ones under `set -u` and `:?`. */
export async function expandParameter(shell: Shell, parameter: Parameter, quoted: boolean): Promise<Expanded[]> {
  if (parameter.indirect) return expandIndirect(shell, parameter, quoted)
  const held = await lookUp(shell, parameter)
  if (parameter.length) {
    if (held.list) return [piece(`${held.values?.length ?? 0}`, quoted)]
    if (!held.values) requireSet(shell, parameter)
    return [piece(`${[...(held.values?.[0] ?? '')].length}`, quoted)]
  }
  const { operator } = parameter
  if (operator && /^:?[-=?+]$/.test(operator)) return conditional(shell, parameter, held, quoted)
  if (!held.values) requireSet(shell, parameter)
  const values = held.values ?? []
  return present(shell, operator ? await transform(shell, parameter, held, values) : values, held, quoted)
}

function requireSet(shell: Shell, parameter: Parameter): void {
  if (!shell.options.nounset || parameter.name === '@' || parameter.name === '*') return
  const name = `${parameter.name}${parameter.index ? `[${parameter.index.source}]` : ''}`
  throw new ShellError(
    shell.dialect === 'bash' ? `${name}: unbound variable` : `${name}: parameter not set`,
    shell.dialect === 'bash' ? 127 : 2,
  )
}

function piece(text: string, quoted: boolean): Piece {
  return { text, quoted, split: !quoted }
}

function present(shell: Shell, values: readonly string[], held: Held, quoted: boolean): Expanded[] {
  if (!held.list) return values.length === 0 && !quoted ? [] : [piece(values[0] ?? '', quoted)]
  if (held.star && quoted) return [piece(values.join((shell.get('IFS') ?? ' ').charAt(0)), true)]
  return values.flatMap((value, index): Expanded[] => (index > 0 ? ['boundary', piece(value, quoted)] : [piece(value, quoted)]))
}

async function expandIndirect(shell: Shell, parameter: Parameter, quoted: boolean): Promise<Expanded[]> {
  const index = parameter.index?.source
  if (index === '@' || index === '*') {
    const keys = [...(shell.variables.get(parameter.name)?.elements?.keys() ?? [])]
    return present(shell, sortKeys(shell, parameter.name, keys), { values: keys, list: true, star: index === '*' }, quoted)
  }
  const target = shell.get(parameter.name)
  const match = /^([A-Za-z_]\w*|\d+|[@*#?$!-])$/.exec(target ?? '')
  if (!match) throw new ShellError(target ? `${target}: invalid variable name` : `${parameter.name}: invalid indirect expansion`, 1)
  return expandParameter(shell, { ...parameter, name: match[1] as string, index: undefined, indirect: false }, quoted)
}

function sortKeys(shell: Shell, name: string, keys: string[]): string[] {
  return shell.variables.get(name)?.associative ? keys : keys.sort((a, b) => Number(a) - Number(b))
}

async function lookUp(shell: Shell, { name, index }: Parameter): Promise<Held> {
  if (name === '@' || name === '*') {
    return { values: shell.parameters.length > 0 ? shell.parameters : undefined, list: true, star: name === '*' }
  }
  if (index) {
    const variable = name === 'PIPESTATUS' ? pipeStatus(shell) : shell.variables.get(name)
    const elements = variable?.elements ?? (variable?.value === undefined ? undefined : new Map([['0', variable.value]]))
    if (index.source === '@' || index.source === '*') {
      const values = elements ? sortKeys(shell, name, [...elements.keys()]).map((key) => elements.get(key) as string) : []
      return { values: values.length > 0 ? values : undefined, list: true, star: index.source === '*' }
    }
    const value = elements?.get(await elementKey(shell, name, index))
    return { values: value === undefined ? undefined : [value], list: false, star: false }
  }
  const value = scalar(shell, name)
  return { values: value === undefined ? undefined : [value], list: false, star: false }
}

function pipeStatus(shell: Shell): Variable {
  return { elements: new Map(shell.pipeStatus.map((status, index) => [`${index}`, `${status}`])) }
}

/** The key of `name[index]`: arithmetic for indexed arrays, counting from the end where negative; text for associative ones. */
export async function elementKey(shell: Shell, name: string, index: Parameter['index'] & {}): Promise<string> {
  const variable = shell.variables.get(name)
  if (variable?.associative) return expandToString(shell, index)
  const value = evaluateArithmetic(await expandToString(shell, index), arithmeticVariables(shell))
  if (value >= 0n) return `${value}`
  const keys = [...(variable?.elements?.keys() ?? [])].map(Number)
  const fromEnd = BigInt(Math.max(-1, ...keys)) + 1n + value
  if (fromEnd < 0n) throw new ShellError(`${name}: bad array subscript`, 1, false)
  return `${fromEnd}`
}

function scalar(shell: Shell, name: string): string | undefined {
  switch (name) {
    case '#':
      return `${shell.parameters.length}`
    case '?':
      return `${shell.status}`
    case '$':
      return `${shell.processId}`
    case '!':
      return shell.backgroundId === undefined ? undefined : `${shell.backgroundId}`
    case '-': {
      const { options } = shell
      const letters: [boolean, string][] = [
        [options.errexit, 'e'],
        [options.noglob, 'f'],
        [shell.dialect === 'bash', 'h'],
        [options.interactive, 'i'],
        [options.monitor, 'm'],
        [options.nounset, 'u'],
        [options.xtrace, 'x'],
        [shell.dialect === 'bash', 'B'],
      ]
      return letters.map(([on, letter]) => (on ? letter : '')).join('')
    }
    case '0':
      return shell.name
    case 'PIPESTATUS':
      return `${shell.pipeStatus[0]}`
    default:
      return /^\d+$/.test(name) ? shell.parameters[Number(name) - 1] : shell.get(name)
  }
}

async function conditional(shell: Shell, parameter: Parameter, held: Held, quoted: boolean): Promise<Expanded[]> {
  const operator = parameter.operator as string
  const kind = operator.at(-1)
  const missing = held.values === undefined || (operator.startsWith(':') && held.values.join('') === '')
  const argument = () => expandArgument(shell, parameter, quoted)
  if (kind === '+') return missing ? (quoted && !held.list ? [piece('', true)] : []) : argument()
  if (!missing) return present(shell, held.values as string[], held, quoted)
  if (kind === '-') return argument()
  const text = parameter.argument ? await expandToString(shell, parameter.argument) : ''
  if (kind === '?') {
    const message = text || (shell.dialect === 'bash' || operator !== ':?' ? 'parameter null or not set' : 'parameter not set or null')
    throw new ShellError(
      `${parameter.name}: ${operator === '?' && !text ? 'parameter not set' : message}`,
      shell.dialect === 'bash' ? 127 : 2,
    )
  }
  if (!/^[A-Za-z_]/.test(parameter.name)) throw new ShellError(`$${parameter.name}: cannot assign in this way`, 1)
  setElement(shell, parameter.name, parameter.index ? await elementKey(shell, parameter.name, parameter.index) : undefined, text)
  return [piece(text, quoted)]
}

/** The word of `${x:-word}`: its literal text is split too where the whole is unquoted. */
async function expandArgument(shell: Shell, parameter: Parameter, quoted: boolean): Promise<Expanded[]> {
  if (!parameter.argument) return []
  const expanded = await expandParts(shell, parameter.argument.parts, true)
  if (quoted && expanded.length === 0) return [piece('', true)]
  return expanded.map((item) => (item === 'boundary' || item.quoted ? item : { ...item, split: true }))
}

async function transform(shell: Shell, parameter: Parameter, held: Held, values: readonly string[]): Promise<string[]> {
  const operator = parameter.operator as string
  if (operator === ':') return slice(shell, parameter, held, values)
  const pattern = parameter.argument ? await expandToPattern(shell, parameter.argument) : ''
  switch (operator) {
    case '#':
    case '##':
    case '%':
    case '%%': {
      const expression = patternRegExp(pattern)
      return values.map((value) => trim(value, expression, operator))
    }
    case '/':
    case '//':
    case '/#':
    case '/%': {
      if (pattern === '') return [...values]
      const replacement = parameter.second ? await expandToString(shell, parameter.second) : ''
      const source = patternSource(pattern)
      const anchored = operator === '/#' ? `^(?:${source})` : operator === '/%' ? `(?:${source})$` : source
      const expression = new RegExp(anchored, operator === '//' ? 'gu' : 'u')
      return values.map((value) => value.replace(expression, (match) => (match === '' && operator === '//' ? '' : replacement)))
    }
    default: {
      const expression = new RegExp(`^(?:${pattern === '' ? '[^]' : patternSource(pattern)})$`, 'u')
      const change = (char: string) => (!expression.test(char) ? char : operator.startsWith('^') ? char.toUpperCase() : char.toLowerCase())
      return values.map((value) => [...value].map((char, index) => (operator.length === 2 || index === 0 ? change(char) : char)).join(''))
    }
  }
}

function trim(value: string, expression: RegExp, operator: string): string {
  const longest = operator.length === 2
  const fromStart = operator.startsWith('#')
  for (let i = 0; i <= value.length; i++) {
    const size = longest ? value.length - i : i
    const candidate = fromStart ? value.slice(0, size) : value.slice(value.length - size)
    if (expression.test(candidate)) return fromStart ? value.slice(size) : value.slice(0, value.length - size)
  }
  return value
}

async function slice(shell: Shell, parameter: Parameter, held: Held, values: readonly string[]): Promise<string[]> {
  const offset = Number(parameter.argument ? await arithmetic(shell, parameter.argument) : 0n)
  const length = parameter.second ? Number(await arithmetic(shell, parameter.second)) : undefined
  // `${@:1}` counts $0 as element 0.
  const items = held.list
    ? parameter.name === '@' || parameter.name === '*'
      ? [shell.name, ...values]
      : [...values]
    : [...(values[0] ?? '')]
  const start = offset < 0 ? items.length + offset : offset
  if (start < 0) return held.list ? [] : ['']
  const end = length === undefined ? items.length : length < 0 ? items.length + length : start + length
  if (end < start) throw new ShellError(`${parameter.second?.source}: substring expression < 0`, 1)
  const part = items.slice(start, end)
  return held.list ? part : [part.join('')]
}

/** For `declare -p` and `set`: a value as the shell would read it back. */
export function shellQuote(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  if (/[\x00-\x1f\x7f]/.test(text)) {
    const escaped = text.replace(/[\\']/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')
    return `$'${escaped.replace(/[\x00-\x1f\x7f]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)}'`
  }
  return `'${text.replace(/'/g, "'\\''")}'`
}
