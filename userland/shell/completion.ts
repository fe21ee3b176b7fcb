import { resolvePath } from '../../simulator/files.ts'
import type { Process } from '../../simulator/programs/process.ts'
import { builtins } from './builtins/catalogue.ts'
import type { Completion } from './line-editor.ts'
import type { Shell } from './state.ts'

/**
 * Completes one command's operands. `words` are the command line's words up to the cursor, unquoted, `words[current]` the one being typed (perhaps '').
 * Returns whole words that could stand at `current`; one that ends in `=`, `/` or `:` gets no blank after it.
 */
export type Completer = (words: string[], current: number, process: Process) => Promise<string[]>

/** What Tab completes at the end of `before`: commands, variables, a command's own words, files. */
export async function complete(shell: Shell, completers: Readonly<Record<string, Completer>>, before: string): Promise<Completion> {
  const { words, start, word } = splitCommand(before)
  const offset = [...before.slice(0, start)].length
  const blank = () => ' '
  const variable = /^(.*)\$(\{?)(\w*)$/.exec(word)
  if (variable) {
    const [, lead, brace, name] = variable as unknown as [string, string, string, string]
    const names = [...shell.variables.keys()].filter((candidate) => candidate.startsWith(name)).sort()
    return { start: offset, candidates: names.map((candidate) => `${lead}$${brace}${candidate}`), suffix: () => (brace ? '}' : ' ') }
  }
  const typed = unquote(word)
  if (words.length === 0 && !typed.includes('/')) {
    const names = new Set([...shell.process.commands(), ...builtins.keys(), ...shell.functions.keys(), ...shell.aliases.keys()])
    return { start: offset, candidates: [...names].filter((name) => name.startsWith(typed) && /\w/.test(name)).sort(), suffix: blank }
  }
  const command = resolveAlias(shell, words)
  const completer = completers[command[0]?.slice((command[0].lastIndexOf('/') ?? -1) + 1) ?? '']
  const redirects = /(?:^|[^\\])[<>]\s*$/.test(before.slice(0, start))
  if (completer && !redirects && words.length > 0) {
    const offered = await offer(shell, completer, [...command, typed])
    const candidates = [...new Set(offered)].filter((candidate) => candidate.startsWith(typed)).sort()
    if (candidates.length > 0) return { start: offset, candidates, suffix: (candidate) => (/[=/:]$/.test(candidate) ? '' : ' ') }
  }
  const onlyDirectories = words[0] === 'cd' || words[0] === 'mkdir' || words[0] === 'rmdir'
  return { start: offset, ...completeFiles(shell, typed, onlyDirectories) }
}

async function offer(shell: Shell, completer: Completer, words: string[]): Promise<string[]> {
  const environment = { ...shell.process.env, ...shell.environment() }
  const process: Process = Object.create(shell.process, { env: { value: environment }, cwd: { value: shell.cwd, writable: true } })
  try {
    return await completer(words, words.length - 1, process)
  } catch {
    // As bash's completion functions: one that fails (no cluster to ask) offers nothing, and says nothing into the line.
    return []
  }
}

function resolveAlias(shell: Shell, words: readonly string[]): string[] {
  const alias = shell.aliases.get(words[0] ?? '')
  return alias === undefined ? [...words] : [...alias.trim().split(/\s+/), ...words.slice(1)]
}

function completeFiles(shell: Shell, typed: string, onlyDirectories: boolean): Omit<Completion, 'start'> {
  const slash = typed.lastIndexOf('/') + 1
  const directory = typed.slice(0, slash)
  const name = typed.slice(slash)
  const home = directory.startsWith('~/') ? (shell.get('HOME') ?? '~') + directory.slice(1) : directory
  const path = resolvePath(shell.cwd, home || '.')
  const { files } = shell.process
  const found = files.exists(path) && files.stat(path).directory ? files.list(path) : []
  const candidates = found
    .filter((file) => file.name.startsWith(name) && (name !== '' || !file.name.startsWith('.')) && (!onlyDirectories || file.directory))
    .map((file) => `${directory}${file.name.replace(/[\s'"\\$&;|<>()*?[\]]/g, '\\$&')}${file.directory ? '/' : ''}`)
  return {
    candidates,
    suffix: (candidate) => (candidate.endsWith('/') ? '' : ' '),
    label: (candidate) => candidate.replace(/^.*\/(?=.)/, ''),
  }
}

function unquote(word: string): string {
  return word.replace(/\\(.)/g, '$1').replace(/^["']/, '')
}

/** The words of the last simple command in an unfinished line, and where the one being typed starts. */
export function splitCommand(before: string): { words: string[]; start: number; word: string } {
  let words: string[] = []
  let word = ''
  let start = 0
  let inWord = false
  let quote = ''
  const end = () => {
    if (inWord) words.push(word)
    word = ''
    inWord = false
  }
  for (let at = 0; at < before.length; at++) {
    const char = before[at] as string
    if (!inWord && !/\s/.test(char)) start = at
    if (quote) {
      if (char === quote) quote = ''
      else word += char
    } else if (char === '\\') {
      inWord = true
      word += before[++at] ?? ''
    } else if (char === '"' || char === "'") {
      inWord = true
      quote = char
    } else if (/\s/.test(char)) end()
    else if (/[;&|(]/.test(char) || (char === '`' && !inWord)) {
      end()
      words = []
    } else if (/[<>]/.test(char)) end()
    else {
      inWord = true
      word += char
    }
  }
  if (!inWord) start = before.length
  // Assignments before a command and `sudo`-like prefixes are not the command.
  while (/^[A-Za-z_]\w*=/.test(words[0] ?? '') || /^(time|exec|command|watch|xargs|then|do|else|if|while|!)$/.test(words[0] ?? ''))
    words.shift()
  return { words, start, word: before.slice(start) }
}
