import { Failure } from '../cli/failure.ts'

export type Step =
  | { kind: 'field'; name: string }
  | { kind: 'wildcard' }
  | { kind: 'recursive' }
  | { kind: 'slice'; from: number | undefined; to: number | undefined; step: number }
  | { kind: 'index'; at: number }
  | { kind: 'union'; steps: Step[] }
  | { kind: 'filter'; left: Operand; operator: string; right: Operand | undefined }

export type Operand = { literal: string | number | boolean } | { path: Step[] }

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'path'; path: Step[] }
  | { kind: 'literal'; value: string }
  | { kind: 'end' }
  | { kind: 'range'; path: Step[]; body: Part[] }

/** A JSONPath template (client-go's dialect): text with `{…}` in it. Throws `error parsing jsonpath …`. */
export function parseTemplate(template: string): Part[] {
  const fail = (problem: string): never => {
    throw new Failure(`error parsing jsonpath ${template}, ${problem}`)
  }
  const stack: { parts: Part[]; range: Step[] | undefined }[] = [{ parts: [], range: undefined }]
  const top = () => stack.at(-1) as (typeof stack)[number]
  let at = 0
  while (at < template.length) {
    const open = template.indexOf('{', at)
    if (open !== at) {
      const end = open < 0 ? template.length : open
      top().parts.push({ kind: 'text', text: template.slice(at, end) })
      at = end
      continue
    }
    const close = closing(template, at)
    if (close < 0) fail(/["'][^"']*$/.test(template.slice(at)) ? 'unterminated quoted string' : 'unclosed action')
    const inside = template.slice(at + 1, close)
    at = close + 1
    for (const word of actions(inside)) {
      if (word === 'end') {
        if (stack.length === 1) {
          top().parts.push({ kind: 'end' })
          continue
        }
        const ended = stack.pop() as (typeof stack)[number]
        top().parts.push({ kind: 'range', path: ended.range as Step[], body: ended.parts })
      } else if (rangeWord.test(word)) stack.push({ parts: [], range: parsePath(word.slice(5).trim(), fail) })
      else if (/^["']/.test(word)) top().parts.push({ kind: 'literal', value: unquote(word) })
      else if (/^-?\d+(\.\d+)?$/.test(word)) top().parts.push({ kind: 'literal', value: word })
      else top().parts.push({ kind: 'path', path: parsePath(word, fail) })
    }
  }
  // client-go lets a range go without its end.
  while (stack.length > 1) {
    const ended = stack.pop() as (typeof stack)[number]
    top().parts.push({ kind: 'range', path: ended.range as Step[], body: ended.parts })
  }
  return (stack[0] as (typeof stack)[number]).parts
}

function closing(template: string, open: number): number {
  let quote = ''
  for (let at = open + 1; at < template.length; at++) {
    const letter = template[at] as string
    if (quote) {
      if (letter === '\\') at++
      else if (letter === quote) quote = ''
    } else if (letter === '"' || letter === "'") quote = letter
    else if (letter === '}') return at
  }
  return -1
}

/** `range` with its path; a blank between them may be left out. */
const rangeWord = /^range[\s.[]/

/** Words of one `{…}`: paths and literals stand beside each other, `range` takes the rest. */
function actions(inside: string): string[] {
  const trimmed = inside.trim()
  if (rangeWord.test(trimmed) || trimmed === 'end') return [trimmed]
  const words: string[] = []
  let word = ''
  let depth = 0
  let quote = ''
  for (const letter of trimmed) {
    if (quote) {
      if (letter === quote && !word.endsWith('\\')) quote = ''
    } else if (letter === '"' || letter === "'") quote = letter
    else if (letter === '[' || letter === '(') depth++
    else if (letter === ']' || letter === ')') depth--
    if (letter === ' ' && depth === 0 && quote === '') {
      if (word) words.push(word)
      word = ''
    } else word += letter
  }
  if (word) words.push(word)
  return words
}

export function unquote(text: string): string {
  const body = text.slice(1, -1)
  const known: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', "'": "'", '0': '\0' }
  return body.replace(/\\(.)/g, (all, letter: string) => known[letter] ?? all)
}

/** `.spec.ports[0].name`; a leading `$` or `@` stands for where the path starts. */
export function parsePath(text: string, fail: (problem: string) => never): Step[] {
  const steps: Step[] = []
  let at = text.startsWith('$') || text.startsWith('@') ? 1 : 0
  while (at < text.length) {
    if (text.startsWith('..', at)) {
      steps.push({ kind: 'recursive' })
      at += 2
      if (text[at] === '[') continue
      at = readField(text, at, steps)
    } else if (text[at] === '.') {
      at++
      if (text[at] === '[') continue
      at = readField(text, at, steps)
    } else if (text[at] === '[') {
      const end = bracketEnd(text, at)
      if (end < 0) fail('unterminated array')
      steps.push(parseBracket(text.slice(at + 1, end).trim(), fail))
      at = end + 1
    } else if (at === 0) fail(`unrecognized identifier ${/^[\w-]+/.exec(text)?.[0] ?? text}`)
    else fail(`unrecognized character in action: U+${text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')} '${text[at]}'`)
  }
  return steps
}

function readField(text: string, at: number, steps: Step[]): number {
  let name = ''
  while (at < text.length && !/[.[\s,]/.test(text[at] as string)) {
    if (text[at] === '\\') at++
    name += text[at++] ?? ''
  }
  if (name === '*') steps.push({ kind: 'wildcard' })
  else if (name !== '') steps.push({ kind: 'field', name })
  return at
}

function bracketEnd(text: string, open: number): number {
  let depth = 0
  let quote = ''
  for (let at = open; at < text.length; at++) {
    const letter = text[at] as string
    if (quote) {
      if (letter === '\\') at++
      else if (letter === quote) quote = ''
    } else if (letter === '"' || letter === "'") quote = letter
    else if (letter === '[') depth++
    else if (letter === ']' && --depth === 0) return at
  }
  return -1
}

function parseBracket(inside: string, fail: (problem: string) => never): Step {
  if (inside === '*') return { kind: 'wildcard' }
  const filter = /^\?\((.*)\)$/s.exec(inside)
  if (filter) return parseFilter((filter[1] as string).trim(), fail)
  const parts = splitCommas(inside)
  if (parts.length > 1) return { kind: 'union', steps: parts.map((part) => parseBracket(part.trim(), fail)) }
  if (/^'.*'$/s.test(inside)) return { kind: 'field', name: unquote(inside).replaceAll('\\.', '.') }
  if (/^-?\d+$/.test(inside)) return { kind: 'index', at: Number(inside) }
  const slice = /^(-?\d*):(-?\d*)(?::(-?\d+))?$/.exec(inside)
  if (slice) {
    const number = (digits: string | undefined) => (digits ? Number(digits) : undefined)
    return { kind: 'slice', from: number(slice[1]), to: number(slice[2]), step: number(slice[3]) ?? 1 }
  }
  return fail(`invalid array index ${inside}`)
}

function splitCommas(inside: string): string[] {
  const parts = ['']
  let quote = ''
  for (const letter of inside) {
    if (quote) {
      if (letter === quote) quote = ''
    } else if (letter === '"' || letter === "'") quote = letter
    if (letter === ',' && !quote) parts.push('')
    else parts[parts.length - 1] += letter
  }
  return parts
}

function parseFilter(text: string, fail: (problem: string) => never): Step {
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string
    if (quote) {
      if (letter === quote) quote = ''
      continue
    }
    if (letter === '"' || letter === "'") quote = letter
    const operator = /^(==|!=|<=|>=|<|>)/.exec(text.slice(at))?.[1]
    if (!operator) continue
    return {
      kind: 'filter',
      left: operand(text.slice(0, at).trim(), fail),
      operator,
      right: operand(text.slice(at + operator.length).trim(), fail),
    }
  }
  return { kind: 'filter', left: operand(text, fail), operator: 'exists', right: undefined }
}

function operand(text: string, fail: (problem: string) => never): Operand {
  if (/^["']/.test(text)) return { literal: unquote(text) }
  if (/^-?\d+(\.\d+)?$/.test(text)) return { literal: Number(text) }
  if (text === 'true' || text === 'false') return { literal: text === 'true' }
  return { path: parsePath(text, fail) }
}
