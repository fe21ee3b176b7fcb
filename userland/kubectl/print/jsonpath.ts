import { Failure } from '../cli/failure.ts'
import { goQuoted, goSyntax } from './go-value.ts'
import { compactJson, jsonText, sorted } from './json.ts'
import type { Operand, Part, Step } from './jsonpath-parse.ts'
import { parsePath, parseTemplate } from './jsonpath-parse.ts'

/** Fills a template from `data`; missing fields print nothing. Throws for an index beyond an array's end. */
export function jsonPathText(template: string, data: unknown, missing: MissingKeys = 'default'): string {
  const parts = parseTemplate(template)
  const fill = (body: readonly Part[], root: unknown): string =>
    body
      .map((part) => {
        if (part.kind === 'text') return part.text
        if (part.kind === 'literal') return part.value
        if (part.kind === 'end') throw executionFailure(template, 'not in range, nothing to end', data)
        const found = follow(part.path, [root], { template, data, missing })
        if (part.kind === 'path') return found.map(valueText).join(' ')
        return found.map((item) => fill(part.body, item)).join('')
      })
      .join('')
  return fill(parts, data)
}

/** `-o jsonpath-as-json`: all that the template's paths find, as one array. */
export function jsonPathJson(template: string, data: unknown, missing: MissingKeys = 'default'): string {
  const found = parseTemplate(template).flatMap((part) =>
    part.kind === 'path' ? follow(part.path, [data], { template, data, missing }) : [],
  )
  return jsonText(found)
}

/** What a path such as `.metadata.name` or `{.metadata.name}` finds. */
export function lookUp(path: string, data: unknown): unknown[] {
  return follow(relaxedPath(path), [data], { template: path, data, missing: 'default' })
}

/** kubectl's relaxed form: with or without braces, with or without the leading dot. */
export function relaxedPath(text: string): Step[] {
  const inner = /^\{?\.?([^{}]*(?:\{[^}]*\}[^{}]*)*)\}?$/s.exec(text)?.[1] ?? text
  const fail = (problem: string): never => {
    throw new Failure(`error parsing jsonpath {.${inner}}, ${problem}`)
  }
  return parsePath(inner.startsWith('[') || inner === '' ? inner : `.${inner}`, fail)
}

export type MissingKeys = 'default' | 'error'
/** What a path belongs to: messages quote it. */
interface Asked {
  readonly template: string
  readonly data: unknown
  readonly missing: MissingKeys
}

function executionFailure(template: string, problem: string, data: unknown): Failure {
  return new Failure(
    `error executing jsonpath ${goQuoted(template)}: Error executing template: ${problem}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(data)}\n\n\n`,
  )
}

function follow(steps: readonly Step[], start: readonly unknown[], asked: Asked): unknown[] {
  let current = [...start]
  for (const step of steps) current = current.flatMap((value) => take(step, value, asked))
  return current
}

function take(step: Step, value: unknown, asked: Asked): unknown[] {
  switch (step.kind) {
    case 'field':
      if (isObject(value) && value[step.name] !== undefined) return [value[step.name]]
      if (asked.missing === 'error') throw executionFailure(asked.template, `${step.name} is not found`, asked.data)
      return []
    case 'wildcard':
      return Array.isArray(value) ? value : isObject(value) ? Object.values(sorted(value) as Record<string, unknown>) : []
    case 'recursive':
      return descendants(value)
    case 'index': {
      if (!Array.isArray(value)) return []
      const at = step.at < 0 ? value.length + step.at : step.at
      if (at < 0 || at >= value.length)
        throw executionFailure(asked.template, `array index out of bounds: index ${step.at}, length ${value.length}`, asked.data)
      return [value[at]]
    }
    case 'slice': {
      if (!Array.isArray(value)) return []
      const sliced = value.slice(step.from ?? 0, step.to ?? value.length)
      return step.step === 1 ? sliced : sliced.filter((_, at) => at % step.step === 0)
    }
    case 'union':
      return step.steps.flatMap((one) => take(one, value, asked))
    case 'filter': {
      if (!Array.isArray(value)) return []
      return value.filter((item) => holds(step, item, asked))
    }
  }
}

function holds(step: Extract<Step, { kind: 'filter' }>, item: unknown, asked: Asked): boolean {
  const evaluate = (operand: Operand): unknown[] =>
    'literal' in operand ? [operand.literal] : follow(operand.path, [item], { ...asked, missing: 'default' })
  const left = evaluate(step.left)
  if (step.operator === 'exists') return left.length > 0
  const right = step.right ? evaluate(step.right) : []
  if (left.length === 0 || right.length === 0) return false
  const [a, b] = [left[0] as never, right[0] as never]
  if (step.operator === '==') return a === b
  if (step.operator === '!=') return a !== b
  if (step.operator === '<') return a < b
  if (step.operator === '<=') return a <= b
  return step.operator === '>' ? a > b : a >= b
}

function descendants(value: unknown): unknown[] {
  const children = Array.isArray(value) ? value : isObject(value) ? Object.values(sorted(value) as Record<string, unknown>) : []
  return [value, ...children.flatMap(descendants)]
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function valueText(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? compactJson(value) : String(value)
}
