import { sameJson } from '../../json.ts'
import type { FieldError } from '../definition.ts'
import { invalid, required, tooMany } from '../fields.ts'
import { enumErrors, formatErrors, numberErrors, textErrors, typeErrors } from './scalars.ts'
import { type Fields, isFields, itemsOf, type Schema, valuesOf } from './schema.ts'

/** What is wrong with a value, and how many of its checks passed: of several alternatives the one that fits best is quoted. */
interface Verdict {
  readonly errors: FieldError[]
  passed: number
}

/**
 * What is wrong with a value by its schema, in the sentences of kube-openapi's pkg/validation/validate. What an update leaves as it was
 * is not complained about (CRD validation ratcheting, KEP-4008): `previous` is the value before, undefined on create.
 */
export function valueErrors(value: unknown, schema: Schema, previous?: unknown, path = ''): FieldError[] {
  return judge(value, schema, previous, path).errors
}

function judge(value: unknown, schema: Schema, previous: unknown, path: string): Verdict {
  const verdict: Verdict = { errors: [], passed: 1 }
  if (previous !== undefined && sameJson(value, previous)) return verdict
  const note = (errors: readonly FieldError[]) => {
    verdict.errors.push(...errors)
    verdict.passed++
  }
  note(typeErrors(value, schema, path))
  if (verdict.errors.length === 0) verdict.passed++
  if (value === null || value === undefined) {
    note(enumErrors(value ?? null, schema, path))
    return verdict
  }
  merge(verdict, junctors(value, schema, path))
  if (typeof value === 'string') {
    note(textErrors(value, schema, path))
    note(formatErrors(value, schema, path))
  }
  if (typeof value === 'number') note(numberErrors(value, schema, path))
  if (Array.isArray(value)) merge(verdict, list(value, schema, previous, path))
  note(enumErrors(value, schema, path))
  if (isFields(value)) merge(verdict, fields(value, schema, isFields(previous) ? previous : undefined, path))
  return verdict
}

function merge(into: Verdict, from: Verdict): void {
  into.errors.push(...from.errors)
  into.passed += from.passed
}

function junctors(value: unknown, schema: Schema, path: string): Verdict {
  const verdict: Verdict = { errors: [], passed: 1 }
  const { anyOf = [], oneOf = [], allOf = [], not } = schema
  if (anyOf.length > 0) {
    const verdicts = anyOf.map((one) => judge(value, one, undefined, path))
    if (!verdicts.some(valid)) {
      verdict.errors.push(whole(`${JSON.stringify(path)} must validate at least one schema (anyOf)`))
      merge(verdict, best(verdicts))
    }
  }
  if (oneOf.length > 0) {
    const verdicts = oneOf.map((one) => judge(value, one, undefined, path))
    const fitting = verdicts.filter(valid).length
    if (fitting !== 1) {
      const found = fitting === 0 ? 'Found none valid' : `Found ${fitting} valid alternatives`
      verdict.errors.push(whole(`${JSON.stringify(path)} must validate one and only one schema (oneOf). ${found}`))
      if (fitting === 0) merge(verdict, best(verdicts))
    }
  }
  if (allOf.length > 0) {
    const verdicts = allOf.map((one) => judge(value, one, undefined, path))
    for (const one of verdicts) merge(verdict, one)
    if (!verdicts.every(valid)) {
      const none = verdicts.some(valid) ? '' : '. None validated'
      verdict.errors.push(whole(`${JSON.stringify(path)} must validate all the schemas (allOf)${none}`))
    }
  }
  if (not && valid(judge(value, not, undefined, path))) {
    verdict.errors.push(whole(`${JSON.stringify(path)} must not validate the schema (not)`))
  }
  return verdict
}

const valid = ({ errors }: Verdict) => errors.length === 0
const best = (verdicts: readonly Verdict[]) => verdicts.reduce((before, one) => (one.passed > before.passed ? one : before))

/** Upstream names no field here, which prints as Go's nil. */
function whole(sentence: string): FieldError {
  return invalid('<nil>', '', sentence)
}

function list(value: readonly unknown[], schema: Schema, previous: unknown, path: string): Verdict {
  const verdict: Verdict = { errors: [], passed: 1 }
  const items = itemsOf(schema)
  if (items) {
    const before = earlierElements(schema, previous)
    for (const [index, element] of value.entries()) merge(verdict, judge(element, items, before(element), `${path}[${index}]`))
  }
  const { minItems, maxItems, uniqueItems } = schema
  if (minItems !== undefined && value.length < minItems) {
    verdict.errors.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`))
  }
  if (maxItems !== undefined && value.length > maxItems) verdict.errors.push(tooMany(path, value.length, maxItems))
  if (uniqueItems && value.some((one, index) => value.slice(0, index).some((other) => sameJson(one, other)))) {
    verdict.errors.push(invalid(path, '', `${path} in body shouldn't contain duplicates`))
  }
  return verdict
}

/** Finds what an element was before: only lists of type `map` can tell. */
export function earlierElements(schema: Schema, previous: unknown): (element: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(previous)) return () => undefined
  const keyOf = (element: unknown) => JSON.stringify(keys.map((key) => (isFields(element) ? element[key] : undefined)))
  const before = new Map(previous.map((element) => [keyOf(element), element]))
  return (element) => before.get(keyOf(element))
}

function fields(value: Fields, schema: Schema, previous: Fields | undefined, path: string): Verdict {
  const verdict: Verdict = { errors: [], passed: 0 }
  const { minProperties, maxProperties, properties = {}, required: needed = [] } = schema
  const count = Object.keys(value).length
  if (minProperties !== undefined && count < minProperties) {
    verdict.errors.push(invalid(path, count, `${path} in body should have at least ${minProperties} properties`))
    return verdict
  }
  if (maxProperties !== undefined && count > maxProperties) {
    verdict.errors.push(tooMany(path, count, maxProperties))
    return verdict
  }
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  const values = valuesOf(schema)
  for (const [name, inner] of Object.entries(value)) {
    if (Object.hasOwn(properties, name) || inner === undefined) continue
    if (schema.additionalProperties === false) {
      verdict.errors.push(invalid(path, name, `${path}.${name} in body is a forbidden property`))
    } else if (values) merge(verdict, judge(inner, values, previous?.[name], at(name)))
  }
  for (const [name, property] of Object.entries(properties)) {
    if (value[name] !== undefined) merge(verdict, judge(value[name], property, previous?.[name], at(name)))
  }
  for (const name of needed) if (value[name] === undefined) verdict.errors.push(required(at(name)))
  return verdict
}
