const space = /[\t\v\f\r \u0085\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u

/**
 * Breaks lines before the word that would pass `limit` columns, and keeps every other space and break, as mitchellh/go-wordwrap does for
 * kubectl; a word of `limit` columns and more stays whole.
 */
export function wrap(text: string, limit: number): string {
  let out = ''
  let column = 0
  let word = ''
  let gap = ''
  const settle = () => {
    column += gap.length + word.length
    out += gap + word
    gap = ''
    word = ''
  }
  for (const char of text) {
    if (char === '\n') {
      if (word === '' && column + gap.length > limit) gap = ''
      settle()
      out += char
      column = 0
    } else if (space.test(char)) {
      if (gap === '' || word !== '') settle()
      gap += char
    } else {
      word += char
      if (column + gap.length + word.length > limit && word.length < limit) {
        out += '\n'
        column = 0
        gap = ''
      }
    }
  }
  if (word === '' && column + gap.length > limit) gap = ''
  return out + gap + word
}

export function indent(text: string, columns: number): string {
  const pad = ' '.repeat(columns)
  return pad + text.replaceAll('\n', `\n${pad}`)
}
