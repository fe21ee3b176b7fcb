import type { Process } from '../../simulator/programs/process.ts'
import { basicRegExp, RegExpError } from '../posix/regexp.ts'
import type { Text } from './text.ts'
import { saveText } from './text.ts'

/** What a command line after `:` leads to. */
export interface Outcome {
  message?: string
  error?: string
  /** The editor ends with this exit code. */
  exit?: number
  name?: string
  numbers?: boolean
  noHighlight?: boolean
}

/** Runs an ex command: ranges with :w :q :x :wq :s :d :y :N :set :e! :noh, others refused by name in vim's words. */
export function runEx(
  process: Process,
  text: Text,
  name: string | undefined,
  input: string,
  lastPattern: string,
  visual: { from: number; to: number } | undefined,
): Outcome {
  const command = input.trim().replace(/^:+/, '')
  if (command === '' || command.startsWith('"')) return {}
  const range = parseRange(text, command, visual)
  if (!range) return { error: `E486: Pattern not found` }
  const { from, to, rest, given } = range
  if (from > to || to >= text.lines.length || from < 0) return { error: 'E16: Invalid range' }
  if (rest === '') {
    text.row = to
    text.column = Math.max(0, text.line.search(/\S/))
    return {}
  }
  const match = /^([a-zA-Z]+|&|[<>]+)(!?)\s*([\s\S]*)$/.exec(rest)
  if (!match) return { error: `E492: Not an editor command: ${command}` }
  const [, word, bang, argument] = match as unknown as [string, string, string, string]
  if (/^s(ubstitute)?$/.test(word) || /^s[^a-zA-Z\s]/.test(rest))
    return substitute(text, from, to, rest.replace(/^s(ubstitute)?/, ''), lastPattern)
  switch (word) {
    case 'w':
    case 'write':
      return write(process, text, argument || name, given ? { from, to } : undefined, name)
    case 'wq':
    case 'x':
    case 'xit':
    case 'exit':
    case 'wqa':
    case 'xa': {
      if (/^x|exit/.test(word) && !text.modified) return { exit: 0 }
      const outcome = write(process, text, argument || name, undefined, name)
      return outcome.error ? outcome : { ...outcome, exit: 0 }
    }
    case 'q':
    case 'quit':
    case 'qa':
    case 'qall':
      if (text.modified && !bang) return { error: 'E37: No write since last change (add ! to override)' }
      return { exit: 0 }
    case 'cq':
    case 'cquit':
      return { exit: 1 }
    case 'd':
    case 'delete': {
      text.keep()
      text.lines.splice(from, to - from + 1)
      if (text.lines.length === 0) text.lines.push('')
      text.row = Math.min(from, text.lines.length - 1)
      text.column = 0
      text.modified = true
      return to - from > 1 ? { message: `${to - from + 1} fewer lines` } : {}
    }
    case '>':
    case '<': {
      text.keep()
      for (let row = from; row <= to; row++)
        text.lines[row] = word === '>' ? `  ${text.lines[row]}` : (text.lines[row] as string).replace(/^ {1,2}|^\t/, '')
      text.modified = true
      return {}
    }
    case 'e':
    case 'edit':
      if (!bang && text.modified) return { error: 'E37: No write since last change (add ! to override)' }
      return { error: 'E319: Sorry, the command is not available in this version: :edit' }
    case 'u':
    case 'undo':
      return text.undo() ? {} : { message: 'Already at oldest change' }
    case 'noh':
    case 'nohlsearch':
      return { noHighlight: true }
    case 'set':
    case 'se':
      return set(argument)
    default:
      return { error: `E492: Not an editor command: ${command}` }
  }
}

function set(argument: string): Outcome {
  if (/^(nu|number)$/.test(argument)) return { numbers: true }
  if (/^no(nu|number)$/.test(argument)) return { numbers: false }
  // Harmless where people have them in their fingers: this editor always behaves so.
  if (
    /^(paste|nopaste|et|expandtab|ai|autoindent|(ts|sw|sts|tabstop|shiftwidth|softtabstop)=2|ic|ignorecase|hls|hlsearch|nowrap)$/.test(
      argument,
    )
  )
    return {}
  return { error: `E518: Unknown option: ${argument}` }
}

function parseRange(text: Text, command: string, visual: { from: number; to: number } | undefined) {
  let rest = command
  const address = (): number | undefined => {
    const match = /^(\d+|[.$]|'[<>]|\/((?:[^/\\]|\\.)*)\/?)?((?:[-+]\d*)*)/.exec(rest)
    if (!match || match[0] === '') return undefined
    let row: number
    const base = match[1]
    if (base === undefined || base === '.') row = text.row
    else if (base === '$') row = text.lines.length - 1
    else if (base === "'<") row = visual?.from ?? text.row
    else if (base === "'>") row = visual?.to ?? text.row
    else if (base.startsWith('/')) {
      const found = text.find(basicRegExp(match[2] as string), text)
      if (!found) return Number.NaN
      row = found.row
    } else row = Math.max(0, Number(base) - 1)
    for (const offset of (match[3] as string).match(/[-+]\d*/g) ?? [])
      row += (offset.startsWith('-') ? -1 : 1) * Number(offset.slice(1) || '1')
    rest = rest.slice(match[0].length)
    return row
  }
  if (rest.startsWith('%')) return { from: 0, to: text.lines.length - 1, rest: rest.slice(1).trim(), given: true }
  const first = address()
  if (first === undefined && !rest.startsWith(',')) return { from: text.row, to: text.row, rest: rest.trim(), given: false }
  let last = first ?? text.row
  if (rest.startsWith(',')) {
    rest = rest.slice(1)
    last = address() ?? text.row
  }
  if (Number.isNaN(first) || Number.isNaN(last)) return undefined
  // A bare number beyond the end goes to the last line.
  const bare = rest.trim() === ''
  const limit = text.lines.length - 1
  return {
    from: bare ? Math.min(limit, last) : (first ?? text.row),
    to: bare ? Math.min(limit, last) : last,
    rest: rest.trim(),
    given: true,
  }
}

function write(
  process: Process,
  text: Text,
  target: string | undefined,
  part: { from: number; to: number } | undefined,
  name: string | undefined,
): Outcome {
  if (target === undefined) return { error: 'E32: No file name' }
  const modified = text.modified
  const lines = text.lines
  if (part) text.lines = lines.slice(part.from, part.to + 1)
  const content = text.toString()
  const fresh = text.fresh && target === name
  const error = saveText(process, text, target)
  const count = text.lines.length
  text.lines = lines
  if (error !== undefined) return { error: `"${target}" E212: Can't open file for writing: ${error}` }
  if (target !== name && name !== undefined) text.modified = modified
  return {
    message: `"${target}" ${fresh ? '[New] ' : ''}${content === '' ? 0 : count}L, ${new TextEncoder().encode(content).length}B written`,
    name: name ?? target,
  }
}

function substitute(text: Text, from: number, to: number, spec: string, lastPattern: string): Outcome {
  const delimiter = spec.trimStart()[0]
  if (delimiter === undefined || /[\w\s"|\\]/.test(delimiter)) return { error: 'E35: No previous regular expression' }
  const parts: string[] = ['']
  const body = spec.trimStart()
  for (let at = 1; at < body.length; at++) {
    const char = body[at] as string
    if (char === '\\' && at + 1 < body.length) {
      const next = body[++at] as string
      parts[parts.length - 1] += next === delimiter ? next : `\\${next}`
    } else if (char === delimiter && parts.length < 3) parts.push('')
    else parts[parts.length - 1] += char
  }
  const [source, replacement = '', flags = ''] = parts as [string, string?, string?]
  if (/[^giIcen&]/.test(flags.trim())) return { error: `E488: Trailing characters: ${flags}` }
  if (flags.includes('c')) return { error: 'E319: Sorry, the command is not available in this version: :s with the c flag' }
  let pattern: RegExp
  try {
    pattern = basicRegExp(source || lastPattern, `${flags.includes('g') ? 'g' : ''}${flags.includes('i') ? 'i' : ''}`)
  } catch (error) {
    if (!(error instanceof RegExpError)) throw error
    return { error: `E486: Pattern not found: ${source}` }
  }
  let count = 0
  let lines = 0
  let row = text.row
  const changed = text.lines.flatMap((line, index) => {
    if (index < from || index > to) return [line]
    let hit = false
    const result = line.replace(pattern, (...match: unknown[]) => {
      hit = true
      count++
      return expand(replacement, match as (string | undefined)[])
    })
    if (hit) {
      lines++
      row = index
    }
    return result.split('\n')
  })
  if (count === 0) return flags.includes('e') ? {} : { error: `E486: Pattern not found: ${source || lastPattern}` }
  text.keep()
  text.lines = changed
  text.row = Math.min(row, changed.length - 1)
  text.column = 0
  text.modified = true
  return count > 2 ? { message: `${count} substitutions on ${lines} line${lines === 1 ? '' : 's'}` } : {}
}

function expand(replacement: string, match: readonly (string | undefined)[]): string {
  return replacement.replace(/\\([\s\S])|&/g, (whole, escaped: string | undefined) => {
    if (whole === '&' || escaped === '0') return match[0] ?? ''
    if (/\d/.test(escaped as string)) return match[Number(escaped)] ?? ''
    return escaped === 'r' || escaped === 'n' ? '\n' : escaped === 't' ? '\t' : (escaped as string)
  })
}
