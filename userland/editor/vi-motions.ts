import type { Position, Text } from './text.ts'

/** Where a motion leads. `linewise` ones cover whole lines for operators; `inclusive` ones take the character under their end. */
export interface Motion extends Position {
  linewise?: boolean
  inclusive?: boolean
}

const kind = (character: string | undefined, big: boolean) =>
  character === undefined || /\s/.test(character) ? 0 : big || /[\p{L}\p{N}_]/u.test(character) ? 1 : 2

function nextWord(text: Text, from: Position, big: boolean): Position {
  let { row, column } = from
  const line = text.lines[row] as string
  const start = kind(line[column], big)
  while (column < line.length && start !== 0 && kind(line[column], big) === start) column++
  for (;;) {
    const current = text.lines[row] as string
    while (column < current.length && kind(current[column], big) === 0) column++
    if (column < current.length) return { row, column }
    if (row + 1 >= text.lines.length) return { row, column: current.length }
    row++
    column = 0
    // An empty line is a word of its own.
    if (text.lines[row] === '') return { row, column }
  }
}

function wordEnd(text: Text, from: Position, big: boolean): Position {
  let { row, column } = from
  column++
  for (;;) {
    const line = text.lines[row] as string
    while (column < line.length && kind(line[column], big) === 0) column++
    if (column < line.length) break
    if (row + 1 >= text.lines.length) return { row, column: Math.max(0, line.length - 1) }
    row++
    column = 0
  }
  const line = text.lines[row] as string
  const type = kind(line[column], big)
  while (column + 1 < line.length && kind(line[column + 1], big) === type) column++
  return { row, column }
}

function wordStart(text: Text, from: Position, big: boolean): Position {
  let { row, column } = from
  column--
  for (;;) {
    const line = text.lines[row] as string
    while (column >= 0 && kind(line[column], big) === 0) column--
    if (column >= 0) break
    if (row === 0) return { row, column: 0 }
    row--
    if (text.lines[row] === '') return { row, column: 0 }
    column = (text.lines[row] as string).length - 1
  }
  const line = text.lines[row] as string
  const type = kind(line[column], big)
  while (column > 0 && kind(line[column - 1], big) === type) column--
  return { row, column }
}

const pairs: Record<string, string> = { '(': ')', '[': ']', '{': '}' }

function matching(text: Text): Motion | undefined {
  const offset = text.line.slice(text.column).search(/[()[\]{}]/)
  if (offset < 0) return undefined
  let { row } = text
  let column = text.column + offset
  const bracket = text.line[column] as string
  const forward = bracket in pairs
  const partner = forward ? pairs[bracket] : Object.keys(pairs).find((open) => pairs[open] === bracket)
  for (let depth = 0; row >= 0 && row < text.lines.length; ) {
    const line = text.lines[row] as string
    for (; column >= 0 && column < line.length; column += forward ? 1 : -1) {
      if (line[column] === bracket) depth++
      else if (line[column] === partner && --depth === 0) return { row, column, inclusive: true }
    }
    row += forward ? 1 : -1
    column = forward ? 0 : (text.lines[row]?.length ?? 0) - 1
  }
  return undefined
}

/** Finds a character in the line for f, F, t and T. */
export function findCharacter(text: Text, command: string, character: string, count: number): Motion | undefined {
  const forward = command === 'f' || command === 't'
  let { column } = text
  for (let n = 0; n < count; n++) {
    column = forward ? text.line.indexOf(character, column + 1) : column > 0 ? text.line.lastIndexOf(character, column - 1) : -1
    if (column < 0) return undefined
  }
  if (command === 't') column--
  if (command === 'T') column++
  return { row: text.row, column, inclusive: forward }
}

const firstNonBlank = (line: string) => Math.max(0, line.search(/\S/))

/** The motion of a normal-mode key, or undefined where the key is none or leads nowhere. `height` is the window's. */
export function motion(text: Text, key: string, count: number | undefined, height: number): Motion | undefined {
  const times = count ?? 1
  const { row, column } = text
  const last = text.lines.length - 1
  const line = (target: number): Motion => {
    const to = Math.max(0, Math.min(last, target))
    return { row: to, column: firstNonBlank(text.lines[to] as string), linewise: true }
  }
  const repeat = (step: (from: Position) => Position): Position => {
    let at: Position = { row, column }
    for (let n = 0; n < times; n++) at = step(at)
    return at
  }
  switch (key) {
    case 'h':
    case 'left':
    case 'backspace':
      return { row, column: Math.max(0, column - times) }
    case 'l':
    case 'right':
    case ' ':
      return { row, column: Math.min(text.line.length, column + times) }
    case 'j':
    case 'down':
    case 'ctrl-n':
      return row + times > last && row === last ? undefined : { row: Math.min(last, row + times), column, linewise: true }
    case 'k':
    case 'up':
    case 'ctrl-p':
      return row === 0 ? undefined : { row: Math.max(0, row - times), column, linewise: true }
    case 'enter':
    case '+':
      return line(row + times)
    case '-':
      return line(row - times)
    case '_':
      return line(row + times - 1)
    case '0':
    case 'home':
      return { row, column: 0 }
    case '^':
      return { row, column: firstNonBlank(text.line) }
    case '$':
    case 'end': {
      const target = Math.min(last, row + times - 1)
      return { row: target, column: Math.max(0, (text.lines[target] as string).length - 1), inclusive: true }
    }
    case 'w':
    case 'W':
      return repeat((from) => nextWord(text, from, key === 'W'))
    case 'e':
    case 'E':
      return { ...repeat((from) => wordEnd(text, from, key === 'E')), inclusive: true }
    case 'b':
    case 'B':
      return repeat((from) => wordStart(text, from, key === 'B'))
    case 'G':
      return line(count === undefined ? last : count - 1)
    case 'gg':
      return line(times - 1)
    case '%':
      return matching(text)
    case '{':
    case '}':
      return repeatParagraph(text, key === '}', times)
    case 'ctrl-f':
    case 'pagedown':
      return line(row + (height - 2) * times)
    case 'ctrl-b':
    case 'pageup':
      return line(row - (height - 2) * times)
    case 'ctrl-d':
      return line(row + Math.floor(height / 2))
    case 'ctrl-u':
      return line(row - Math.floor(height / 2))
    default:
      return undefined
  }
}

function repeatParagraph(text: Text, forward: boolean, times: number): Motion {
  let { row } = text
  const last = text.lines.length - 1
  const step = forward ? 1 : -1
  for (let n = 0; n < times; n++) {
    while (row + step >= 0 && row + step <= last && text.lines[row] === '') row += step
    while (row + step >= 0 && row + step <= last && text.lines[row + step] !== '') row += step
    if (row + step >= 0 && row + step <= last) row += step
  }
  const end = forward && row === last && text.lines[row] !== ''
  return { row, column: end ? (text.lines[row] as string).length : 0 }
}

/** Where `cw` ends: at the end of the word under the cursor, and of the next ones for a count. */
export function wordEndFrom(text: Text, big: boolean, times: number): Motion {
  const before = { row: text.row, column: text.column }
  const type = (char: string | undefined) => (char === undefined || /\s/.test(char) ? 0 : big || /\w/.test(char) ? 1 : 2)
  let end = text.column
  while (end + 1 < text.line.length && type(text.line[end + 1]) === type(text.line[text.column])) end++
  Object.assign(text, { column: end })
  const target = times > 1 ? motion(text, big ? 'E' : 'e', times - 1, 1) : undefined
  Object.assign(text, before)
  return { row: target?.row ?? before.row, column: target?.column ?? end, inclusive: true }
}
