import { Failure } from '../cli/failure.ts'
import { compactJson } from './json.ts'
import { unquote } from './jsonpath-parse.ts'

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'print'; pipe: string }
  | { kind: 'set'; name: string; pipe: string }
  | { kind: 'if' | 'range' | 'with'; pipe: string; key?: string; value?: string; body: Node[]; otherwise: Node[] }

type Scope = { dot: unknown; names: Map<string, unknown> }

/**
 * Go's text/template as far as `-o go-template` is used: fields, variables, range, if, with, else, pipes, and the functions
 * and, or, not, eq, ne, lt, le, gt, ge, len, index, print, printf, println, base64decode, json. Anything else is refused by name.
 */
export function goTemplateText(template: string, data: unknown): string {
  const nodes = parse(template)
  const scope: Scope = { dot: data, names: new Map([['$', data]]) }
  return render(nodes, scope)
}

function parse(template: string): Node[] {
  const pieces = template.split(/(\{\{-?[\s\S]*?-?\}\})/)
  const root: Node[] = []
  const stack: { node: Node; into: Node[] }[] = []
  let into = root
  let trimNext = false
  pieces.forEach((piece, at) => {
    if (at % 2 === 0) {
      let text = trimNext ? piece.replace(/^\s+/, '') : piece
      trimNext = false
      if (pieces[at + 1]?.startsWith('{{- ')) text = text.replace(/\s+$/, '')
      if (text) into.push({ kind: 'text', text })
      return
    }
    trimNext = piece.endsWith(' -}}')
    const inside = piece.replace(/^\{\{-?\s*/, '').replace(/\s*-?\}\}$/, '')
    // A field may follow its action without a blank: `{{range.items}}`.
    const word = /^\/\*|^[^\s.$]+|^\S+/.exec(inside)?.[0] ?? ''
    const rest = inside.slice(word.length).trim()
    if (word.startsWith('/*')) return
    if (word === 'end') {
      const ended = stack.pop()
      if (!ended) throw templateError('unexpected {{end}}')
      into = ended.into
      return
    }
    if (word === 'else') {
      const current = stack.at(-1)?.node
      if (!current || !('otherwise' in current)) throw templateError('unexpected {{else}}')
      if (rest !== '') throw templateError(`{{else ${rest}}} is not supported by this kubectl; nest an {{if}}`)
      into = current.otherwise
      return
    }
    if (word === 'range' || word === 'if' || word === 'with') {
      const named = /^\$(\w+)(?:\s*,\s*\$(\w+))?\s*:=\s*/.exec(rest)
      const node: Node = {
        kind: word,
        pipe: named ? rest.slice(named[0].length) : rest,
        body: [],
        otherwise: [],
        ...(named?.[2] ? { key: named[1], value: named[2] } : named ? { value: named[1] } : {}),
      }
      into.push(node)
      stack.push({ node, into })
      into = node.body
      return
    }
    const set = /^\$(\w+)\s*:?=\s*/.exec(inside)
    if (set) into.push({ kind: 'set', name: set[1] as string, pipe: inside.slice(set[0].length) })
    else into.push({ kind: 'print', pipe: inside })
  })
  if (stack.length > 0) throw templateError('unexpected EOF')
  return root
}

function templateError(problem: string): Failure {
  return new Failure(`error parsing template: template: output:1: ${problem}`)
}

function render(nodes: readonly Node[], scope: Scope): string {
  return nodes.map((node) => renderOne(node, scope)).join('')
}

function renderOne(node: Node, scope: Scope): string {
  if (node.kind === 'text') return node.text
  if (node.kind === 'print') return goText(evaluate(node.pipe, scope))
  if (node.kind === 'set') {
    scope.names.set(node.name, evaluate(node.pipe, scope))
    return ''
  }
  const value = evaluate(node.pipe, scope)
  const inner = (dot: unknown, extra: [string | undefined, unknown][] = []): Scope => {
    const names = new Map(scope.names)
    for (const [name, one] of extra) if (name) names.set(name, one)
    return { dot, names }
  }
  if (node.kind === 'range') {
    const entries: [unknown, unknown][] = Array.isArray(value)
      ? value.map((item, at) => [at, item])
      : value && typeof value === 'object'
        ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
        : []
    if (entries.length === 0) return render(node.otherwise, scope)
    return entries
      .map(([key, item]) =>
        render(
          node.body,
          inner(item, [
            [node.key, key],
            [node.value, item],
          ]),
        ),
      )
      .join('')
  }
  if (!truth(value)) return render(node.otherwise, scope)
  return render(node.body, node.kind === 'with' ? inner(value, [[node.value, value]]) : scope)
}

function truth(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (value && typeof value === 'object') return Object.keys(value).length > 0
  return Boolean(value)
}

function goText(value: unknown): string {
  if (value === undefined || value === null) return '<no value>'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${entries.map(([key, one]) => `${key}:${goText(one)}`).join(' ')}]`
}

function evaluate(pipe: string, scope: Scope): unknown {
  let piped: unknown[] = []
  for (const command of split(pipe, '|')) {
    const words = split(command, ' ')
    piped = [call(words, piped, scope)]
  }
  return piped[0]
}

/** Splits outside of quotes and parentheses. */
function split(text: string, at: string): string[] {
  const parts = ['']
  let quote = ''
  let depth = 0
  for (const letter of text) {
    if (quote) {
      if (letter === quote && !parts.at(-1)?.endsWith('\\')) quote = ''
    } else if (letter === '"' || letter === '`') quote = letter
    else if (letter === '(') depth++
    else if (letter === ')') depth--
    if (letter === at && !quote && depth === 0) parts.push('')
    else parts[parts.length - 1] += letter
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

function call(words: readonly string[], piped: readonly unknown[], scope: Scope): unknown {
  const [head = '', ...rest] = words
  if (words.length === 1 && piped.length === 0 && !functions[head]) return operand(head, scope)
  const run = functions[head]
  if (!run) {
    if (/^[a-z]\w*$/i.test(head)) throw templateError(`function ${JSON.stringify(head)} not defined`)
    return operand(head, scope)
  }
  return run([...rest.map((word) => operand(word, scope)), ...piped])
}

function operand(word: string, scope: Scope): unknown {
  if (word === '.') return scope.dot
  if (word.startsWith('"')) return unquote(word)
  if (word.startsWith('`')) return word.slice(1, -1)
  if (/^-?\d+(\.\d+)?$/.test(word)) return Number(word)
  if (word === 'true' || word === 'false') return word === 'true'
  if (word === 'nil') return undefined
  if (word.startsWith('(')) {
    const end = word.lastIndexOf(')')
    return fields(evaluate(word.slice(1, end), scope), word.slice(end + 1))
  }
  const variable = /^\$(\w*)/.exec(word)
  if (variable) return fields(scope.names.get(variable[1] === '' ? '$' : (variable[1] as string)), word.slice(variable[0].length))
  if (word.startsWith('.')) return fields(scope.dot, word)
  if (functions[word]) return functions[word]?.([])
  throw templateError(`function ${JSON.stringify(word)} not defined`)
}

function fields(start: unknown, path: string): unknown {
  let value = start
  for (const name of path.split('.').filter((part) => part !== '')) {
    if (value === null || typeof value !== 'object') return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

const functions: Record<string, (values: unknown[]) => unknown> = {
  and: (values) => values.find((value) => !truth(value)) ?? values.at(-1),
  or: (values) => values.find(truth) ?? values.at(-1),
  not: ([value]) => !truth(value),
  eq: ([first, ...rest]) => rest.some((one) => one === first),
  ne: ([a, b]) => a !== b,
  lt: ([a, b]) => (a as number) < (b as number),
  le: ([a, b]) => (a as number) <= (b as number),
  gt: ([a, b]) => (a as number) > (b as number),
  ge: ([a, b]) => (a as number) >= (b as number),
  len: ([value]) => (typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys((value ?? {}) as object).length),
  index: ([value, ...keys]) => keys.reduce((at: any, key) => at?.[key as string], value),
  print: (values) => values.map(goText).join(''),
  println: (values) => `${values.map(goText).join(' ')}\n`,
  printf: ([format, ...values]) => {
    let at = 0
    return String(format).replace(/%(-?\d*)([svdqt%])/g, (_, width: string, verb: string) => {
      if (verb === '%') return '%'
      const text = verb === 'q' ? JSON.stringify(values[at++]) : goText(values[at++])
      return width.startsWith('-') ? text.padEnd(Number(width.slice(1))) : text.padStart(Number(width || 0))
    })
  },
  base64decode: ([value]) => atob(String(value)),
  json: ([value]) => compactJson(value),
}
