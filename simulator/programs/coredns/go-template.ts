/** A template that cannot be read, or that asks for more than is modelled. */
export class TemplateError extends Error {}

/** What `.Name`, `.Group.first`, `index .Match 1` look at. */
export type TemplateData = Readonly<Record<string, string | readonly string[] | Readonly<Record<string, string>>>>

type Part = string | ((data: TemplateData) => string)

/**
 * Go's text/template as far as records need it: fields, `index LIST NUMBER`, `index MAP "key"`, and `parseInt TEXT BASE BITS`, alone or
 * after a pipe. Throws TemplateError for the rest, by name.
 */
export function goTemplate(text: string): (data: TemplateData) => string {
  const parts: Part[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf('{{', at)
    if (open < 0) break
    const close = text.indexOf('}}', open)
    if (close < 0) throw new TemplateError('unclosed action')
    parts.push(text.slice(at, open))
    parts.push(
      action(
        text
          .slice(open + 2, close)
          .replaceAll(/^-\s|\s-$/g, '')
          .trim(),
      ),
    )
    at = close + 2
  }
  parts.push(text.slice(at))
  return (data) => parts.map((part) => (typeof part === 'string' ? part : part(data))).join('')
}

function action(source: string): (data: TemplateData) => string {
  const stages = source.split('|').map((stage) => stage.trim().match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [])
  if (stages.some((stage) => stage.length === 0)) throw new TemplateError('missing value for command')
  const calls = stages.map((words, index) => call(words, index > 0, source))
  return (data) => String(calls.reduce<unknown>((piped, run) => run(data, piped), undefined) ?? '')
}

type Call = (data: TemplateData, piped: unknown) => unknown

function call([first = '', ...args]: readonly string[], piping: boolean, source: string): Call {
  const values = args.map((word) => operand(word, source))
  const all = (data: TemplateData, piped: unknown) => [...values.map((value) => value(data)), ...(piping ? [piped] : [])]
  if (first === 'index')
    return (data, piped) => {
      const [from, ...keys] = all(data, piped)
      return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[String(key)], from)
    }
  if (first === 'parseInt')
    return (data, piped) => {
      const [text, base] = all(data, piped)
      const value = Number.parseInt(String(text), Number(base))
      if (Number.isNaN(value)) throw new TemplateError(`strconv.ParseUint: parsing "${String(text)}": invalid syntax`)
      return value
    }
  if (args.length > 0 || piping) throw new TemplateError(`the simulated cluster does not model '${source}' in a template`)
  return operand(first, source)
}

function operand(word: string, source: string): (data: TemplateData) => unknown {
  if (/^"/.test(word)) return () => JSON.parse(word) as string
  if (/^\d+$/.test(word)) return () => Number(word)
  if (!/^(\.\w+)+$/.test(word)) throw new TemplateError(`the simulated cluster does not model '${source}' in a template`)
  const path = word.slice(1).split('.')
  return (data) => path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], data)
}
