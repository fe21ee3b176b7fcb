import type { Part, Word } from './syntax.ts'

/** bash's brace expansion: `{a,b}` and `{1..5..2}`, before any other expansion. */
export function expandBraces(word: Word): Word[] {
  if (!word.parts.some((part) => part.kind === 'text' && !part.quoted && part.text.includes('{'))) return [word]
  return expand(word.parts).map((parts) => ({ parts, source: word.source }))
}

type Item = Part | string

function expand(parts: readonly Part[]): Part[][] {
  // Unquoted text by the character, the rest as it is: braces can span quoted parts.
  const items: Item[] = parts.flatMap((part): Item[] => (part.kind === 'text' && !part.quoted ? part.text.split('') : [part]))
  return expandItems(items).map(merge)
}

function merge(items: Item[]): Part[] {
  const parts: Part[] = []
  for (const item of items) {
    const last = parts.at(-1)
    if (typeof item !== 'string') parts.push(item)
    else if (last?.kind === 'text' && !last.quoted) parts[parts.length - 1] = { ...last, text: last.text + item }
    else parts.push({ kind: 'text', text: item, quoted: false })
  }
  return parts
}

function expandItems(items: Item[]): Item[][] {
  for (let open = 0; open < items.length; open++) {
    if (items[open] !== '{') continue
    const found = closing(items, open)
    if (!found) continue
    const { close, commas } = found
    const before = items.slice(0, open)
    const after = expandItems(items.slice(close + 1))
    const alternatives = commas.length > 0 ? listed(items, open, close, commas) : sequence(items.slice(open + 1, close))
    if (!alternatives) continue
    return alternatives.flatMap((middle) => after.map((rest) => [...before, ...middle, ...rest]))
  }
  return [items]
}

function closing(items: Item[], open: number): { close: number; commas: number[] } | undefined {
  const commas: number[] = []
  let depth = 0
  for (let i = open; i < items.length; i++) {
    if (items[i] === '{') depth++
    else if (items[i] === ',' && depth === 1) commas.push(i)
    else if (items[i] === '}' && --depth === 0) return { close: i, commas }
  }
  return undefined
}

function listed(items: Item[], open: number, close: number, commas: number[]): Item[][] {
  const edges = [open, ...commas, close]
  return edges.slice(1).flatMap((end, i) => expandItems(items.slice((edges[i] as number) + 1, end)))
}

function sequence(items: Item[]): Item[][] | undefined {
  if (items.some((item) => typeof item !== 'string')) return undefined
  const match = /^(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?$/.exec(items.join(''))
  if (!match) return undefined
  const [, first, last, by] = match as unknown as [string, string, string, string | undefined]
  const letters = /^[A-Za-z]$/.test(first)
  if (letters !== /^[A-Za-z]$/.test(last)) return undefined
  const from = letters ? first.charCodeAt(0) : Number(first)
  const to = letters ? last.charCodeAt(0) : Number(last)
  const step = Math.max(1, Math.abs(Number(by ?? 1)))
  const width = /^-?0\d/.test(first) || /^-?0\d/.test(last) ? Math.max(first.length, last.length) : 0
  const out: Item[][] = []
  for (let i = 0; i <= Math.abs(to - from) / step; i++) {
    const value = from + (to < from ? -1 : 1) * i * step
    const digits = `${Math.abs(value)}`.padStart(value < 0 ? width - 1 : width, '0')
    out.push((letters ? String.fromCharCode(value) : `${value < 0 ? '-' : ''}${digits}`).split(''))
  }
  return out
}
