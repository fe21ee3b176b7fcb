import { resolvePath } from '../../simulator/files.ts'
import { readText } from '../posix/lines.ts'
import { openSource, ToolError, tool } from '../posix/tool.ts'
import type { Scope } from './jq-run.ts'
import { values } from './jq-run.ts'
import type { Json } from './jq-syntax.ts'
import { parseJq } from './jq-syntax.ts'
import { isTrue, JqError, sortKeys } from './jq-values.ts'

interface Settings {
  raw: boolean
  join: boolean
  compact: boolean
  sort: boolean
  slurp: boolean
  nullInput: boolean
  rawInput: boolean
  exitStatus: boolean
  ascii: boolean
  color: boolean | undefined
  indent: string
  filter: string | undefined
  files: string[]
  variables: Map<string, Json>
}

/** jq 1.7's colours: null dim, false, true and numbers plain, strings green, brackets plain bold, object keys bold blue. */
const colors = { null: '1;30', boolean: '0;39', number: '0;39', string: '0;32', bracket: '1;39', key: '34;1' }

export const jq = tool(
  'jq',
  async (process) => {
    const settings = parseArguments(process.argv.slice(1), (path) => process.files.readText(resolvePath(process.cwd, path)))
    if (settings.filter === undefined) {
      await process.stderr.write('jq - commandline JSON processor [version 1.7.1]\nUsage:\tjq [OPTIONS] FILTER [FILES...]\n')
      return 2
    }
    const filter = parseJq(settings.filter)
    let text = ''
    if (!settings.nullInput || settings.files.length > 0 || !process.isTerminal(0)) {
      for (const file of settings.files.length > 0 ? settings.files : ['-']) {
        if (file !== '-' && !process.files.exists(resolvePath(process.cwd, file))) {
          throw new ToolError(`error: Could not open ${file}: No such file or directory`, 2)
        }
        if (file === '-' && settings.nullInput && !/\binputs?\b/.test(settings.filter)) continue
        text += await readText(openSource(process, file), process.signal)
      }
    }
    const inputs = settings.rawInput ? rawInputs(text, settings.slurp) : settings.slurp ? slurped(text) : parseStream(text)
    const color = settings.color ?? process.isTerminal(1)
    const scope: Scope = {
      variables: settings.variables,
      functions: new Map(),
      process,
      inputs: () => {
        const next = inputs.next()
        return next.done ? undefined : next.value
      },
    }
    let status = 0
    let last: Json | undefined
    const write = async (value: Json) => {
      last = value
      const shown = settings.sort ? sortKeys(value) : value
      const printed = (settings.raw || settings.join) && typeof shown === 'string' ? shown : print(shown, settings, color, '')
      await process.stdout.write(settings.join ? printed : `${printed}\n`)
    }
    const each = async (input: Json) => {
      try {
        let count = 0
        for (const value of values(filter, input, scope)) {
          await write(value)
          if (++count % 1024 === 0) await process.clock.sleep(1, process.signal)
        }
      } catch (error) {
        if (!(error instanceof JqError)) throw error
        status = 5
        await process.stderr.write(
          `jq: error (at ${settings.files[0] ?? '<stdin>'}:${Math.max(0, text.split('\n').length - 1)}): ${error.message}\n`,
        )
      }
    }
    try {
      if (settings.nullInput) await each(null)
      else for (let input = scope.inputs(); input !== undefined; input = scope.inputs()) await each(input)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      await process.stderr.write(`jq: parse error: ${error.message}\n`)
      return 2
    }
    if (status === 0 && settings.exitStatus) return last === undefined ? 4 : isTrue(last) ? 0 : 1
    return status
  },
  2,
)

function parseArguments(words: readonly string[], read: (path: string) => string): Settings {
  const settings: Settings = {
    raw: false,
    join: false,
    compact: false,
    sort: false,
    slurp: false,
    nullInput: false,
    rawInput: false,
    exitStatus: false,
    ascii: false,
    color: undefined,
    indent: '  ',
    filter: undefined,
    files: [],
    variables: new Map(),
  }
  const named: { [key: string]: Json } = {}
  const positional: Json[] = []
  let rest: 'files' | 'args' | 'jsonargs' = 'files'
  const letters: Record<string, Partial<Settings>> = {
    r: { raw: true },
    j: { join: true },
    c: { compact: true },
    S: { sort: true },
    s: { slurp: true },
    n: { nullInput: true },
    R: { rawInput: true },
    e: { exitStatus: true },
    a: { ascii: true },
    C: { color: true },
    M: { color: false },
  }
  const long: Record<string, string> = {
    'raw-output': 'r',
    'join-output': 'j',
    'compact-output': 'c',
    'sort-keys': 'S',
    slurp: 's',
    'null-input': 'n',
    'raw-input': 'R',
    'exit-status': 'e',
    'ascii-output': 'a',
    'color-output': 'C',
    'monochrome-output': 'M',
  }
  const json = (text: string, what: string): Json => {
    try {
      return JSON.parse(text)
    } catch {
      throw new ToolError(`Invalid JSON text passed to ${what}`, 2)
    }
  }
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string
    const next = () => {
      const value = words[++at]
      if (value === undefined) throw new ToolError(`error: ${word} takes more parameters`, 2)
      return value
    }
    if (word === '--arg' || word === '--argjson' || word === '--rawfile' || word === '--slurpfile') {
      const name = next()
      const value = next()
      named[name] =
        word === '--arg'
          ? value
          : word === '--argjson'
            ? json(value, '--argjson')
            : word === '--rawfile'
              ? read(value)
              : [...parseStream(read(value))]
      settings.variables.set(name, named[name] as Json)
    } else if (word === '--args' || word === '--jsonargs') rest = word.slice(2) as 'args' | 'jsonargs'
    else if (word === '--tab') settings.indent = '\t'
    else if (word === '--indent') settings.indent = ' '.repeat(Number(next()))
    else if (word === '-f' || word === '--from-file') settings.filter = read(next())
    else if (/^--./.test(word)) {
      const letter = long[word.slice(2)]
      if (!letter)
        throw new ToolError(
          `Unknown arguments\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://jqlang.github.io/jq`,
          2,
        )
      Object.assign(settings, letters[letter])
    } else if (/^-./.test(word)) {
      for (const letter of word.slice(1)) {
        if (!letters[letter])
          throw new ToolError(
            `Unknown arguments\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://jqlang.github.io/jq`,
            2,
          )
        Object.assign(settings, letters[letter])
      }
    } else if (settings.filter === undefined) settings.filter = word
    else if (rest === 'files') settings.files.push(word)
    else positional.push(rest === 'args' ? word : json(word, '--jsonargs'))
  }
  if (settings.indent === '') settings.compact = true
  settings.variables.set('ARGS', { positional, named })
  settings.variables.set('__prog_args', positional)
  return settings
}

function* rawInputs(text: string, slurp: boolean): Generator<Json> {
  if (slurp) yield text
  else if (text !== '') yield* text.replace(/\n$/, '').split('\n')
}

function* slurped(text: string): Generator<Json> {
  yield [...parseStream(text)]
}

/** Several JSON texts one after the other, as a stream of values. Throws `SyntaxError`. */
export function* parseStream(text: string): Generator<Json> {
  let at = 0
  while (at < text.length) {
    while (/\s/.test(text[at] ?? '')) at++
    if (at >= text.length) return
    const end = endOfValue(text, at)
    try {
      yield JSON.parse(text.slice(at, end))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      const before = text.slice(0, end).split('\n')
      const where = `at line ${before.length}, column ${(before.at(-1) ?? '').length}`
      throw new SyntaxError(
        `${end >= text.length && /[[{]/.test(text[at] as string) ? 'Unfinished JSON term' : 'Invalid numeric literal'} ${where}`,
      )
    }
    at = end
  }
}

function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at] as string
    if (char === '"') {
      at++
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
      if (depth === 0) return at + 1
    } else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') {
      if (--depth <= 0) return at + 1
    } else if (depth === 0) {
      const scalar = /^[^\s[\]{}",:]+/.exec(text.slice(at))
      return at + (scalar?.[0].length ?? 1)
    }
  }
  return text.length
}

function print(value: Json, settings: Settings, color: boolean, indent: string): string {
  const paint = (code: string, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text)
  const quote = (text: string) => {
    const quoted = JSON.stringify(text).replaceAll('\x7f', '\\u007f')
    return settings.ascii ? quoted.replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`) : quoted
  }
  if (value === null) return paint(colors.null, 'null')
  if (typeof value === 'string') return paint(colors.string, quote(value))
  if (typeof value !== 'object') return paint(typeof value === 'number' ? colors.number : colors.boolean, number(value))
  const list = Array.isArray(value)
  const [open, close] = list ? '[]' : '{}'
  const entries = list ? value.map((item) => ['', item] as const) : Object.entries(value)
  if (entries.length === 0) return paint(colors.bracket, `${open}${close}`)
  const deeper = indent + settings.indent
  const items = entries.map(([key, item]) => {
    const shown = print(item, settings, color, deeper)
    return list ? shown : `${paint(colors.key, quote(key))}${paint(colors.bracket, ':')}${settings.compact ? '' : ' '}${shown}`
  })
  const comma = paint(colors.bracket, ',')
  if (settings.compact) return `${paint(colors.bracket, open as string)}${items.join(comma)}${paint(colors.bracket, close as string)}`
  return `${paint(colors.bracket, open as string)}\n${deeper}${items.join(`${comma}\n${deeper}`)}\n${indent}${paint(colors.bracket, close as string)}`
}

function number(value: number | boolean): string {
  if (typeof value === 'boolean') return `${value}`
  if (Number.isNaN(value)) return 'null'
  if (!Number.isFinite(value)) return value > 0 ? '1.7976931348623157e+308' : '-1.7976931348623157e+308'
  return JSON.stringify(value)
}
