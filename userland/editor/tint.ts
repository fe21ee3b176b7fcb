const comment = '90'
const key = '36'
const string = '32'

/** Colours of a YAML line: an SGR code for each of its UTF-16 units, '' for the terminal's own. Cheap, by line: no parsing. */
export function tintYaml(line: string): string[] {
  const codes = new Array<string>(line.length).fill('')
  const paint = (from: number, to: number, code: string) => codes.fill(code, from, to)
  const hash = /^\s*#|\s#/.exec(line)
  const end = hash ? hash.index : line.length
  if (hash) paint(hash.index, line.length, comment)
  const name = /^(\s*(?:- +)*)([\w./"'-]+):(?=\s|$)/.exec(line.slice(0, end))
  if (name) paint((name[1] as string).length, (name[1] as string).length + (name[2] as string).length, key)
  for (const quoted of line.slice(0, end).matchAll(/"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/g)) {
    if (!name || quoted.index >= name[0].length) paint(quoted.index, quoted.index + quoted[0].length, string)
  }
  return codes
}

export function isYaml(name: string | undefined): boolean {
  return name !== undefined && /\.ya?ml$/.test(name)
}
