import { FileError, resolvePath } from '../../simulator/files.ts'
import type { Shell } from './state.ts'

const most = 1000

function historyPath(shell: Shell): string | undefined {
  const file = shell.get('HISTFILE') ?? (shell.get('HOME') === undefined ? undefined : `${shell.get('HOME')}/.${shell.dialect}_history`)
  return file ? resolvePath('/', file) : undefined
}

/** Reads the history file into the shell. */
export function loadHistory(shell: Shell): void {
  const path = historyPath(shell)
  if (!path || !shell.process.files.exists(path)) return
  shell.history = shell.process.files
    .readText(path)
    .split('\n')
    .filter((line) => line !== '')
    .slice(-most)
}

/** Keeps a line, at once also in the file: a session may be cut off at any moment. Lines that start with a blank are not kept. */
export function remember(shell: Shell, line: string): void {
  if (line.trim() === '' || line.startsWith(' ') || shell.history.at(-1) === line) return
  shell.history.push(line)
  if (shell.history.length > most) shell.history.shift()
  const path = historyPath(shell)
  if (!path) return
  try {
    shell.process.files.append(path, `${line.replaceAll('\n', ' ')}\n`)
  } catch (error) {
    // A read-only or missing home directory costs the history its file, as with bash.
    if (!(error instanceof FileError)) throw error
  }
}

/** `!!`, `!$`, `!*`, `!n`, `!-n`, `!prefix` and `^old^new^`. Undefined text where there is no such event; `expanded` says whether anything changed. */
export function expandHistory(line: string, history: readonly string[]): { text: string; expanded: boolean; missing?: string } {
  const quick = /^\^([^^]+)\^([^^]*)\^?$/.exec(line)
  if (quick) {
    const last = history.at(-1)
    if (!last?.includes(quick[1] as string)) return { text: line, expanded: false, missing: `:s${line}: substitution failed` }
    return { text: last.replace(quick[1] as string, () => quick[2] as string), expanded: true }
  }
  let text = ''
  let single = false
  let double = false
  let expanded = false
  for (let at = 0; at < line.length; ) {
    const char = line[at] as string
    if (char === '\\' && !single) {
      text += line.slice(at, at + 2)
      at += 2
      continue
    }
    if (char === "'" && !double) single = !single
    if (char === '"' && !single) double = !double
    const event =
      char === '!' && !single && !line.slice(0, at).endsWith('${') ? /^!(?:!|\$|\*|-?\d+|[A-Za-z][\w-]*)/.exec(line.slice(at)) : null
    if (!event || line[at - 1] === '[' || line[at - 1] === '$') {
      text += char
      at++
      continue
    }
    const found = findEvent(event[0], history)
    if (found === undefined) return { text: line, expanded: false, missing: `${event[0]}: event not found` }
    text += found
    expanded = true
    at += event[0].length
  }
  return { text, expanded }
}

function findEvent(event: string, history: readonly string[]): string | undefined {
  const spec = event.slice(1)
  const last = history.at(-1)
  if (spec === '!') return last
  if (spec === '$') return last?.trim().split(/\s+/).at(-1)
  if (spec === '*') return last?.trim().split(/\s+/).slice(1).join(' ')
  if (/^-\d+$/.test(spec)) return history.at(Number(spec))
  if (/^\d+$/.test(spec)) return history[Number(spec) - 1]
  return history.findLast((line) => line.startsWith(spec))
}
