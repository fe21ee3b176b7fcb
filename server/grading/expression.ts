import { Environment } from '@marcbachmann/cel-js'

/** CEL as Kubernetes uses it: https://kubernetes.io/docs/reference/using-api/cel/ */
export type Expression = (values: Readonly<Record<string, unknown>>) => unknown

const cache = new Map<string, Expression>()

/** Throws where the text is no CEL or uses a name that is not in `names`. */
export function compileExpression(text: string, names: readonly string[]): Expression {
  const key = JSON.stringify([text, names])
  const known = cache.get(key)
  if (known !== undefined) return known
  const environment = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true })
  for (const name of names) environment.registerVariable(name, 'dyn')
  const checked = environment.check(text)
  if (!checked.valid) throw checked.error ?? new Error('it cannot be read')
  const parsed = environment.parse(text)
  const expression: Expression = (values) => parsed(Object.fromEntries(names.map((name) => [name, withIntegers(values[name] ?? null)])))
  cache.set(key, expression)
  return expression
}

/** JSON's whole numbers are ints to CEL, and cel-js holds ints as bigint. */
function withIntegers(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(withIntegers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withIntegers(each)]))
}
