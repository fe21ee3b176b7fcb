import { Environment, Optional } from '@marcbachmann/cel-js'
import { sameJson } from '../../json.ts'
import type { FieldError } from '../definition.ts'
import { duplicate, forbidden, invalid, required } from '../fields.ts'
import { registerKubernetesFunctions } from './cel-functions.ts'
import { understoodRule } from './cel-text.ts'
import { celValue } from './cel-values.ts'
import { fieldOf, isFields, itemsOf, type Schema, someSchema, type ValidationRule } from './schema.ts'
import { earlierElements } from './values.ts'

type Program = (variables: { self: unknown; oldSelf?: unknown }) => unknown
export type Compiled = { readonly run: Program } | { readonly error: string }

let environment: Environment | undefined
const programs = new Map<string, Compiled>()
const programsAtMost = 2_000

/** One expression over `self` and `oldSelf`. Values are dynamically typed: a wrong type shows when the rule runs. */
export function compileRule(text: string): Compiled {
  const known = programs.get(text)
  if (known) return known
  if (!environment) {
    environment = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true })
    environment.registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn')
    registerKubernetesFunctions(environment)
  }
  const understood = understoodRule(text)
  const { valid, error } = environment.check(understood)
  const compiled: Compiled = valid ? { run: environment.parse(understood) } : { error: firstLine(error) }
  if (programs.size >= programsAtMost) programs.clear()
  programs.set(text, compiled)
  return compiled
}

export function usesOldSelf(text: string): boolean {
  return /\boldSelf\b/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""'))
}

const ruled = new WeakMap<Schema, boolean>()

/** Whether anything at or below the schema has rules. */
export function hasRules(schema: Schema): boolean {
  let known = ruled.get(schema)
  if (known === undefined) ruled.set(schema, (known = someSchema(schema, (one) => Boolean(one['x-kubernetes-validations']?.length))))
  return known
}

/**
 * What `x-kubernetes-validations` say of an object (pkg/apiserver/schema/cel): rules with `oldSelf` hold between two states that can be told to
 * be of the same thing, and what an update leaves alone is not complained about. Cost limits are not modelled.
 */
export function ruleErrors(object: unknown, schema: Schema, previous: unknown): FieldError[] {
  return hasRules(schema) ? check({ value: object, old: previous, schema, path: '', root: true, unchanged: false }) : []
}

interface At {
  readonly value: unknown
  /** Undefined where there was none, or nobody can tell which it was. */
  readonly old: unknown
  readonly schema: Schema
  readonly path: string
  readonly root: boolean
  /** The nearest thing around it that can be told apart is as it was. */
  readonly unchanged: boolean
}

function check(at: At): FieldError[] {
  const { value, old, schema, path } = at
  if (value === undefined || value === null || !hasRules(schema)) return []
  const unchanged = old === undefined ? at.unchanged : sameJson(value, old)
  const errors = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => evaluate(rule, { ...at, unchanged }))
  for (const one of schema.allOf ?? []) errors.push(...check({ ...at, schema: one }))
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    const earlier = earlierElements(schema, old)
    if (items) {
      value.forEach((element, index) => {
        errors.push(
          ...check({ value: element, old: earlier(element), schema: items, path: `${path}[${index}]`, root: embedded(items), unchanged }),
        )
      })
    }
  } else if (isFields(value)) {
    const before = isFields(old) && schema['x-kubernetes-map-type'] !== 'atomic' ? old : {}
    for (const [name, inner] of Object.entries(value)) {
      const below = fieldOf(schema, name)
      if (!below) continue
      const isProperty = schema.properties !== undefined && Object.hasOwn(schema.properties, name)
      const next = isProperty ? (path === '' ? name : `${path}.${name}`) : `${path}[${name}]`
      errors.push(...check({ value: inner, old: before[name], schema: below, path: next, root: embedded(below), unchanged }))
    }
  }
  return errors
}

const embedded = (schema: Schema) => schema['x-kubernetes-embedded-resource'] === true

function evaluate(rule: ValidationRule, { value, old, schema, path, root, unchanged }: At): FieldError[] {
  const transition = usesOldSelf(rule.rule)
  if (transition && old === undefined && !rule.optionalOldSelf) return []
  if (!transition && unchanged) return []
  const compiled = compileRule(rule.rule)
  const type = schema.type ?? ''
  const field = path === '' ? '<nil>' : path
  if ('error' in compiled) return [invalid(field, type, `rule compile error: ${compiled.error}`)]
  const self = celValue(value, schema, root)
  const before = old === undefined ? undefined : celValue(old, schema, root)
  const oldSelf = rule.optionalOldSelf ? (before === undefined ? Optional.none() : Optional.of(before)) : before
  const variables = transition ? { self, oldSelf } : { self }
  try {
    if (compiled.run(variables) === true) return []
  } catch (error) {
    return [invalid(field, type, `${lowerFirst(firstLine(error))} evaluating rule: ${(rule.message ?? rule.rule).trim()}`)]
  }
  const place = rule.fieldPath ? joined(path, rule.fieldPath) : field
  const detail = messageOf(rule, variables)
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return [forbidden(place, detail)]
    case 'FieldValueRequired':
      return [required(place, detail)]
    case 'FieldValueDuplicate':
      return [duplicate(place, type)]
    default:
      return [invalid(place, type, detail)]
  }
}

function messageOf(rule: ValidationRule, variables: { self: unknown; oldSelf?: unknown }): string {
  const compiled = rule.messageExpression ? compileRule(rule.messageExpression) : undefined
  if (compiled && 'run' in compiled) {
    try {
      const text = compiled.run(variables)
      if (typeof text === 'string' && text.trim() !== '' && !text.trim().includes('\n')) return text.trim()
    } catch {
      // As upstream: a message that cannot be made is replaced by the fixed one.
    }
  }
  return rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`
}

function joined(path: string, fieldPath: string): string {
  const rest = fieldPath.replaceAll(/\['((?:[^'\\]|\\.)*)'\]/g, '.$1').replace(/^\./, '')
  return path === '' ? rest : `${path}.${rest}`
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
