import { type Fields, isFields } from './schema.ts'

/** One step of a simple path: a field's name, an index, every element, or those whose field equals a text. */
type Step = string | number | '*' | { readonly field: readonly string[]; readonly equals: string | number | boolean }

/**
 * The paths of printer columns: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `.metadata.labels.app\.kubernetes\.io/name`.
 * Undefined where the text is none of them.
 */
export function parsePath(text: string): readonly Step[] | undefined {
  const steps: Step[] = []
  let rest = text
  while (rest !== '' && rest !== '.') {
    const filter = /^\[\?\(\s*@((?:\.[\w$/-]+)+)\s*==\s*(?:"([^"]*)"|'([^']*)'|(\d+|true|false))\s*\)\]/.exec(rest)
    const name = /^\.((?:\\.|[^.[\]\\])+)/.exec(rest)
    const index = /^\.?\[(?:(\d+)|(\*)|'([^']*)'|"([^"]*)")\]/.exec(rest)
    if (filter) {
      const [, field = '', double, single, bare] = filter
      const equals = bare === undefined ? (double ?? single ?? '') : (JSON.parse(bare) as number | boolean)
      steps.push({ field: field.slice(1).split('.'), equals })
    } else if (name) steps.push(name[1] === '*' ? '*' : name[1]!.replaceAll(/\\(.)/g, '$1'))
    else if (index) steps.push(index[1] !== undefined ? Number(index[1]) : index[2] ? '*' : (index[3] ?? index[4] ?? ''))
    else return undefined
    rest = rest.slice((filter ?? name ?? index)![0].length)
  }
  return steps
}

/** The first value at the path, undefined where there is none. */
export function firstAt(value: unknown, steps: readonly Step[]): unknown {
  let found: readonly unknown[] = [value]
  for (const step of steps) found = found.flatMap((one) => next(one, step))
  return found[0]
}

function next(value: unknown, step: Step): readonly unknown[] {
  if (step === '*') return Array.isArray(value) ? value : isFields(value) ? Object.values(value) : []
  if (typeof step === 'number') return Array.isArray(value) && value[step] !== undefined ? [value[step]] : []
  if (typeof step === 'string') return isFields(value) && value[step] !== undefined ? [value[step]] : []
  if (!Array.isArray(value)) return []
  return value.filter(
    (element) => step.field.reduce<unknown>((one, name) => (isFields(one) ? one[name] : undefined), element) === step.equals,
  )
}

/** `.spec.replicas` as names; what the scale subresource and selectable fields may use. */
export function dotted(path: string): readonly string[] {
  return path.replace(/^\./, '').split('.')
}

export function valueAt(value: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>((one, name) => (isFields(one) ? one[name] : undefined), value)
}

export function withValueAt<T extends object>(object: T, [name, ...rest]: readonly string[], value: unknown): T {
  if (name === undefined) return object
  const inner = (object as Fields)[name]
  return { ...object, [name]: rest.length === 0 ? value : withValueAt(isFields(inner) ? inner : {}, rest, value) }
}
