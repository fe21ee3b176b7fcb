const plainChain = /^\s*[A-Za-z_]\w*(?:\s*\.\??\s*[A-Za-z_]\w*)+\s*$/
const lastField = /^(.*)\.\s*([A-Za-z_]\w*)\s*$/s
const literal = /^(?:[rR]?"""[\s\S]*?"""|[rR]?'''[\s\S]*?'''|[rR]"[^"]*"|[rR]'[^']*'|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/

/** The function that `matches` is replaced by. */
export const goMatches = 'matchesPatternOfGo'

/**
 * A rule in the CEL that the library understands. It takes `has(a.b.c)` only of a chain of names, so `has(self[0].matches)` is said as
 * `("matches" in (self[0]))`, which for the objects that rules see is the same; and its `matches` knows no patterns of Go, so ours is called.
 */
export function understoodRule(text: string): string {
  let result = ''
  for (let at = 0; at < text.length; ) {
    const quoted = literal.exec(text.slice(at))?.[0]
    const call = /^has\s*\(/.exec(text.slice(at))?.[0]
    if (quoted) {
      result += quoted
      at += quoted.length
    } else if (call && !/[\w.]/.test(text[at - 1] ?? '')) {
      const start = at + call.length
      const end = closing(text, start)
      const argument = understoodRule(text.slice(start, end))
      const [, holder = '', field = ''] = (plainChain.test(argument) ? undefined : lastField.exec(argument)) ?? []
      result += field === '' ? `has(${argument})` : `(${JSON.stringify(field)} in (${holder}))`
      at = end + 1
    } else if (/^\.\s*matches\s*\(/.test(text.slice(at))) {
      result += `.${goMatches}(`
      at = text.indexOf('(', at) + 1
    } else {
      result += text[at]
      at++
    }
  }
  return result
}

/** Where the bracket closes that was opened before `start`; the end of the text where it never does. */
function closing(text: string, start: number): number {
  let depth = 1
  for (let at = start; at < text.length; at++) {
    const quoted = literal.exec(text.slice(at))?.[0]
    if (quoted) at += quoted.length - 1
    else if ('([{'.includes(text[at]!)) depth++
    else if (')]}'.includes(text[at]!) && --depth === 0) return at
  }
  return text.length
}
