/** Ranges of two-column characters (Unicode 15 East Asian Width W and F, and emoji presentation), as terminals draw them. */
const wide: readonly [number, number][] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x26a1, 0x26a1],
  [0x2705, 0x2705],
  [0x274c, 0x274c],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
]
const mark = /^(?:\p{Mn}|\p{Me}|[\u200b-\u200f]|[\ufe00-\ufe0f])$/u

/** Columns that one character (code point) takes on a terminal. Control characters count as their `^X` form. */
export function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20 || code === 0x7f) return 2
  if (code < 0x300) return 1
  if (mark.test(character)) return 0
  for (const [from, to] of wide) if (code >= from && code <= to) return 2
  return 1
}

/** Columns of a text; escape sequences take none. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of withoutEscapes(text)) width += characterWidth(character)
  return width
}

export function withoutEscapes(text: string): string {
  return text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07/g, '')
}

/** Control characters as `^X`, so that they take the columns that `characterWidth` says. */
export function visible(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, (char) => (char === '\x7f' ? '^?' : `^${String.fromCharCode(char.charCodeAt(0) + 64)}`))
}

/** Names in columns, down then across, as `ls` and readline list them. */
export function columnsOf(names: readonly string[], width: number): string[] {
  const widest = Math.max(0, ...names.map(textWidth)) + 2
  const across = Math.max(1, Math.floor(width / widest))
  const down = Math.ceil(names.length / across)
  const lines: string[] = []
  for (let row = 0; row < down; row++) {
    let line = ''
    for (let column = 0; column < across; column++) {
      const name = names[column * down + row]
      if (name === undefined) continue
      const last = names[(column + 1) * down + row] === undefined
      line += last ? name : name + ' '.repeat(widest - textWidth(name))
    }
    lines.push(line)
  }
  return lines
}
