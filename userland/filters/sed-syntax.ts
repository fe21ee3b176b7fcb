import { ToolError } from '../posix/tool.ts'
import { unescapeAnsi } from '../shell/lexer.ts'

export type Address =
  | { kind: 'line'; line: number }
  | { kind: 'last' }
  | { kind: 'pattern'; pattern: RegExp }
  | { kind: 'step'; line: number; step: number }
  | { kind: 'plus'; count: number }

export interface SedCommand {
  name: string
  first?: Address
  second?: Address
  negated: boolean
  text?: string
  code?: number
  map?: Map<string, string>
  substitution?: {
    pattern: RegExp
    global: boolean
    print: boolean
    occurrence: number
    file?: string
    replacement(groups: (string | undefined)[]): string
  }
  /** Where a block ends or a branch leads: an index among the commands. */
  end?: number
}

type Compile = (source: string, flags: string) => RegExp

/** A sed script as a flat list of commands. Throws `ToolError` in GNU sed's words. */
export function parseSed(script: string, compile: Compile): SedCommand[] {
  let at = 0
  const commands: SedCommand[] = []
  const open: number[] = []
  const labels = new Map<string, number>()
  const branches: [SedCommand, string][] = []
  let previous = ''
  const fail = (message: string): never => {
    throw new ToolError(`-e expression #1, char ${Math.min(at, script.length)}: ${message}`)
  }
  const blanks = () => {
    while (/[ \t]/.test(script[at] ?? '')) at++
  }
  /** Text up to an unescaped delimiter, which is consumed. */
  const delimited = (delimiter: string, message: string, brackets: boolean): string => {
    let text = ''
    let bracket = false
    for (;;) {
      const char = script[at++]
      if (char === undefined) return fail(message)
      if (char === '\\') {
        const next = script[at++] ?? ''
        text +=
          next === delimiter && !/[(){}|+?]/.test(delimiter)
            ? brackets && /[.*[\]^$]/.test(delimiter)
              ? `\\${next}`
              : next
            : next === 'n' && brackets
              ? '\n'
              : `\\${next}`
        continue
      }
      if (brackets && char === '[' && !bracket) bracket = true
      else if (char === ']' && bracket && !/\[\^?$/.test(text)) bracket = false
      else if (char === delimiter && !bracket) return text
      text += char
    }
  }
  const pattern = (source: string, flags: string): RegExp => {
    const used = source === '' ? previous : source
    if (used === '') fail('no previous regular expression')
    previous = used
    return compile(used, flags)
  }
  const address = (): Address | undefined => {
    const digits = /^\d+/.exec(script.slice(at))
    if (digits) {
      at += digits[0].length
      const line = Number(digits[0])
      const step = /^~(\d+)/.exec(script.slice(at))
      if (!step) return { kind: 'line', line }
      at += step[0].length
      return { kind: 'step', line, step: Number(step[1]) }
    }
    if (script[at] === '$') {
      at++
      return { kind: 'last' }
    }
    if (script[at] === '/' || script[at] === '\\') {
      if (script[at] === '\\') at++
      const delimiter = script[at++] as string
      const source = delimited(delimiter, 'unterminated address regex', true)
      const ignoreCase = script[at] === 'I'
      if (ignoreCase) at++
      return { kind: 'pattern', pattern: pattern(source, ignoreCase ? 'i' : '') }
    }
    return undefined
  }
  const endOfCommand = () => {
    blanks()
    if (script[at] === '#') while (at < script.length && script[at] !== '\n') at++
    if (script[at] === ';' || script[at] === '\n') at++
    else if (at < script.length && script[at] !== '}') fail('unknown option to `' + (commands.at(-1)?.name === 's' ? "s'" : "command'"))
  }
  const text = (): string => {
    blanks()
    if (script[at] === '\\') {
      // `a\` and a new line, or GNU's `a\  text`, which keeps the blanks.
      at++
      const line = /^[ \t]*\n/.exec(script.slice(at))
      if (line) at += line[0].length
    }
    let value = ''
    while (at < script.length && script[at] !== '\n') {
      if (script[at] === '\\') {
        at++
        value += script[at] === 't' ? '\t' : (script[at] ?? '')
        at++
      } else value += script[at++]
    }
    at++
    return value
  }
  const word = (): string => {
    blanks()
    const start = at
    while (at < script.length && !/[;\n}]/.test(script[at] as string)) at++
    return script.slice(start, at).trim()
  }
  while (at < script.length) {
    while (/[\s;]/.test(script[at] ?? '')) at++
    if (at >= script.length) break
    if (script[at] === '#') {
      while (at < script.length && script[at] !== '\n') at++
      continue
    }
    const command: SedCommand = { name: '', negated: false, first: address() }
    blanks()
    if (command.first && script[at] === ',') {
      at++
      blanks()
      if (script[at] === '+') {
        at++
        const digits = /^\d+/.exec(script.slice(at)) ?? fail('expected number after +')
        at += digits[0].length
        command.second = { kind: 'plus', count: Number(digits[0]) }
      } else command.second = address() ?? fail("unexpected `,'")
      blanks()
    }
    while (script[at] === '!') {
      command.negated = true
      at++
      blanks()
    }
    const name = script[at++]
    if (name === undefined) return fail('missing command')
    command.name = name
    if (name === ':') {
      labels.set(word(), commands.length)
      continue
    }
    commands.push(command)
    switch (name) {
      case '{':
        open.push(commands.length - 1)
        continue
      case '}': {
        const start = open.pop() ?? fail("unexpected `}'")
        ;(commands[start] as SedCommand).end = commands.length - 1
        break
      }
      case 's': {
        const delimiter = script[at++] ?? fail("unterminated `s' command")
        const source = delimited(delimiter, "unterminated `s' command", true)
        const replacement = delimited(delimiter, "unterminated `s' command", false)
        const flags = /^[gpiIe0-9m]*/.exec(script.slice(at))?.[0] ?? ''
        at += flags.length
        if (flags.includes('e')) fail("the `e' flag is not supported")
        const occurrence = Number(/\d+/.exec(flags)?.[0] ?? '1')
        const ignoreCase = /i/i.test(flags) ? 'i' : ''
        const global = flags.includes('g')
        let file: string | undefined
        if (script[at] === 'w') {
          at++
          file = text().trim()
        }
        command.substitution = {
          pattern: pattern(source, `${global || occurrence > 1 ? 'g' : ''}${ignoreCase}${flags.includes('m') ? 'm' : ''}`),
          global,
          print: flags.includes('p'),
          occurrence,
          file,
          replacement: compileReplacement(replacement),
        }
        break
      }
      case 'y': {
        const delimiter = script[at++] ?? fail("unterminated `y' command")
        const from = [...unescapeAnsi(delimited(delimiter, "unterminated `y' command", false))]
        const to = [...unescapeAnsi(delimited(delimiter, "unterminated `y' command", false))]
        if (from.length !== to.length) fail("strings for `y' command are different lengths")
        command.map = new Map(from.map((char, index) => [char, to[index] as string]))
        break
      }
      case 'a':
      case 'i':
      case 'c':
        command.text = text()
        continue
      case 'r':
      case 'w':
        command.text = text()
        continue
      case 'b':
      case 't':
        branches.push([command, word()])
        break
      case 'q':
      case 'Q': {
        blanks()
        const digits = /^\d+/.exec(script.slice(at))
        if (digits) at += digits[0].length
        command.code = Number(digits?.[0] ?? '0')
        break
      }
      default:
        if (!'pPdDnNhHgGx='.includes(name)) fail(`unknown command: \`${name}'`)
    }
    endOfCommand()
  }
  if (open.length > 0) throw new ToolError("-e expression #1, char 0: unmatched `{'")
  for (const [command, label] of branches) {
    if (label === '') continue
    const target = labels.get(label)
    if (target === undefined) throw new ToolError(`-e expression #1, char ${script.length}: can't find label for jump to \`${label}'`)
    command.end = target - 1
  }
  return commands
}

function compileReplacement(source: string): (groups: (string | undefined)[]) => string {
  const pieces = source.match(/\\[\s\S]|&|[^\\&]+|\\$/g) ?? []
  return (groups) => {
    let text = ''
    let mode = ''
    let once = ''
    const add = (added: string) => {
      let value = mode === 'U' ? added.toUpperCase() : mode === 'L' ? added.toLowerCase() : added
      if (once && value) value = (once === 'u' ? value[0]?.toUpperCase() : value[0]?.toLowerCase()) + value.slice(1)
      if (value) once = ''
      text += value
    }
    for (const piece of pieces) {
      if (piece === '&') add(groups[0] ?? '')
      else if (/^\\\d$/.test(piece)) add(groups[Number(piece[1])] ?? '')
      else if (/^\\[ULE]$/.test(piece)) mode = piece[1] as string
      else if (/^\\[ul]$/.test(piece)) once = piece[1] as string
      else if (piece.startsWith('\\')) add(piece === '\\n' ? '\n' : piece === '\\t' ? '\t' : piece.slice(1))
      else add(piece)
    }
    return text
  }
}
