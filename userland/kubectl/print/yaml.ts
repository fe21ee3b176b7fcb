import { analyze, isPrintable, plainMeansString } from './yaml-scalar.ts'

/** Lines are folded at the first space past this column, as libyaml does. */
const bestWidth = 80

/**
 * An object as sigs.k8s.io/yaml prints it: keys sorted, lists at their key's own indentation, strings plain where that is unambiguous,
 * literal blocks for several lines, folding past column 80. After libyaml's emitter.
 */
export function yamlText(value: unknown): string {
  const writer: Writer = { text: '', column: 0 }
  node(writer, value, 0, 'root')
  return writer.text.endsWith('\n') ? writer.text : `${writer.text}\n`
}

interface Writer {
  text: string
  column: number
}

type Place = 'root' | 'value' | 'item'

function put(writer: Writer, text: string): void {
  writer.text += text
  const newline = text.lastIndexOf('\n')
  if (newline >= 0) writer.column = [...text.slice(newline + 1)].length
  else for (const _ of text) writer.column++
}

function node(writer: Writer, value: unknown, indent: number, place: Place): void {
  const space = place === 'root' ? '' : ' '
  if (value === null || value === undefined) return put(writer, `${space}null`)
  if (Array.isArray(value)) return sequence(writer, value, indent, place)
  if (typeof value === 'object') return mapping(writer, value as Record<string, unknown>, indent, place)
  put(writer, space)
  if (typeof value === 'string') return scalar(writer, value, indent + 2, false)
  put(writer, typeof value === 'number' ? numberText(value) : String(value))
}

function sequence(writer: Writer, items: readonly unknown[], indent: number, place: Place): void {
  if (items.length === 0) return put(writer, place === 'root' ? '[]' : ' []')
  const own = place === 'item' ? indent + 2 : indent
  items.forEach((item, at) => {
    if (place === 'item' && at === 0) put(writer, ' ')
    else newLine(writer, own)
    put(writer, '-')
    node(writer, item, own, 'item')
  })
}

function mapping(writer: Writer, object: Record<string, unknown>, indent: number, place: Place): void {
  const keys = Object.keys(object).filter((key) => object[key] !== undefined)
  if (keys.length === 0) return put(writer, place === 'root' ? '{}' : ' {}')
  const own = place === 'root' ? indent : indent + 2
  keys.sort(naturalOrder).forEach((key, at) => {
    if (place === 'item' && at === 0) put(writer, ' ')
    else newLine(writer, own)
    const explicit = [...key].length > 128 || key.includes('\n')
    if (explicit) put(writer, '? ')
    scalar(writer, key, explicit ? own + 2 : own, !explicit)
    if (explicit) newLine(writer, own)
    put(writer, ':')
    const child = object[key]
    node(writer, child, own, 'value')
  })
}

function newLine(writer: Writer, indent: number): void {
  if (writer.text !== '' && !writer.text.endsWith('\n')) put(writer, '\n')
  put(writer, ' '.repeat(indent))
}

/** Go's `strconv.FormatFloat(x, 'g', -1, 64)` for what is no integer. */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value)
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2')
}

function scalar(writer: Writer, text: string, indent: number, key: boolean): void {
  const facts = analyze(text)
  let style: 'plain' | 'single' | 'double' | 'literal' = text.includes('\n') ? 'literal' : plainMeansString(text) ? 'plain' : 'double'
  if (key && facts.multiline) style = 'double'
  if (style === 'plain' && (!facts.plainAllowed || (text === '' && key))) style = 'single'
  if (style === 'single' && !facts.singleAllowed) style = 'double'
  if (style === 'literal' && (!facts.blockAllowed || key)) style = 'double'
  if (style === 'plain') folded(writer, [...text], indent, !key, false)
  else if (style === 'single') {
    put(writer, "'")
    folded(writer, [...text], indent, !key, true)
    put(writer, "'")
  } else if (style === 'double') doubleQuoted(writer, [...text], indent, !key)
  else literal(writer, text, indent)
}

function folded(writer: Writer, letters: readonly string[], indent: number, mayBreak: boolean, quoted: boolean): void {
  let spaces = false
  letters.forEach((letter, at) => {
    if (letter === ' ') {
      const inside = !quoted || (at > 0 && at < letters.length - 1)
      if (mayBreak && !spaces && inside && writer.column > bestWidth && letters[at + 1] !== ' ') put(writer, `\n${' '.repeat(indent)}`)
      else put(writer, ' ')
      spaces = true
      return
    }
    put(writer, quoted && letter === "'" ? "''" : letter)
    spaces = false
  })
}

const escapes: Record<string, string> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '"': '"',
  '\\': '\\',
  '\x85': 'N',
  '\xa0': '_',
  '\u2028': 'L',
  '\u2029': 'P',
}

function doubleQuoted(writer: Writer, letters: readonly string[], indent: number, mayBreak: boolean): void {
  put(writer, '"')
  let spaces = false
  // A byte order mark at the start makes go-yaml escape every letter after it.
  const all = letters[0] === '\ufeff'
  letters.forEach((letter, at) => {
    if (letter === ' ' && !all) {
      if (mayBreak && !spaces && at > 0 && at < letters.length - 1 && writer.column > bestWidth) {
        put(writer, `\n${' '.repeat(indent)}`)
        if (letters[at + 1] === ' ') put(writer, '\\')
      } else put(writer, ' ')
      spaces = true
      return
    }
    put(writer, escaped(letter, all))
    spaces = false
  })
  put(writer, '"')
}

function escaped(letter: string, always: boolean): string {
  const code = letter.codePointAt(0) as number
  if (!always && letter !== '"' && letter !== '\\' && isPrintable(code) && !isBreak(code)) return letter
  const short = escapes[letter]
  if (short) return `\\${short}`
  const hex = code.toString(16).toUpperCase()
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

function literal(writer: Writer, text: string, indent: number): void {
  const hint = text.startsWith(' ') || text.startsWith('\n') ? '2' : ''
  const chomp = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : ''
  put(writer, `|${hint}${chomp}\n`)
  const lines = text.split('\n')
  const ended = lines.at(-1) === ''
  if (ended) lines.pop()
  put(writer, lines.map((line) => (line === '' ? '' : ' '.repeat(indent) + line)).join('\n') + (ended ? '\n' : ''))
}

function isBreak(code: number): boolean {
  return code === 10 || code === 13 || code === 0x85 || code === 0x2028 || code === 0x2029
}

const letter = /\p{L}/u
const digit = /\p{Nd}/u

/** yaml.v2's order of keys: numbers inside them by value, letters after other characters. */
export function naturalOrder(a: string, b: string): number {
  if (a === b) return 0
  return naturallyBefore([...a], [...b]) ? -1 : 1
}

function naturallyBefore(a: readonly string[], b: readonly string[]): boolean {
  let digits = false
  for (let at = 0; at < a.length && at < b.length; at++) {
    const x = a[at] as string
    const y = b[at] as string
    if (x === y) {
      digits = digit.test(x)
      continue
    }
    const xLetter = letter.test(x)
    const yLetter = letter.test(y)
    if (xLetter && yLetter) return x < y
    if (xLetter || yLetter) return digits ? xLetter : yLetter
    return compareDigits(a, b, at)
  }
  return a.length < b.length
}

function compareDigits(a: readonly string[], b: readonly string[], at: number): boolean {
  let x = 0
  let y = 0
  if (a[at] === '0' || b[at] === '0') {
    for (let back = at - 1; back >= 0 && digit.test(a[back] as string); back--) {
      if (a[back] !== '0') {
        x = 1
        y = 1
        break
      }
    }
  }
  let atA = at
  let atB = at
  for (; atA < a.length && digit.test(a[atA] as string); atA++) x = x * 10 + Number(a[atA])
  for (; atB < b.length && digit.test(b[atB] as string); atB++) y = y * 10 + Number(b[atB])
  if (x !== y) return x < y
  if (atA !== atB) return atA < atB
  return (a[at] as string) < (b[at] as string)
}
