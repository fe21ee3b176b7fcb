import { naturalOrder } from './yaml.ts'
import { plainMeansString } from './yaml-scalar.ts'

/**
 * The dialect of YAML that KEP-5295 describes: braces and brackets always, strings always in double quotes, keys plain where they cannot be
 * taken for anything else. Keys are sorted, or left `inOrder` (objects of kubectl's own making). After sigs.k8s.io/yaml/kyaml.
 */
export function kyamlText(value: unknown, inOrder = false): string {
  return `${render(value, 0, !inOrder)}\n`
}

function render(value: unknown, indent: number, sorted: boolean): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return text(value, indent)
  if (Array.isArray(value)) return list(value, indent, sorted)
  return typeof value === 'object' ? record(value as Record<string, unknown>, indent, sorted) : String(value)
}

function record(object: Record<string, unknown>, indent: number, sorted: boolean): string {
  const keys = Object.keys(object).filter((key) => object[key] !== undefined)
  if (keys.length === 0) return '{}'
  const pad = ' '.repeat(indent + 2)
  if (sorted) keys.sort(naturalOrder)
  const lines = keys.map((key) => `${pad}${keyText(key)}: ${render(object[key], indent + 2, sorted)},\n`)
  return `{\n${lines.join('')}${' '.repeat(indent)}}`
}

/** Braces and brackets of the items cuddle; everything else has a line of its own. */
function list(items: readonly unknown[], indent: number, sorted: boolean): string {
  if (items.length === 0) return '[]'
  const cuddles = (item: unknown) => item !== null && typeof item === 'object'
  if (items.every(cuddles)) return `[${items.map((item) => render(item, indent, sorted)).join(', ')}]`
  const pad = ' '.repeat(indent + 2)
  return `[\n${items.map((item) => `${pad}${render(item, indent + 2, sorted)},\n`).join('')}${' '.repeat(indent)}]`
}

function keyText(key: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(key) && plainMeansString(key) ? key : JSON.stringify(key)
}

/** Several lines stand on several lines, each folded into the next by a backslash at its end. */
function text(value: string, indent: number): string {
  const body = (part: string) => JSON.stringify(part).slice(1, -1)
  if (!value.replace(/\n$/, '').includes('\n') && !value.endsWith('\n')) return `"${body(value)}"`
  const pad = ' '.repeat(indent + 2)
  const lines = value.split('\n')
  const last = lines.pop() ?? ''
  const rows = lines.map((line) => `${pad}${/^\s/.test(line) ? '\\' : ' '}${body(line)}\\n\\\n`)
  return `"\\\n${rows.join('')}${last === '' ? pad : `${pad} ${body(last)}\\\n${pad}`}"`
}
