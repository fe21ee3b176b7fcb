import type { Document, LineCounter, Node, Pair } from 'yaml'
import { isMap, isNode, isPair, isScalar } from 'yaml'
import type { z } from 'zod'
import { checkKinds, labSchema, laterKinds } from './schema.ts'

/** What is wrong with a lab, and where: everything an author needs to mend it. */
export interface LabProblem {
  /** Relative to the folder of labs: `broken-dns/lab.yaml`. */
  readonly file: string
  readonly line?: number
  readonly column?: number
  /** `tasks[0].points` */
  readonly path?: string
  readonly message: string
}

export function describeProblem(problem: LabProblem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}:${problem.column ?? 1}`
  return `${place}: ${problem.path === undefined || problem.path === '' ? '' : `${problem.path}: `}${problem.message}`
}

type Path = readonly PropertyKey[]

/** Line and column of a zod issue come from the YAML node at its path, or the nearest one above it. */
export function problemsOf(error: z.ZodError, document: Document, lines: LineCounter, file: string, value: unknown): LabProblem[] {
  return error.issues.flatMap((issue) => expand(issue as z.core.$ZodIssue, document, lines, file, value))
}

function expand(issue: z.core.$ZodIssue, document: Document, lines: LineCounter, file: string, root: unknown): LabProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const allowed = allowedKeys(issue)
    return issue.keys.map((key) => ({
      file,
      ...place(keyNode(document, issue.path, key), lines),
      path: pathText(issue.path),
      message: unknownKey(key, allowed),
    }))
  }
  if (issue.code === 'invalid_union') {
    // The branch that got furthest is the one that the author meant.
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0]
    if (deepest !== undefined && deepest.path.length > 0) {
      return expand({ ...deepest, path: [...issue.path, ...deepest.path] } as z.core.$ZodIssue, document, lines, file, root)
    }
  }
  const found = at(root, issue.path)
  return [
    {
      file,
      ...place(nearestNode(document, issue.path), lines),
      path: pathText(issue.path),
      message: found === undefined ? `is missing; ${allowedText(issue)}` : `found ${show(found)}; ${allowedText(issue)}`,
    },
  ]
}

function unknownKey(key: string, allowed: readonly string[]): string {
  if ((laterKinds as readonly string[]).includes(key)) {
    return `the check kind \`${key}\` is not supported by this version; supported kinds: ${checkKinds.join(', ')}`
  }
  const near = allowed.find((each) => distance(each, key) <= 2)
  return `unknown field \`${key}\`${near === undefined ? '' : `, did you mean \`${near}\`?`}${allowed.length === 0 ? '' : ` Allowed: ${allowed.join(', ')}`}`
}

/** Keys of the schema at a path, found by walking it: zod's issues do not carry them. */
function allowedKeys(issue: z.core.$ZodIssue): readonly string[] {
  let schemas: z.core.$ZodType[] = [labSchema]
  for (const key of issue.path) schemas = schemas.flatMap((schema) => branches(schema)).flatMap((schema) => child(schema, key))
  return [...new Set(schemas.flatMap((schema) => branches(schema)).flatMap((schema) => Object.keys(defOf(schema).shape ?? {})))]
}

interface Def {
  readonly innerType?: z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly element?: z.core.$ZodType
  readonly valueType?: z.core.$ZodType
}

function defOf(schema: z.core.$ZodType): Def {
  return schema._zod.def as Def
}

/** Without what wraps it (optional, default), and each branch of a union. */
function branches(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { innerType, options } = defOf(schema)
  if (innerType !== undefined) return branches(innerType)
  return options === undefined ? [schema] : options.flatMap(branches)
}

function child(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType[] {
  const def = defOf(schema)
  const found = typeof key === 'number' ? def.element : (def.shape?.[String(key)] ?? def.valueType)
  return found === undefined ? [] : [found]
}

function allowedText(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `allowed: ${typeNames[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `allowed: ${issue.values.map((value) => String(value)).join(', ')}`
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `it must have at least ${issue.minimum}`
        : `allowed: at least ${issue.minimum}`
    case 'too_big':
      return `allowed: at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`
    case 'invalid_union':
      return `allowed: ${[...new Set(issue.errors.flat().map((each) => allowedText(each).replace(/^allowed: /, '')))].join('; or ')}`
    default:
      return `allowed: ${issue.message}`
  }
}

const typeNames: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  boolean: 'true or false',
}

export function place(node: Node | undefined, lines: LineCounter): { line?: number; column?: number } {
  const offset = node?.range?.[0]
  if (offset === undefined) return { line: 1, column: 1 }
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}

export function nearestNode(document: Document, path: Path): Node | undefined {
  for (let length = path.length; length >= 0; length--) {
    const part = path.slice(0, length)
    const node = length === 0 ? document.contents : document.getIn(part, true)
    if (isNode(node)) return node
  }
  return undefined
}

function keyNode(document: Document, path: Path, key: string): Node | undefined {
  const map = path.length === 0 ? document.contents : document.getIn(path, true)
  if (!isMap(map)) return nearestNode(document, path)
  const pair = map.items.find((item): item is Pair<Node> => isPair(item) && isScalar(item.key) && String(item.key.value) === key)
  return pair?.key ?? map
}

function at(root: unknown, path: Path): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  )
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return `a map with ${Object.keys(value).join(', ') || 'nothing'}`
  return String(value)
}

/** Levenshtein's, for "did you mean". */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}
