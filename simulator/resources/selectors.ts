import type { LabelSelector } from 'kubernetes-types/meta/v1'
import type { FieldError } from './definition.ts'
import { forbidden, invalid, invalidEach, required } from './fields.ts'
import { validateLabels } from './metadata.ts'
import { isQualifiedName, isValidLabelValue } from './names.ts'

type Labels = Readonly<Record<string, string>> | undefined

/** One term of a selector in string form. `=` and `==` are `in` with one value. */
export interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'
  readonly values: readonly string[]
}

/** Object form. An absent selector matches nothing, an empty one everything (metav1.LabelSelectorAsSelector). */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (!selector) return false
  for (const key in selector.matchLabels) if (labelOf(labels, key) !== selector.matchLabels[key]) return false
  return (selector.matchExpressions ?? []).every((expression) => meetsRequirement(expression, labelOf(labels, expression.key)))
}

/** Own labels only: `constructor` is a valid key, and no label of an object without it. */
function labelOf(labels: Labels, key: string): string | undefined {
  return labels && Object.hasOwn(labels, key) ? labels[key] : undefined
}

/** Whether a value, or that there is none, meets a requirement; nothing meets an operator that does not exist. */
export function meetsRequirement(
  { operator, values = [] }: { readonly operator: string; readonly values?: readonly string[] },
  value: string | undefined,
): boolean {
  if (operator === 'Exists') return value !== undefined
  if (operator === 'DoesNotExist') return value === undefined
  if (operator === 'In') return value !== undefined && values.includes(value)
  if (operator === 'NotIn') return value === undefined || !values.includes(value)
  return false
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return !Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length
}

/** String form, as labels.Selector prints it: keys in order, `<none>` when empty. */
export function formatSelector(selector: LabelSelector | undefined): string {
  const text = selectorText(selector)
  return text || '<none>'
}

/** The same, but empty for an empty selector: what goes into `status.selector` of a Scale. */
export function selectorText(selector: LabelSelector | undefined): string {
  if (!selector) return ''
  const terms = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }))
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const list = `(${[...values].sort().join(',')})`
    const text = { Exists: key, DoesNotExist: `!${key}`, In: `${key} in ${list}`, NotIn: `${key} notin ${list}` }[operator]
    terms.push({ key, text: text ?? key })
  }
  return terms
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ text }) => text)
    .join(',')
}

/** `a=b,c=d` in key order; `<none>` when empty. */
export function formatLabels(labels: Labels): string {
  const keys = Object.keys(labels ?? {}).sort()
  return keys.length ? keys.map((key) => `${key}=${labels![key]}`).join(',') : '<none>'
}

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. Throws an Error whose message says what was found where something else was due. */
export function parseSelector(text: string): Requirement[] {
  const tokens = text.match(/\(|\)|,|!=|==|=|!|>|<|[^\s(),!=<>]+/g) ?? []
  const requirements: Requirement[] = []
  let at = 0
  const found = () => tokens[at] ?? ''
  const expect = (what: string) => new Error(`unable to parse requirement: found '${found()}', expected: ${what}`)
  const word = () => {
    const token = found()
    if (!token || /^[(),!=<>]/.test(token)) throw expect('identifier')
    at++
    return token
  }
  const value = () => (at < tokens.length && found() !== ',' ? word() : '')
  const set = () => {
    if (found() !== '(') throw expect("'('")
    at++
    const values: string[] = []
    for (;;) {
      values.push(found() === ',' || found() === ')' ? '' : word())
      if (found() === ')') break
      if (found() !== ',') throw expect("',' or ')'")
      at++
    }
    at++
    return values
  }
  while (at < tokens.length) {
    requirements.push(requirement())
    if (at >= tokens.length) break
    if (found() !== ',') throw expect("',' or 'end of string'")
    at++
    if (at >= tokens.length) throw new Error("found '', expected: identifier after ','")
  }
  for (const { key, operator, values } of requirements) {
    const sentences = [...isQualifiedName(key), ...values.flatMap((one) => isValidLabelValue(one))]
    if ((operator === 'gt' || operator === 'lt') && !/^[+-]?\d{1,18}$/.test(values[0] ?? '')) {
      sentences.push("for 'Gt', 'Lt' operators, the value must be an integer")
    }
    if (sentences.length) throw new Error(`unable to parse requirement: ${operator} ${key}: Invalid value: ${sentences.join('; ')}`)
  }
  return requirements

  function requirement(): Requirement {
    if (found() === '!') {
      at++
      return { key: word(), operator: '!', values: [] }
    }
    const key = word()
    const operator = found()
    if (operator === '' || operator === ',') return { key, operator: 'exists', values: [] }
    at++
    if (operator === '=' || operator === '==') return { key, operator: 'in', values: [value()] }
    if (operator === '!=') return { key, operator: 'notin', values: [value()] }
    if (operator === 'in' || operator === 'notin') return { key, operator, values: set() }
    if (operator === '>' || operator === '<') return { key, operator: operator === '>' ? 'gt' : 'lt', values: [word()] }
    at--
    throw expect('in, notin, =, ==, !=, gt, lt')
  }
}

/** Whether the labels meet every requirement of a parsed selector. */
export function matchesRequirements(requirements: readonly Requirement[], labels: Labels): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = labelOf(labels, key)
    if (operator === 'exists') return value !== undefined
    if (operator === '!') return value === undefined
    if (operator === 'in') return value !== undefined && values.includes(value)
    if (operator === 'notin') return value === undefined || !values.includes(value)
    if (value === undefined || !/^-?\d+$/.test(value)) return false
    return operator === 'gt' ? BigInt(value) > BigInt(values[0]!) : BigInt(value) < BigInt(values[0]!)
  })
}

/** After apimachinery's ValidateLabelSelector. */
export function validateSelector(field: string, selector: LabelSelector | undefined): FieldError[] {
  if (!selector) return []
  const errors = validateLabels(`${field}.matchLabels`, selector.matchLabels)
  for (const [index, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${index}]`
    if (operator === 'In' || operator === 'NotIn') {
      if (!values.length) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length) errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    } else errors.push(invalid(`${at}.operator`, operator ?? '', 'not a valid selector operator'))
    errors.push(...invalidEach(`${at}.key`, key ?? '', isQualifiedName(key ?? '')))
    values.forEach((value, position) => void errors.push(...invalidEach(`${at}.values[${position}]`, value, isValidLabelValue(value))))
  }
  return errors
}
