/** What libyaml's `yaml_emitter_analyze_scalar` finds out about a string. */
export interface ScalarFacts {
  readonly multiline: boolean
  readonly plainAllowed: boolean
  readonly singleAllowed: boolean
  readonly blockAllowed: boolean
}

const breaks = new Set(['\n', '\r', '\x85', '\u2028', '\u2029'])

export function analyze(text: string): ScalarFacts {
  if (text === '') return { multiline: false, plainAllowed: true, singleAllowed: true, blockAllowed: false }
  const letters = [...text]
  let indicators = text.startsWith('---') || text.startsWith('...')
  let special = false
  let lineBreaks = false
  let breakSpace = false
  let spaceBreak = false
  let previous: 'space' | 'break' | 'other' = 'other'
  letters.forEach((letter, at) => {
    const next = letters[at + 1]
    const followedByBlank = next === undefined || next === ' ' || next === '\t' || breaks.has(next)
    const precededByBlank = at === 0 || previous !== 'other' || letters[at - 1] === '\t'
    if (at === 0) {
      if ('#,[]{}&*!|>\'"%@`'.includes(letter)) indicators = true
      if ('?:-'.includes(letter) && followedByBlank) indicators = true
    } else if ((letter === ':' && followedByBlank) || (letter === '#' && precededByBlank)) indicators = true
    if (!isPrintable(letter.codePointAt(0) as number)) special = true
    if (letter === ' ') {
      if (previous === 'break') breakSpace = true
      previous = 'space'
    } else if (breaks.has(letter)) {
      lineBreaks = true
      if (previous === 'space') spaceBreak = true
      previous = 'break'
    } else previous = 'other'
  })
  const edge = (letter: string | undefined) => letter !== undefined && (letter === ' ' || breaks.has(letter))
  const unquotable = spaceBreak || special
  return {
    multiline: lineBreaks,
    plainAllowed: !unquotable && !edge(letters[0]) && !edge(letters.at(-1)) && !breakSpace && !lineBreaks && !indicators,
    singleAllowed: !unquotable && !breakSpace,
    blockAllowed: !unquotable && letters.at(-1) !== ' ',
  }
}

const words = new Set(
  ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON', 'n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE'].concat(
    ['off', 'Off', 'OFF', '', '~', 'null', 'Null', 'NULL', '.nan', '.NaN', '.NAN', '.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'],
    ['-.inf', '-.Inf', '-.INF'],
  ),
)
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/
const integer = /^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)$/
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const timestamp =
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})| \d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?: (?:Z|[+-]\d{2}:\d{2}))?)?$/

/** Whether a plain scalar of this text would be read back as a string by a YAML 1.1 reader (yaml.v2's resolve.go). */
export function plainMeansString(text: string): boolean {
  if (words.has(text)) return false
  const first = text[0] as string
  if (!/[-+.\d]/.test(first)) return true
  const number = text.replaceAll('_', '')
  if (integer.test(number)) return false
  if (float.test(number) && Number.isFinite(Number(number))) return false
  if (/^\d/.test(text) && timestamp.test(text)) return false
  return !(text.includes(':') && base60.test(text))
}

/** What libyaml calls printable; nothing beyond the basic plane is, in the version that Kubernetes carries. */
export function isPrintable(code: number): boolean {
  if (code === 10 || (code >= 0x20 && code <= 0x7e)) return true
  return (code >= 0xa0 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff)
}
