const known = new Map<string, RegExp | undefined>()
const knownAtMost = 2_000

const classes: Record<string, string> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}

/**
 * A regular expression of Go (RE2, https://github.com/google/re2/wiki/Syntax) as one of JavaScript, or undefined where it is none.
 * Look-around and back references, which RE2 lacks, are refused as Go refuses them.
 */
export function goPattern(text: string): RegExp | undefined {
  if (!known.has(text)) {
    if (known.size >= knownAtMost) known.clear()
    known.set(text, compile(text))
  }
  return known.get(text)
}

function compile(text: string): RegExp | undefined {
  const bare = text.replaceAll(/\\\\/g, '')
  if (/\(\?<?[=!]|\\[1-9]/.test(bare)) return undefined
  const [, before = '', letters = '', after = text] = /^(.*?)\(\?([ims]+)\)(.*)$/s.exec(text) ?? []
  // Flags hold from where they stand, which JavaScript can say only of a whole pattern: right as long as nothing before has a case.
  if (/[A-Za-z.]/.test(before.replaceAll(/\\[bBA]/g, '')) || /\(\?[a-zA-Z]*-?[a-zA-Z]*[):]/.test(after.replaceAll('(?:', '')))
    return undefined
  const source = (before + after)
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
    .replaceAll(/\(\?P</g, '(?<')
    .replaceAll(/\\A/g, '^')
    .replaceAll(/\\z/g, '$')
  // Strict first, since \p{…} is understood only there; needless escapes, which Go allows, are understood only without.
  for (const unicode of ['u', '']) {
    try {
      return new RegExp(source, letters + unicode)
    } catch {
      // Another flavour, or undefined below.
    }
  }
  return undefined
}
