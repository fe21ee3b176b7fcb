import { Failure } from '../../cli/failure.ts'
import { goText } from '../go-value.ts'
import { CallError, functions, truth } from './functions.ts'
import { TemplateError } from './lex.ts'
import type { Node, Operand, Pipe, Template } from './parse.ts'
import { parseTemplate } from './parse.ts'

/** What a template stumbled over while it ran, in text/template's words; `written` is what it had put out by then. */
export class ExecutionError extends Error {
  written = ''
}

/**
 * Go's text/template with kubectl's functions, over decoded JSON; integers are bigints in here. A missing key prints `<no value>`, or ends the run where `missingKeys` is
 * `error`. Throws a `Failure` for a template that cannot be read and `ExecutionError` for one that cannot be run.
 */
export function goTemplateText(text: string, data: unknown, missingKeys: 'default' | 'error' = 'default'): string {
  let template: Template
  try {
    template = parseTemplate(text)
  } catch (error) {
    if (error instanceof TemplateError) throw new Failure(`error parsing template ${text}, ${error.message}`)
    throw error
  }
  const run = new Run(text, template, missingKeys)
  try {
    const root = withIntegers(data)
    run.walk(template.body, root, [['$', root]], 'output')
  } catch (error) {
    if (error instanceof ExecutionError) error.written = run.written
    throw error
  }
  return run.written
}

/** Kubernetes decodes whole numbers of JSON as int64; bigints stand for those. */
function withIntegers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(withIntegers)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withIntegers(one)]))
}

type Names = [string, unknown][]
type Leave = 'break' | 'continue' | undefined

class Run {
  written = ''
  readonly #source: string
  readonly #template: Template
  readonly #missing: 'default' | 'error'

  constructor(source: string, template: Template, missing: 'default' | 'error') {
    this.#source = source
    this.#template = template
    this.#missing = missing
  }

  walk(nodes: readonly Node[], dot: unknown, names: Names, name: string): Leave {
    for (const node of nodes) {
      const leave = this.#one(node, dot, names, name)
      if (leave) return leave
    }
    return undefined
  }

  #one(node: Node, dot: unknown, names: Names, name: string): Leave {
    switch (node.kind) {
      case 'text':
        this.written += node.text
        return undefined
      case 'break':
      case 'continue':
        return node.kind
      case 'action': {
        const value = this.#pipe(node.pipe, dot, names, name)
        if (node.pipe.variables.length === 0) this.written += value === undefined || value === null ? '<no value>' : goText(value, true)
        return undefined
      }
      case 'template': {
        const body = this.#template.defined.get(node.name)
        if (!body)
          throw this.#failure(node, name, `template ${JSON.stringify(node.name)} not defined`, `{{template ${JSON.stringify(node.name)}}}`)
        const given = node.pipe ? this.#pipe(node.pipe, dot, names, name) : undefined
        this.walk(body, given, [['$', given]], node.name)
        return undefined
      }
    }
    const known = names.length
    const value = this.#pipe(node.pipe, dot, names, name, node.kind === 'range')
    try {
      if (node.kind === 'range') return this.#range(node, value, dot, names, name)
      const body = truth(value) ? node.body : node.otherwise
      return this.walk(body, node.kind === 'with' && truth(value) ? value : dot, names, name)
    } finally {
      names.length = known
    }
  }

  #range(node: Extract<Node, { kind: 'if' | 'range' | 'with' }>, value: unknown, dot: unknown, names: Names, name: string): Leave {
    const entries = this.#entries(node.pipe, value, name)
    if (entries.length === 0) return this.walk(node.otherwise, dot, names, name)
    const known = names.length
    for (const [key, item] of entries) {
      const [first, second] = node.pipe.variables
      if (second) names.push([first as string, key], [second, item])
      else if (first) names.push([first, item])
      const leave = this.walk(node.body, item, names, name)
      names.length = known
      if (leave === 'break') break
    }
    return undefined
  }

  #entries(pipe: Pipe, value: unknown, name: string): [unknown, unknown][] {
    if (Array.isArray(value)) return value.map((item, at) => [BigInt(at), item])
    if (value === undefined || value === null) return []
    if (typeof value === 'object') return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    if (typeof value === 'bigint') return Array.from({ length: Number(value) }, (_, at) => [BigInt(at), BigInt(at)])
    throw this.#failure(this.#first(pipe), name, `range can't iterate over ${goText(value, true)}`)
  }

  #first(pipe: Pipe): Operand {
    return pipe.commands[0]?.[0] as Operand
  }

  #pipe(pipe: Pipe, dot: unknown, names: Names, name: string, ranges = false): unknown {
    let piped: unknown[] = []
    for (const command of pipe.commands) piped = [this.#command(command, piped, dot, names, name)]
    if (ranges) return piped[0]
    for (const variable of pipe.variables) {
      const known = pipe.assigns ? names.findLast(([one]) => one === variable) : undefined
      if (known) known[1] = piped[0]
      else names.push([variable, piped[0]])
    }
    return piped[0]
  }

  #command([head, ...rest]: readonly Operand[], piped: readonly unknown[], dot: unknown, names: Names, name: string): unknown {
    if (!head) return undefined
    if (head.kind === 'function') return this.#call(head, rest, piped, dot, names, name)
    if (rest.length > 0 || piped.length > 0) {
      if (head.kind === 'path' && head.fields.length > 0)
        throw this.#failure(head, name, `${head.fields.at(-1)} is not a method but has arguments`)
      throw this.#failure(head, name, `can't give argument to non-function ${head.text}`)
    }
    if (head.kind === 'nil') throw this.#failure(head, name, 'nil is not a command')
    return this.#value(head, dot, names, name)
  }

  #call(
    head: Operand & { name: string },
    rest: readonly Operand[],
    piped: readonly unknown[],
    dot: unknown,
    names: Names,
    name: string,
  ): unknown {
    const count = rest.length + piped.length
    if (head.name === 'and' || head.name === 'or') {
      if (count === 0) throw this.#failure(head, name, `wrong number of args for ${head.name}: want at least 1 got 0`)
      let value: unknown
      for (const one of [...rest.map((operand) => () => this.#value(operand, dot, names, name)), ...piped.map((given) => () => given)]) {
        value = one()
        if (truth(value) === (head.name === 'or')) return value
      }
      return value
    }
    const known = functions[head.name]
    if (!known) throw this.#failure(head, name, 'error calling call: nil')
    const { least, most } = known
    if (count < least || (most !== undefined && count > most))
      throw this.#failure(
        head,
        name,
        `wrong number of args for ${head.name}: want ${most === undefined ? `at least ${least}` : least} got ${count}`,
      )
    const values = [...rest.map((operand) => this.#value(operand, dot, names, name)), ...piped]
    try {
      return known.run(values)
    } catch (error) {
      if (error instanceof CallError)
        throw this.#failure(head, name, `error calling ${head.name}: ${error.message}`, [head, ...rest].map((one) => one.text).join(' '))
      throw error
    }
  }

  #value(operand: Operand, dot: unknown, names: Names, name: string): unknown {
    switch (operand.kind) {
      case 'dot':
        return dot
      case 'nil':
        return undefined
      case 'literal':
        return operand.value
      case 'function':
        return this.#call(operand, [], [], dot, names, name)
      case 'path': {
        const start = operand.from === 'dot' ? dot : names.findLast(([one]) => one === operand.from)?.[1]
        return this.#fields(start, operand, name)
      }
      case 'chain':
        return this.#fields(this.#pipe(operand.pipe, dot, [...names], name), operand, name)
    }
  }

  #fields(start: unknown, operand: Extract<Operand, { kind: 'path' | 'chain' }>, name: string): unknown {
    let value = start
    for (const field of operand.fields) {
      if (value === undefined) {
        if (this.#missing === 'error') throw this.#failure(operand, name, `nil data; no entry for key ${JSON.stringify(field)}`)
        return undefined
      }
      if (value === null) throw this.#failure(operand, name, `nil pointer evaluating interface {}.${field}`)
      if (typeof value !== 'object' || Array.isArray(value))
        throw this.#failure(operand, name, `can't evaluate field ${field} in type interface {}`)
      const object = value as Record<string, unknown>
      if (!(field in object) && this.#missing === 'error')
        throw this.#failure(operand, name, `map has no entry for key ${JSON.stringify(field)}`)
      value = object[field]
    }
    return value
  }

  #failure(
    operand: { readonly at: number; readonly text?: string },
    name: string,
    problem: string,
    text = operand.text ?? '',
  ): ExecutionError {
    const before = this.#source.slice(0, operand.at)
    const context = text.length > 20 ? `${text.slice(0, 20)}...` : text
    const column = operand.at - (before.lastIndexOf('\n') + 1)
    return new ExecutionError(
      `template: output:${before.split('\n').length}:${column}: executing ${JSON.stringify(name)} at <${context}>: ${problem}`,
    )
  }
}
