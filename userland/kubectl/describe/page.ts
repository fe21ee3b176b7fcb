import { escapeTerminal } from '../print/table.ts'
import { createTabWriter, describeSettings } from '../print/tabwriter.ts'

/** A description in the making: lines at levels of two spaces, cells divided by tabs; after kubectl's PrefixWriter. */
export interface Page {
  /** Writes text as it is, at a level. */
  write(level: number, text: string): void
  /** `Name:` and its value on one line; undefined and '' are left out by `field`, shown as `<none>` by `always`. */
  field(level: number, name: string, value: string | number | boolean | undefined | null): void
  always(level: number, name: string, value: string | number | undefined | null): void
  /** Columns written so far are settled. */
  flush(): void
  text(): string
}

/** With `aligned` off, cells stay divided by tabs: as `rollout history --revision` prints them. */
export function createPage(aligned = true): Page {
  const writer = createTabWriter(describeSettings)
  let done = ''
  const write = (level: number, text: string) => {
    const line = '  '.repeat(level) + escapeTerminal(text)
    if (aligned) writer.write(line)
    else done += line
  }
  return {
    write,
    field(level, name, value) {
      if (value !== undefined && value !== null && value !== '') write(level, `${name}:\t${value}\n`)
    },
    always(level, name, value) {
      write(level, `${name}:\t${value === undefined || value === null || value === '' ? '<none>' : value}\n`)
    },
    flush() {
      done += writer.flush()
    },
    text() {
      done += writer.flush()
      return done
    },
  }
}

type Pairs = Record<string, string> | undefined | null

/** `Labels:` over several lines, sorted. */
export function pairsBlock(page: Page, title: string, pairs: Pairs, indent = '', inner = '\t'): void {
  const keys = Object.keys(pairs ?? {}).sort()
  page.write(0, `${indent}${title}:${inner}`)
  if (keys.length === 0) return page.write(0, '<none>\n')
  keys.forEach((key, at) => {
    if (at > 0) page.write(0, inner)
    page.write(0, `${key}=${pairs?.[key]}\n`)
  })
}

const longestAnnotation = 140
const skipped = new Set(['kubectl.kubernetes.io/last-applied-configuration'])

export function annotationsBlock(page: Page, title: string, annotations: Pairs, inner = '\t'): void {
  const keys = Object.keys(annotations ?? {})
    .filter((key) => !skipped.has(key))
    .sort()
  page.write(0, `${title}:${inner}`)
  if (keys.length === 0) return page.write(0, '<none>\n')
  for (const [at, key] of keys.entries()) {
    if (at > 0) page.write(0, inner)
    const value = (annotations?.[key] ?? '').replace(/\n$/, '')
    if (value.length + key.length + 2 <= longestAnnotation && !value.includes('\n')) {
      page.write(0, `${key}: ${value}\n`)
      continue
    }
    page.write(0, `${key}:\n`)
    for (const line of value.split('\n'))
      page.write(0, `${inner}  ${line.length > longestAnnotation - 2 ? `${line.slice(0, longestAnnotation - 2)}...` : line}\n`)
  }
}

export interface Toleration {
  key?: string
  operator?: string
  value?: string
  effect?: string
  tolerationSeconds?: number
}

export function tolerationsBlock(page: Page, title: string, tolerations: readonly Toleration[] | undefined): void {
  page.write(0, `${title}:\t`)
  if (!tolerations || tolerations.length === 0) return page.write(0, '<none>\n')
  const sorted = [...tolerations].sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : (a.key ?? '') > (b.key ?? '') ? 1 : 0))
  sorted.forEach((one, at) => {
    if (at > 0) page.write(0, '\t')
    let text = one.key ?? ''
    if (one.value) text += `=${one.value}`
    if (one.effect) text += `:${one.effect}`
    // "exists" without a key tolerates everything and is written as the effect or the operator alone.
    if (one.operator === 'Exists' && !one.value) text += one.key || one.effect ? ' op=Exists' : 'op=Exists'
    if (one.tolerationSeconds !== undefined) text += ` for ${one.tolerationSeconds}s`
    page.write(0, `${text}\n`)
  })
}

/** A label selector in its string form; `none` where it selects nothing, `all` where it is empty. */
export function selectorText(selector: any, none = '<none>', all = '<none>'): string {
  if (!selector) return none
  const terms = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }))
  for (const one of selector.matchExpressions ?? []) {
    const values = [...(one.values ?? [])].sort().join(',')
    const texts: Record<string, string> = {
      In: `${one.key} in (${values})`,
      NotIn: `${one.key} notin (${values})`,
      Exists: one.key,
      DoesNotExist: `!${one.key}`,
    }
    terms.push({ key: one.key, text: texts[one.operator] ?? one.operator })
  }
  if (terms.length === 0) return all
  return terms
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map((one) => one.text)
    .join(',')
}
