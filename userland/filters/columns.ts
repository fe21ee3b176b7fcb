import { resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { lineBatches, readText } from '../posix/lines.ts'
import { forEachSource, parseOptions, ToolError, tool } from '../posix/tool.ts'
import { unescapeAnsi } from '../shell/lexer.ts'

interface Range {
  from: number
  to: number
}

function parseRanges(list: string): Range[] {
  return list.split(',').map((item) => {
    const match = /^(\d*)(-?)(\d*)$/.exec(item)
    if (!match || item === '' || item === '-') throw new ToolError(`invalid field value '${item}'`)
    const from = Number(match[1] || '1')
    const to = match[2] ? Number(match[3] || Number.MAX_SAFE_INTEGER) : from
    if (from === 0) throw new ToolError('fields are numbered from 1')
    if (to < from) throw new ToolError('invalid decreasing range')
    return { from, to }
  })
}

export const cut = tool('cut', async (process) => {
  const long = {
    delimiter: 'd:',
    fields: 'f:',
    characters: 'c:',
    bytes: 'b:',
    'only-delimited': 's',
    'output-delimiter': 'output-delimiter:',
    complement: 'complement',
  }
  const { options, operands } = parseOptions(process.argv.slice(1), 'd:f:c:b:s', long)
  const list = options.get('f') ?? options.get('c') ?? options.get('b')
  if (list === undefined) throw new ToolError('you must specify a list of bytes, characters, or fields')
  const ranges = parseRanges(list)
  const chosen = (index: number) => ranges.some(({ from, to }) => index >= from && index <= to) !== options.has('complement')
  const delimiter = options.get('d') ?? '\t'
  if ([...delimiter].length !== 1) throw new ToolError('the delimiter must be a single character')
  const joiner = options.get('output-delimiter') ?? (options.has('f') ? delimiter : '')
  const cutLine = (line: string): string | undefined => {
    if (!options.has('f')) return [...line].filter((_, index) => chosen(index + 1)).join(joiner)
    if (!line.includes(delimiter)) return options.has('s') ? undefined : line
    return line
      .split(delimiter)
      .filter((_, index) => chosen(index + 1))
      .join(joiner)
  }
  return forEachSource(process, operands, async (source) => {
    for await (const lines of lineBatches(source, process.signal)) {
      const cutLines = lines.map(cutLine).filter((line) => line !== undefined)
      if (cutLines.length > 0) await process.stdout.write(`${cutLines.join('\n')}\n`)
    }
  })
})

const classes: Record<string, (char: string) => boolean> = {
  alpha: (char) => /[A-Za-z]/.test(char),
  digit: (char) => /\d/.test(char),
  alnum: (char) => /[A-Za-z0-9]/.test(char),
  upper: (char) => /[A-Z]/.test(char),
  lower: (char) => /[a-z]/.test(char),
  space: (char) => /[ \t\n\r\f\v]/.test(char),
  blank: (char) => char === ' ' || char === '\t',
  punct: (char) => /[!-/:-@[-`{-~]/.test(char),
  cntrl: (char) => char < ' ' || char === '\x7f',
  print: (char) => char >= ' ' && char <= '~',
  graph: (char) => char > ' ' && char <= '~',
  xdigit: (char) => /[0-9A-Fa-f]/.test(char),
}

function trSet(text: string): string[] {
  const set: string[] = []
  const source = [...unescapeAnsi(text)]
  for (let at = 0; at < source.length; at++) {
    const named = /^\[:(\w+):\]/.exec(source.slice(at, at + 12).join(''))
    if (named) {
      const test = classes[named[1] as string]
      if (!test) throw new ToolError(`invalid character class '${named[1]}'`)
      for (let code = 0; code < 128; code++) if (test(String.fromCharCode(code))) set.push(String.fromCharCode(code))
      at += named[0].length - 1
    } else if (source[at + 1] === '-' && source[at + 2] !== undefined) {
      const from = (source[at] as string).codePointAt(0) as number
      const to = (source[at + 2] as string).codePointAt(0) as number
      if (to < from) throw new ToolError(`range-endpoints of '${source[at]}-${source[at + 2]}' are in reverse collating sequence order`)
      for (let code = from; code <= to; code++) set.push(String.fromCodePoint(code))
      at += 2
    } else set.push(source[at] as string)
  }
  return set
}

export const tr = tool('tr', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'cCdst', { complement: 'c', delete: 'd', 'squeeze-repeats': 's' })
  if (operands.length === 0) throw new ToolError('missing operand')
  const remove = options.has('d')
  const squeeze = options.has('s')
  if (operands.length < 2 && !remove && !squeeze) throw new ToolError(`missing operand after '${operands[0]}'`)
  const complement = options.has('c') || options.has('C')
  const first = trSet(operands[0] as string)
  const second = trSet(operands[1] ?? '')
  const members = new Set(first)
  const inFirst = (char: string) => members.has(char) !== complement
  const map = new Map(first.map((char, index) => [char, second[index] ?? second.at(-1) ?? char]))
  const translating = operands.length > 1 && !remove
  const squeezed = new Set(operands.length > 1 ? second : first)
  const squeezes = (char: string) => squeeze && (operands.length > 1 ? squeezed.has(char) : inFirst(char))
  let previous = ''
  const decoder = new TextDecoder()
  const translate = (text: string) => {
    let output = ''
    for (const char of text) {
      if (remove && inFirst(char)) continue
      const out = translating ? (complement ? (inFirst(char) ? (second.at(-1) as string) : char) : (map.get(char) ?? char)) : char
      if (out === previous && squeezes(out)) continue
      previous = out
      output += out
    }
    return output
  }
  for (let chunk = await process.stdin.read(process.signal); chunk; chunk = await process.stdin.read(process.signal)) {
    await process.stdout.write(translate(decoder.decode(chunk, { stream: true })))
  }
  await process.stdout.write(translate(decoder.decode()))
  return 0
})

interface SortKey {
  fromField: number
  fromChar: number
  toField: number
  toChar: number
  flags: string
}

function parseKey(text: string): SortKey {
  const match = /^(\d+)(?:\.(\d+))?([bdfghinrRMV]*)(?:,(\d+)(?:\.(\d+))?([bdfghinrRMV]*))?$/.exec(text)
  if (!match) throw new ToolError(`invalid number at field start: invalid count at start of '${text}'`, 2)
  if (match[1] === '0') throw new ToolError(`-: invalid field specification '${text}'`, 2)
  return {
    fromField: Number(match[1]),
    fromChar: Number(match[2] ?? '1'),
    toField: Number(match[4] ?? Number.MAX_SAFE_INTEGER),
    toChar: Number(match[5] ?? '0'),
    flags: `${match[3]}${match[6] ?? ''}`,
  }
}

function keyOf(line: string, key: SortKey, separator: string | undefined): string {
  // Without -t a field starts with the blanks before it.
  const fields = separator === undefined ? (line.match(/\s*\S+/g) ?? []) : line.split(separator)
  const chosen = fields.slice(key.fromField - 1, key.toField)
  if (chosen.length === 0) return ''
  const last = chosen.length - 1
  if (key.toChar > 0 && key.toField <= fields.length) chosen[last] = (chosen[last] as string).slice(0, key.toChar)
  chosen[0] = (chosen[0] as string).slice(key.fromChar - 1)
  return chosen.join(separator ?? '')
}

function numeric(text: string): number {
  return Number(/^\s*(-?\d*\.?\d+|-?\d+)/.exec(text)?.[1] ?? '0')
}

function human(text: string): number {
  const match = /^\s*(-?[\d.]+)([KMGTPE]?)/i.exec(text)
  return match ? Number(match[1]) * 1024 ** ' KMGTPE'.indexOf((match[2] || ' ').toUpperCase()) : 0
}

/** Versions (`sort -V`): runs of digits by value, the rest by character. */
function compareVersions(a: string, b: string): number {
  const parts = (text: string) => text.match(/\d+|\D+/g) ?? []
  const [left, right] = [parts(a), parts(b)]
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x, y] = [left[at] ?? '', right[at] ?? '']
    const order = /^\d/.test(x) && /^\d/.test(y) ? Number(x) - Number(y) : compareText(x, y)
    if (order !== 0) return order
  }
  return 0
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function comparison(flags: string): (a: string, b: string) => number {
  const prepare = (text: string) => {
    let value = flags.includes('b') ? text.trimStart() : text
    if (flags.includes('f')) value = value.toUpperCase()
    if (flags.includes('d')) value = value.replace(/[^\w\s]|_/g, '')
    return value
  }
  const order =
    flags.includes('n') || flags.includes('g')
      ? (a: string, b: string) => numeric(a) - numeric(b)
      : flags.includes('h')
        ? (a: string, b: string) => human(a) - human(b)
        : flags.includes('V')
          ? compareVersions
          : (a: string, b: string) => compareText(prepare(a), prepare(b))
  return flags.includes('r') ? (a, b) => order(b, a) : order
}

export const sort = tool(
  'sort',
  async (process) => {
    const long = {
      numeric: 'n',
      'numeric-sort': 'n',
      reverse: 'r',
      key: 'k:',
      unique: 'u',
      'field-separator': 't:',
      'human-numeric-sort': 'h',
      'ignore-case': 'f',
      'version-sort': 'V',
      output: 'o:',
      stable: 's',
      check: 'c',
    }
    const { options, given, operands } = parseOptions(process.argv.slice(1), 'nrk:ut:hfbdgVso:cRMz', long, 2)
    const global = [...'nrhfbdgV'].filter((letter) => options.has(letter)).join('')
    const keys = given.filter(([name]) => name === 'k').map(([, value]) => parseKey(value))
    const separator = options.get('t') === undefined ? undefined : unescapeAnsi(options.get('t') as string)
    const compares = keys.map((key) => {
      const compare = comparison(key.flags || global)
      return (a: string, b: string) => compare(keyOf(a, key, separator), keyOf(b, key, separator))
    })
    if (keys.length === 0) compares.push(comparison(global))
    const byKeys = (a: string, b: string) => {
      for (const compare of compares) {
        const order = compare(a, b)
        if (order !== 0) return order
      }
      return 0
    }
    const lines: string[] = []
    const status = await forEachSource(
      process,
      operands,
      async (source) => {
        for await (const batch of lineBatches(source, process.signal)) for (const line of batch) lines.push(line)
      },
      2,
    )
    if (options.has('c')) {
      const at = lines.findIndex((line, index) => index > 0 && byKeys(lines[index - 1] as string, line) > 0)
      if (at >= 0) await process.stderr.write(`sort: -:${at + 1}: disorder: ${lines[at]}\n`)
      return at >= 0 ? 1 : 0
    }
    const lastResort =
      options.has('s') || options.has('u') ? () => 0 : options.has('r') ? (a: string, b: string) => compareText(b, a) : compareText
    lines.sort((a, b) => byKeys(a, b) || lastResort(a, b))
    const kept = options.has('u') ? lines.filter((line, index) => index === 0 || byKeys(lines[index - 1] as string, line) !== 0) : lines
    const text = kept.map((line) => `${line}\n`).join('')
    if (options.has('o')) process.files.write(resolvePath(process.cwd, options.get('o') as string), text)
    else await process.stdout.write(text)
    return status
  },
  2,
)

export const uniq = tool('uniq', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'cduif:s:w:', {
    count: 'c',
    repeated: 'd',
    unique: 'u',
    'ignore-case': 'i',
    'skip-fields': 'f:',
  })
  const skip = Number(options.get('f') ?? '0')
  const key = (line: string) => {
    const text = skip > 0 ? line.replace(new RegExp(`^(?:\\s*\\S+){0,${skip}}`), '') : line
    return options.has('i') ? text.toLowerCase() : text
  }
  let current: string | undefined
  let count = 0
  const shown = () => {
    if (current === undefined || (options.has('d') && count < 2) || (options.has('u') && count > 1)) return ''
    return `${options.has('c') ? `${`${count}`.padStart(7)} ` : ''}${current}\n`
  }
  const status = await forEachSource(process, operands.slice(0, 1), async (source) => {
    for await (const lines of lineBatches(source, process.signal)) {
      let text = ''
      for (const line of lines) {
        if (current !== undefined && key(line) === key(current)) {
          count++
          continue
        }
        text += shown()
        current = line
        count = 1
      }
      if (text) await process.stdout.write(text)
    }
  })
  await process.stdout.write(shown())
  return status
})

export const paste = tool('paste', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'd:s', { delimiters: 'd:', serial: 's' })
  const delimiters = [...unescapeAnsi(options.get('d') ?? '\t')]
  const columns: string[][] = []
  const status = await forEachSource(process, operands, async (source) => {
    columns.push((await readText(source, process.signal)).replace(/\n$/, '').split('\n'))
  })
  const glue = (cells: readonly string[]) =>
    cells.map((cell, index) => (index > 0 ? (delimiters[(index - 1) % delimiters.length] ?? '') : '') + cell).join('')
  const rows = options.has('s')
    ? columns
    : Array.from({ length: Math.max(0, ...columns.map((column) => column.length)) }, (_, row) => columns.map((column) => column[row] ?? ''))
  await process.stdout.write(rows.map((cells) => `${glue(cells)}\n`).join(''))
  return status
})

/** `column -t`: fields padded to a table. */
export const column = tool('column', async (process: Process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'ts:o:', { table: 't', separator: 's:', 'output-separator': 'o:' })
  if (!options.has('t')) throw new ToolError('only the table mode (-t) is supported')
  const rows: string[][] = []
  const status = await forEachSource(process, operands, async (source) => {
    for await (const lines of lineBatches(source, process.signal)) {
      for (const line of lines)
        if (line.trim() !== '') rows.push(options.has('s') ? line.split(options.get('s') as string) : line.trim().split(/\s+/))
    }
  })
  const widths: number[] = []
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  const text = rows.map(
    (row) =>
      `${row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] as number))).join(options.get('o') ?? '  ')}\n`,
  )
  await process.stdout.write(text.join(''))
  return status
})
