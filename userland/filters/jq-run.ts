import type { Process } from '../../simulator/programs/process.ts'
import { ToolError } from '../posix/tool.ts'
import { builtins, definitions } from './jq-builtins.ts'
import type { Filter, Json, Pattern } from './jq-syntax.ts'
import { parseJq } from './jq-syntax.ts'
import { applyFormat, arithmetic, compare, deletePath, describe, index, isObject, isTrue, JqError, setPath, slice } from './jq-values.ts'

/** A value with the path that led to it; paths are kept only where something asks for them. */
export interface At {
  readonly value: Json
  readonly path: readonly Json[] | undefined
}
type Closure = { filter: Filter; scope: Scope }
type Definition = { parameters: readonly string[]; body: Filter; scope: Scope }

export interface Scope {
  readonly variables: ReadonlyMap<string, Json>
  readonly functions: ReadonlyMap<string, Definition | Closure>
  readonly process: Process
  inputs(): Json | undefined
}

const parsedDefinitions = new Map<string, { parameters: readonly string[]; body: Filter }>()

function library(name: string, count: number): { parameters: readonly string[]; body: Filter } | undefined {
  const key = `${name}/${count}`
  const source = definitions[key]
  if (!source) return undefined
  let parsed = parsedDefinitions.get(key)
  if (!parsed) {
    parsed = { parameters: source.parameters, body: parseJq(source.body) }
    parsedDefinitions.set(key, parsed)
  }
  return parsed
}

/** Runs a filter on a value: its outputs, lazily. Throws `JqError`. */
export function* values(filter: Filter, input: Json, scope: Scope): Generator<Json> {
  for (const { value } of run(filter, { value: input, path: undefined }, scope)) yield value
}

export function* run(filter: Filter, input: At, scope: Scope): Generator<At> {
  const fresh = (value: Json): At => ({ value, path: undefined })
  switch (filter.kind) {
    case 'identity':
      yield input
      return
    case 'recurse':
      yield* recurse(input)
      return
    case 'literal':
      yield fresh(filter.value)
      return
    case 'variable':
      yield fresh(lookUp(filter.name, scope))
      return
    case 'format':
      yield fresh(applyFormat(filter.name, input.value))
      return
    case 'string':
      for (const text of interpolate(filter.parts, filter.format ?? '@text', input.value, scope)) yield fresh(text)
      return
    case 'field':
      for (const target of run(filter.target, input, scope)) {
        for (const name of values(filter.name, input.value, scope))
          yield { value: index(target.value, name), path: target.path && [...target.path, name] }
      }
      return
    case 'slice':
      for (const target of run(filter.target, input, scope)) {
        for (const to of filter.to ? values(filter.to, input.value, scope) : [null]) {
          for (const from of filter.from ? values(filter.from, input.value, scope) : [null]) {
            yield { value: slice(target.value, from, to), path: target.path && [...target.path, { start: from, end: to }] }
          }
        }
      }
      return
    case 'iterate':
      for (const target of run(filter.target, input, scope)) yield* iterate(target)
      return
    case 'try':
      try {
        yield* run(filter.body, input, scope)
      } catch (error) {
        if (!(error instanceof JqError)) throw error
        if (error.value !== null && isObject(error.value) && error.value['__break']) throw error
        if (filter.handler) yield* run(filter.handler, fresh(error.value), scope)
      }
      return
    case 'pipe':
      for (const middle of run(filter.left, input, scope)) yield* run(filter.right, middle, scope)
      return
    case 'comma':
      yield* run(filter.left, input, scope)
      yield* run(filter.right, input, scope)
      return
    case 'negate':
      for (const value of values(filter.operand, input.value, scope)) {
        if (typeof value !== 'number') throw new JqError(`${describe(value)} cannot be negated`)
        yield fresh(-value)
      }
      return
    case 'operator':
      yield* operate(filter, input, scope)
      return
    case 'assign':
      yield* assign(filter, input, scope)
      return
    case 'array':
      yield fresh(filter.body ? [...values(filter.body, input.value, scope)] : [])
      return
    case 'object':
      for (const value of objects(filter.entries, 0, input.value, scope)) yield fresh(value)
      return
    case 'bind':
      for (const value of values(filter.source, input.value, scope))
        yield* run(filter.body, input, bind(filter.pattern, value, input.value, scope))
      return
    case 'if':
      for (const test of values(filter.test, input.value, scope)) {
        if (isTrue(test)) yield* run(filter.yes, input, scope)
        else if (filter.no) yield* run(filter.no, input, scope)
        else yield input
      }
      return
    case 'reduce':
    case 'foreach':
      for (const start of values(filter.start, input.value, scope)) {
        let state = start
        for (const item of values(filter.source, input.value, scope)) {
          const inner = bind(filter.pattern, item, input.value, scope)
          let last: Json = null
          for (const next of values(filter.update, state, inner)) {
            last = next
            if (filter.kind === 'foreach') for (const out of filter.extract ? values(filter.extract, next, inner) : [next]) yield fresh(out)
          }
          state = last
        }
        if (filter.kind === 'reduce') yield fresh(state)
      }
      return
    case 'define': {
      const functions = new Map(scope.functions)
      const inner: Scope = { ...scope, functions }
      functions.set(`${filter.name}/${filter.parameters.length}`, { parameters: filter.parameters, body: filter.body, scope: inner })
      yield* run(filter.rest, input, inner)
      return
    }
    case 'call':
      yield* call(filter, input, scope)
  }
}

function lookUp(name: string, scope: Scope): Json {
  if (name === 'ENV') return { ...scope.process.env }
  const value = scope.variables.get(name)
  if (value === undefined) throw new ToolError(`error: $${name} is not defined at <top-level>`, 3)
  return value
}

function* recurse(input: At): Generator<At> {
  yield input
  if (input.value !== null && typeof input.value === 'object') for (const child of iterate(input)) yield* recurse(child)
}

function* iterate({ value, path }: At): Generator<At> {
  if (Array.isArray(value)) for (const [at, item] of value.entries()) yield { value: item, path: path && [...path, at] }
  else if (isObject(value)) for (const [key, item] of Object.entries(value)) yield { value: item, path: path && [...path, key] }
  else throw new JqError(value === null ? 'Cannot iterate over null' : `Cannot iterate over ${describe(value)}`)
}

function* interpolate(parts: readonly (string | Filter)[], format: string, input: Json, scope: Scope): Generator<string> {
  const [first, ...rest] = parts
  if (first === undefined) {
    yield ''
    return
  }
  const heads = typeof first === 'string' ? [first] : values(first, input, scope)
  for (const head of heads) {
    const text = typeof first === 'string' ? first : applyFormat(format, head)
    for (const tail of interpolate(rest, format, input, scope)) yield text + tail
  }
}

function* objects(
  entries: readonly (readonly [Filter, Filter])[],
  at: number,
  input: Json,
  scope: Scope,
): Generator<{ [key: string]: Json }> {
  const entry = entries[at]
  if (!entry) {
    yield {}
    return
  }
  for (const key of values(entry[0], input, scope)) {
    if (typeof key !== 'string') throw new JqError(`Object keys must be strings`)
    for (const value of values(entry[1], input, scope))
      for (const rest of objects(entries, at + 1, input, scope)) yield { [key]: value, ...rest }
  }
}

function bind(pattern: Pattern, value: Json, input: Json, scope: Scope): Scope {
  const variables = new Map(scope.variables)
  const visit = (part: Pattern, at: Json): void => {
    if (part.kind === 'name') variables.set(part.name, at)
    else if (part.kind === 'array') for (const [position, item] of part.items.entries()) visit(item, index(at, position))
    else for (const [key, item] of part.entries) for (const name of values(key, input, scope)) visit(item, index(at, name))
  }
  visit(pattern, value)
  return { ...scope, variables }
}

function* operate(filter: Extract<Filter, { kind: 'operator' }>, input: At, scope: Scope): Generator<At> {
  const fresh = (value: Json): At => ({ value, path: undefined })
  const { operator, left, right } = filter
  if (operator === '//') {
    let any = false
    try {
      for (const item of run(left, input, scope)) {
        if (!isTrue(item.value)) continue
        any = true
        yield item
      }
    } catch (error) {
      if (!(error instanceof JqError)) throw error
    }
    if (!any) yield* run(right, input, scope)
    return
  }
  if (operator === 'and' || operator === 'or') {
    for (const a of values(left, input.value, scope)) {
      if (isTrue(a) === (operator === 'or')) yield fresh(operator === 'or')
      else for (const b of values(right, input.value, scope)) yield fresh(isTrue(b))
    }
    return
  }
  for (const b of values(right, input.value, scope)) {
    for (const a of values(left, input.value, scope)) {
      const order = /[<>=]/.test(operator) ? compare(a, b) : 0
      switch (operator) {
        case '==':
          yield fresh(order === 0)
          break
        case '!=':
          yield fresh(order !== 0)
          break
        case '<':
          yield fresh(order < 0)
          break
        case '<=':
          yield fresh(order <= 0)
          break
        case '>':
          yield fresh(order > 0)
          break
        case '>=':
          yield fresh(order >= 0)
          break
        default:
          yield fresh(arithmetic(operator, a, b))
      }
    }
  }
}

/** The paths that a path expression names. Throws `JqError` where it is none. */
export function* paths(filter: Filter, input: Json, scope: Scope): Generator<readonly Json[]> {
  for (const { path, value } of run(filter, { value: input, path: [] }, scope)) {
    if (!path) throw new JqError(`Invalid path expression with result ${describe(value).replace(/^\w+ \((.*)\)$/, '$1')}`)
    yield path
  }
}

function* assign(filter: Extract<Filter, { kind: 'assign' }>, input: At, scope: Scope): Generator<At> {
  const { operator, left, right } = filter
  if (operator === '|=') {
    let result = input.value
    const removed: (readonly Json[])[] = []
    for (const path of [...paths(left, input.value, scope)]) {
      const next = values(right, getPath(result, path), scope).next()
      if (next.done) removed.push(path)
      else result = setPath(result, path, next.value)
    }
    for (const path of removed.reverse()) result = deletePath(result, path)
    yield { value: result, path: undefined }
    return
  }
  for (const value of values(right, input.value, scope)) {
    let result = input.value
    for (const path of [...paths(left, input.value, scope)]) {
      const before = getPath(result, path)
      const after =
        operator === '=' ? value : operator === '//=' ? (isTrue(before) ? before : value) : arithmetic(operator[0] as string, before, value)
      result = setPath(result, path, after)
    }
    yield { value: result, path: undefined }
  }
}

export function getPath(value: Json, path: readonly Json[]): Json {
  let at = value
  for (const key of path) at = index(at, key)
  return at
}

function* call(filter: Extract<Filter, { kind: 'call' }>, input: At, scope: Scope): Generator<At> {
  const { name } = filter
  const given = filter.arguments
  const key = `${name}/${given.length}`
  const own = scope.functions.get(key)
  if (own && 'filter' in own) {
    yield* run(own.filter, input, own.scope)
    return
  }
  const definition: Definition | undefined = own ?? withScope(library(name, given.length), scope)
  if (definition) {
    yield* apply(definition, given, input, scope)
    return
  }
  const builtin = builtins[key]
  if (!builtin) throw new ToolError(`error: ${key} is not defined at <top-level>`, 3)
  yield* builtin(input, given, scope)
}

function withScope(found: { parameters: readonly string[]; body: Filter } | undefined, scope: Scope): Definition | undefined {
  return found && { ...found, scope: { ...scope, functions: new Map() } }
}

function* apply(
  definition: Definition,
  given: readonly Filter[],
  input: At,
  scope: Scope,
  at = 0,
  bound = definition.scope,
): Generator<At> {
  const parameter = definition.parameters[at]
  if (parameter === undefined) {
    yield* run(definition.body, input, bound)
    return
  }
  const filter = given[at] as Filter
  if (!parameter.startsWith('$')) {
    const functions = new Map(bound.functions).set(`${parameter}/0`, { filter, scope })
    yield* apply(definition, given, input, scope, at + 1, { ...bound, functions })
    return
  }
  for (const value of values(filter, input.value, scope)) {
    const variables = new Map(bound.variables).set(parameter.slice(1), value)
    const functions = new Map(bound.functions).set(`${parameter.slice(1)}/0`, { filter: { kind: 'literal', value }, scope })
    yield* apply(definition, given, input, scope, at + 1, { ...bound, variables, functions })
  }
}
