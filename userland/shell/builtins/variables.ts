import { evaluateArithmetic } from '../arithmetic.ts'
import { arithmeticVariables } from '../expansion.ts'
import { shellQuote } from '../parameters.ts'
import type { Options, Shell, Variable } from '../state.ts'
import { ShellError } from '../state.ts'
import type { Builtin } from './builtin.ts'
import { letters } from './builtin.ts'

const validName = /^[A-Za-z_]\w*$/
const optionLetters: Record<string, keyof Options> = {
  a: 'allexport',
  e: 'errexit',
  f: 'noglob',
  m: 'monitor',
  n: 'noexec',
  u: 'nounset',
  v: 'verbose',
  x: 'xtrace',
  C: 'noclobber',
}
const optionNames: (keyof Options)[] = [
  'allexport',
  'errexit',
  'monitor',
  'noclobber',
  'noexec',
  'noglob',
  'nounset',
  'pipefail',
  'verbose',
  'xtrace',
]

/** `set` options from `words` (`-eu`, `-o pipefail`, `+x`); returns the operands, or undefined where there are none to set. Throws `ShellError`. */
export function applyOptions(shell: Shell, words: readonly string[], command: string): string[] | undefined {
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string
    if (word === '--') return words.slice(index + 1)
    if (word === '-' || !/^[-+]/.test(word) || word === '+') return words.slice(index)
    const on = word.startsWith('-')
    for (const letter of word.slice(1)) {
      if (letter === 'o') {
        const name = words[++index]
        if (name === undefined) throw new ShellError(`${command}: -o: option name required`, 2, false)
        if (name === 'posix' || name === 'emacs' || name === 'history') continue
        if (!optionNames.includes(name as keyof Options)) throw new ShellError(`${command}: ${name}: invalid option name`, 2, false)
        shell.options[name as keyof Options] = on
      } else if (optionLetters[letter]) shell.options[optionLetters[letter]] = on
      else if (!'bhkBHEPT'.includes(letter)) throw new ShellError(`${command}: -${letter}: invalid option`, 2, false)
    }
  }
  return undefined
}

async function set(shell: Shell, argv: readonly string[]): Promise<number> {
  if (argv.length === 1) {
    const lines = [...shell.variables].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, variable]) => declaration(name, variable))
    await shell.out(
      lines
        .filter((line) => line.includes('='))
        .map((line) => `${line}\n`)
        .join(''),
    )
    return 0
  }
  if (argv.length === 2 && (argv[1] === '-o' || argv[1] === '+o')) {
    const line = (name: keyof Options) =>
      argv[1] === '-o' ? `${name.padEnd(15)}\t${shell.options[name] ? 'on' : 'off'}\n` : `set ${shell.options[name] ? '-' : '+'}o ${name}\n`
    await shell.out(optionNames.map(line).join(''))
    return 0
  }
  const operands = applyOptions(shell, argv.slice(1), 'set')
  if (operands) shell.parameters = operands
  return 0
}

function declaration(name: string, variable: Variable): string {
  if (variable.elements) {
    const elements = [...variable.elements].map(([key, value]) => `[${key}]="${value.replace(/["\\$`]/g, '\\$&')}"`)
    return `${name}=(${elements.join(' ')}${variable.associative && elements.length > 0 ? ' ' : ''})`
  }
  return variable.value === undefined ? name : `${name}=${variable.value === '' ? '' : shellQuote(variable.value)}`
}

function attributes(variable: Variable): string {
  const letters = `${variable.elements ? (variable.associative ? 'A' : 'a') : ''}${variable.integer ? 'i' : ''}${variable.readonly ? 'r' : ''}${variable.exported ? 'x' : ''}`
  return `-${letters || '-'}`
}

function declared(name: string, variable: Variable): string {
  const text = variable.elements
    ? declaration(name, variable)
    : variable.value === undefined
      ? name
      : `${name}="${variable.value.replace(/["\\$`]/g, '\\$&')}"`
  return `declare ${attributes(variable)} ${text}\n`
}

/** `export`, `readonly`, `declare`, `local`: names with attributes and perhaps values. */
function declare(command: 'export' | 'readonly' | 'declare' | 'typeset' | 'local'): Builtin['run'] {
  return async (shell, argv) => {
    const { flags, rest, bad } = letters(
      argv.map((word) => word.replace(/^\+/, '-')),
      'aAinprxgFf',
    )
    if (bad) throw new ShellError(`${command}: ${bad}: invalid option`, 2, false)
    const off = argv.slice(1).some((word) => word.startsWith('+')) || (command === 'export' && flags.has('n'))
    const local = command === 'local' || ((command === 'declare' || command === 'typeset') && shell.functionDepth > 0 && !flags.has('g'))
    if (command === 'local' && shell.functionDepth === 0) throw new ShellError('local: can only be used in a function', 1, false)
    if (flags.has('f') || flags.has('F')) return functions(shell, rest, flags.has('F'))
    if (rest.length === 0 || flags.has('p')) return print(shell, command, rest)
    let status = 0
    for (const word of rest) {
      const match = /^([^=+]*)(\+?)=([\s\S]*)$/.exec(word)
      const name = match ? (match[1] as string) : word
      if (!validName.test(name)) {
        await shell.complain(
          shell.dialect === 'bash' ? `${command}: \`${word}': not a valid identifier` : `${command}: ${name}: bad variable name`,
        )
        status = shell.dialect === 'bash' ? 1 : 2
        continue
      }
      const frame = shell.frames.at(-1)
      if (local && frame && !frame.has(name)) {
        frame.set(name, shell.variables.get(name))
        shell.variables.delete(name)
      }
      const change: Partial<Variable> = {
        ...(command === 'export' || flags.has('x') ? { exported: !off } : {}),
        ...(flags.has('i') ? { integer: !off } : {}),
        ...(flags.has('a') || flags.has('A') ? { elements: shell.variables.get(name)?.elements ?? new Map() } : {}),
        ...(flags.has('A') ? { associative: true } : {}),
      }
      if (match) {
        const before = match[2] ? (shell.get(name) ?? '') : ''
        const integer = flags.has('i') || shell.variables.get(name)?.integer
        const value = integer ? `${evaluateArithmetic(match[3] as string, arithmeticVariables(shell))}` : before + match[3]
        shell.set(name, value, change)
      } else shell.variables.set(name, { ...shell.variables.get(name), ...change })
      if (command === 'readonly' || flags.has('r')) shell.variables.set(name, { ...shell.variables.get(name), readonly: true })
    }
    return status
  }
}

async function functions(shell: Shell, names: readonly string[], namesOnly: boolean): Promise<number> {
  let status = 0
  for (const name of names.length > 0 ? names : [...shell.functions.keys()].sort()) {
    const definition = shell.functions.get(name)
    if (!definition) status = 1
    else await shell.out(namesOnly ? `${names.length > 0 ? '' : 'declare -f '}${name}\n` : `${name} () \n${definition.source}\n`)
  }
  return status
}

async function print(shell: Shell, command: string, names: readonly string[]): Promise<number> {
  let status = 0
  const wanted = (variable: Variable) => (command === 'export' ? variable.exported : command === 'readonly' ? variable.readonly : true)
  for (const name of names.length > 0 ? names : [...shell.variables.keys()].sort()) {
    const variable = shell.variables.get(name)
    if (variable && (names.length > 0 || wanted(variable))) {
      const ash = shell.dialect === 'ash'
      await shell.out(ash ? `${command} ${name}='${variable.value ?? ''}'\n` : declared(name, variable))
    } else if (!variable) {
      await shell.complain(`${command}: ${name}: not found`)
      status = 1
    }
  }
  return status
}

async function read(shell: Shell, argv: readonly string[]): Promise<number> {
  let raw = false
  let prompt = ''
  let array: string | undefined
  let delimiter = '\n'
  let limit: number | undefined
  let timeout: number | undefined
  let silent = false
  let index = 1
  for (; index < argv.length; index++) {
    const word = argv[index] as string
    if (word === '--') {
      index++
      break
    }
    if (!/^-./.test(word)) break
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] as string
      if (letter === 'r') raw = true
      else if (letter === 's') silent = true
      else if ('padntu'.includes(letter)) {
        const value = word.slice(at + 1) || argv[++index] || ''
        if (letter === 'p') prompt = value
        if (letter === 'a') array = value
        if (letter === 'd') delimiter = value === '' ? '\0' : (value[0] as string)
        if (letter === 'n') limit = Number(value)
        if (letter === 't') timeout = Number(value) * 1000
        if (letter === 'u') throw new ShellError('read: -u is not supported: redirect with <& instead', 2, false)
        break
      } else if (letter !== 'e') throw new ShellError(`read: -${letter}: invalid option`, 2, false)
    }
  }
  const names = argv.slice(index)
  for (const name of names) if (!validName.test(name)) throw new ShellError(`read: \`${name}': not a valid identifier`, 1, false)
  const stdin = shell.descriptors.get(0)
  if (!stdin?.source) throw new ShellError('read: read error: 0: Bad file descriptor', 1, false)
  const terminal = stdin.inherited === 0 && shell.process.isTerminal(0) ? shell.process.terminal : undefined
  if (prompt && terminal) await shell.descriptors.get(2)?.sink?.write(prompt)
  if (silent) terminal?.setEcho(false)
  let ended = false
  let line = ''
  const controller = new AbortController()
  const timer = timeout === undefined ? undefined : shell.process.clock.after(timeout, () => controller.abort('timeout'))
  try {
    const signal = AbortSignal.any([shell.signal, controller.signal])
    for (;;) {
      const bytes = await stdin.source.readUntil(limit === undefined ? delimiter.charCodeAt(0) : 10, signal)
      const text = bytes ? new TextDecoder().decode(bytes) : ''
      ended = !text.endsWith(limit === undefined ? delimiter : '\n')
      line += ended ? text : text.slice(0, -1)
      if (raw || ended || !/(^|[^\\])(\\\\)*\\$/.test(line)) break
      line = line.slice(0, -1)
    }
  } catch (error) {
    if (error !== 'timeout') throw error
    return 142
  } finally {
    timer?.close()
    if (silent) terminal?.setEcho(true)
  }
  if (limit !== undefined) line = line.slice(0, limit)
  const separators = shell.get('IFS') ?? ' \t\n'
  if (array !== undefined) {
    const fields = splitLine(line, separators, Number.POSITIVE_INFINITY, raw)
    shell.set(array, fields[0] ?? '', { elements: new Map(fields.map((field, at) => [`${at}`, field])) })
  } else if (names.length === 0) shell.set('REPLY', raw ? line : line.replace(/\\(.)/g, '$1'))
  else {
    const fields = splitLine(line, separators, names.length, raw)
    for (const [at, name] of names.entries()) shell.set(name, fields[at] ?? '')
  }
  return ended ? 1 : 0
}

/** Splits as `read` does: the last of `most` fields takes the rest of the line. */
function splitLine(line: string, separators: string, most: number, raw: boolean): string[] {
  const blank = (char: string) => (char === ' ' || char === '\t' || char === '\n') && separators.includes(char)
  const fields: string[] = []
  let at = 0
  while (at < line.length && blank(line[at] as string)) at++
  while (at < line.length) {
    if (fields.length + 1 === most) {
      let rest = line.slice(at)
      while (rest && blank(rest.at(-1) as string)) rest = rest.slice(0, -1)
      // A single trailing separator after the last field goes too.
      if (rest && separators.includes(rest.at(-1) as string) && ![...rest.slice(0, -1)].some((char) => separators.includes(char)))
        rest = rest.slice(0, -1)
      fields.push(raw ? rest : rest.replace(/\\(.)/g, '$1'))
      return fields
    }
    let field = ''
    while (at < line.length && !separators.includes(line[at] as string)) {
      if (line[at] === '\\' && !raw) at++
      field += line[at++] ?? ''
    }
    fields.push(field)
    while (at < line.length && blank(line[at] as string)) at++
    if (at < line.length && separators.includes(line[at] as string)) {
      at++
      while (at < line.length && blank(line[at] as string)) at++
    }
  }
  return fields
}

async function unset(shell: Shell, argv: readonly string[]): Promise<number> {
  const { flags, rest } = letters(argv, 'vf')
  let status = 0
  for (const name of rest) {
    const element = /^([A-Za-z_]\w*)\[(.+)\]$/.exec(name)
    try {
      if (element) {
        const variable = shell.variables.get(element[1] as string)
        const elements = new Map(variable?.elements)
        elements.delete(element[2] as string)
        if (variable) shell.variables.set(element[1] as string, { ...variable, elements })
      } else if (flags.has('f')) shell.functions.delete(name)
      else if (shell.variables.has(name) || flags.has('v')) shell.unset(name)
      else shell.functions.delete(name)
    } catch (error) {
      if (!(error instanceof ShellError)) throw error
      await shell.complain(error.message)
      status = 1
    }
  }
  return status
}

async function shift(shell: Shell, argv: readonly string[]): Promise<number> {
  const by = argv[1] === undefined ? 1 : Number(argv[1])
  if (!Number.isInteger(by) || by < 0)
    throw new ShellError(`shift: ${argv[1]}: ${Number.isNaN(by) ? 'numeric argument required' : 'shift count out of range'}`, 1, false)
  if (by > shell.parameters.length) return 1
  shell.parameters = shell.parameters.slice(by)
  return 0
}

async function getopts(shell: Shell, argv: readonly string[]): Promise<number> {
  const [, spec, name] = argv
  if (spec === undefined || name === undefined) throw new ShellError('getopts: usage: getopts optstring name [arg ...]', 2, false)
  const words = argv.length > 3 ? argv.slice(3) : shell.parameters
  let index = Number(shell.get('OPTIND') ?? '1')
  const silent = spec.startsWith(':')
  if (index === 1 && shell.counters.option > 0 && shell.get('OPTIND') === '1' && shell.variables.get('OPTIND')?.integer !== true)
    shell.counters.option = 0
  const word = words[index - 1]
  const finish = async () => {
    shell.set(name, '?')
    shell.counters.option = 0
    return 1
  }
  if (word === undefined || !/^-./.test(word)) return finish()
  if (word === '--') {
    shell.set('OPTIND', `${index + 1}`)
    return finish()
  }
  const at = shell.counters.option + 1
  const letter = word[at] as string
  const position = spec.indexOf(letter, silent ? 1 : 0)
  const advance = () => {
    if (at + 1 < word.length) shell.counters.option = at
    else {
      shell.counters.option = 0
      index++
    }
  }
  shell.unset('OPTARG')
  if (letter === ':' || position < 0) {
    advance()
    shell.set(name, '?')
    if (silent) shell.set('OPTARG', letter)
    else await shell.descriptors.get(2)?.sink?.write(`${shell.name}: illegal option -- ${letter}\n`)
  } else if (spec[position + 1] === ':') {
    shell.counters.option = 0
    const attached = word.slice(at + 1)
    const value = attached || words[index]
    index += attached ? 1 : 2
    if (value === undefined) {
      index = words.length + 1
      shell.set(name, silent ? ':' : '?')
      if (silent) shell.set('OPTARG', letter)
      else await shell.descriptors.get(2)?.sink?.write(`${shell.name}: option requires an argument -- ${letter}\n`)
    } else {
      shell.set(name, letter)
      shell.set('OPTARG', value)
    }
  } else {
    advance()
    shell.set(name, letter)
  }
  shell.set('OPTIND', `${index}`)
  return 0
}

export const variableBuiltins: Record<string, Builtin> = {
  set: { special: true, run: set },
  export: { special: true, run: declare('export') },
  readonly: { special: true, run: declare('readonly') },
  declare: { bashOnly: true, run: declare('declare') },
  typeset: { bashOnly: true, run: declare('typeset') },
  local: { run: declare('local') },
  unset: { special: true, run: unset },
  shift: { special: true, run: shift },
  read: { run: read },
  getopts: { run: getopts },
  let: {
    run: async (shell, argv) => {
      let value = 0n
      for (const expression of argv.slice(1)) value = evaluateArithmetic(expression, arithmeticVariables(shell))
      return value === 0n ? 1 : 0
    },
  },
}
