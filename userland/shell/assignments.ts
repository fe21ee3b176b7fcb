import { evaluateArithmetic } from './arithmetic.ts'
import { arithmeticVariables, expandToFields, expandToString, setElement } from './expansion.ts'
import { elementKey } from './parameters.ts'
import type { Shell } from './state.ts'
import type { Assignment } from './syntax.ts'

/** Carries out `name=value` and its array forms. */
export async function assign(shell: Shell, assignment: Assignment): Promise<void> {
  const { name, append } = assignment
  const variable = shell.variables.get(name)
  if (assignment.array) {
    const elements = new Map(append ? (variable?.elements ?? (variable?.value === undefined ? [] : [['0', variable.value]])) : [])
    let next = Math.max(-1, ...[...elements.keys()].map(Number).filter((key) => !Number.isNaN(key))) + 1
    for (const { key, value } of assignment.array) {
      if (key) {
        const at = await elementKey(shell, name, key)
        elements.set(at, await expandToString(shell, value))
        next = Number(at) + 1
      } else for (const field of await expandToFields(shell, [value])) elements.set(`${next++}`, field)
    }
    shell.set(name, elements.get('0') ?? '', { elements })
    return
  }
  let value = await expandToString(shell, expandingTildes(assignment))
  const index = assignment.index ? await elementKey(shell, name, assignment.index) : undefined
  const before = index === undefined ? shell.get(name) : variable?.elements?.get(index)
  if (variable?.integer) {
    const number = evaluateArithmetic(value, arithmeticVariables(shell))
    value = `${append ? number + BigInt(before ?? '0') : number}`
  } else if (append) value = `${before ?? ''}${value}`
  setElement(shell, name, index, value)
}

/** In an assignment a tilde is expanded after each unquoted colon too: `PATH=~/bin:~/more`. */
function expandingTildes(assignment: Assignment): Assignment['value'] {
  const { value } = assignment
  if (!value.source.includes(':~')) return value
  const parts = value.parts.flatMap((part) => {
    if (part.kind !== 'text' || part.quoted) return [part]
    return part.text.split(/(?<=:)(?=~(?:\/|:|$))/).flatMap((text, index) =>
      index === 0
        ? [{ kind: 'text' as const, text, quoted: false }]
        : [
            { kind: 'parameter' as const, parameter: { name: 'HOME' }, quoted: true },
            { kind: 'text' as const, text: text.slice(1), quoted: false },
          ],
    )
  })
  return { parts, source: value.source }
}
