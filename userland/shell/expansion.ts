import { quotePattern } from '../posix/pattern.ts'
import { evaluateArithmetic } from './arithmetic.ts'
import { expandBraces } from './braces.ts'
import { glob } from './glob.ts'
import { expandParameter } from './parameters.ts'
import type { Shell } from './state.ts'
import type { Part, Word } from './syntax.ts'

/** A stretch of an expanded word. `split` text is the result of an unquoted expansion and subject to IFS. */
export interface Piece {
  readonly text: string
  readonly quoted: boolean
  readonly split?: boolean
}

/** A piece, or the boundary between two elements of `"$@"`. */
export type Expanded = Piece | 'boundary'

/** Words to fields: braces, tilde, parameters, commands, arithmetic, splitting, pathnames, quote removal (POSIX 2.6). */
export async function expandToFields(shell: Shell, words: readonly Word[]): Promise<string[]> {
  const fields: string[] = []
  for (const word of words) {
    const simple = plainText(word)
    if (simple !== undefined) {
      fields.push(simple)
      continue
    }
    for (const variant of shell.dialect === 'bash' ? expandBraces(word) : [word]) {
      for (const field of splitFields(await expandParts(shell, variant.parts, true), shell.get('IFS') ?? ' \t\n')) {
        fields.push(...pathnames(shell, field))
      }
    }
  }
  return fields
}

/** The common case: literal text in which nothing is to be expanded. */
function plainText(word: Word): string | undefined {
  let text = ''
  for (const part of word.parts) {
    if (part.kind !== 'text' || (!part.quoted && /[*?[{~]/.test(part.text))) return undefined
    text += part.text
  }
  return text
}

/** A word as one string: assignments, here-documents, `case` subjects. No splitting, no pathnames. */
export async function expandToString(shell: Shell, word: Word, tilde = true): Promise<string> {
  const pieces = await expandParts(shell, word.parts, tilde)
  return pieces.map((piece) => (piece === 'boundary' ? ' ' : piece.text)).join('')
}

/** A word as a shell pattern in which what was quoted stands for itself. */
export async function expandToPattern(shell: Shell, word: Word): Promise<string> {
  const pieces = await expandParts(shell, word.parts, true)
  return pieces.map((piece) => (piece === 'boundary' ? ' ' : piece.quoted ? quotePattern(piece.text) : piece.text)).join('')
}

export async function expandParts(shell: Shell, parts: readonly Part[], tilde: boolean): Promise<Expanded[]> {
  const pieces: Expanded[] = []
  for (const [index, part] of parts.entries()) {
    switch (part.kind) {
      case 'text':
        pieces.push(...(tilde && index === 0 && !part.quoted ? expandTilde(shell, part.text, parts.length === 1) : [part]))
        break
      case 'parameter':
        pieces.push(...(await expandParameter(shell, part.parameter, part.quoted)))
        break
      case 'command':
        pieces.push({ text: await shell.substitute(shell, part.list), quoted: part.quoted, split: !part.quoted })
        break
      case 'arithmetic':
        pieces.push({ text: `${await arithmetic(shell, part.expression)}`, quoted: part.quoted, split: !part.quoted })
    }
  }
  return pieces
}

function expandTilde(shell: Shell, text: string, whole: boolean): Piece[] {
  const prefix = /^~([+-]?)(?=\/|$)/.exec(text)
  if (!prefix || (prefix[0] === text && !whole)) return [{ text, quoted: false }]
  const home = prefix[1] === '+' ? shell.get('PWD') : prefix[1] === '-' ? shell.get('OLDPWD') : shell.get('HOME')
  if (home === undefined) return [{ text, quoted: false }]
  return [
    { text: home, quoted: true },
    { text: text.slice(prefix[0].length), quoted: false },
  ]
}

export async function arithmetic(shell: Shell, expression: Word): Promise<bigint> {
  return evaluateArithmetic(await expandToString(shell, expression, false), arithmeticVariables(shell))
}

export function arithmeticVariables(shell: Shell) {
  return {
    get: (name: string, index?: string) =>
      index === undefined
        ? shell.get(name)
        : (shell.variables.get(name)?.elements?.get(index) ?? (index === '0' ? shell.get(name) : undefined)),
    set: (name: string, value: string, index?: string) => setElement(shell, name, index, value),
  }
}

export function setElement(shell: Shell, name: string, index: string | undefined, value: string): void {
  if (index === undefined) {
    shell.set(name, value)
    return
  }
  const variable = shell.variables.get(name)
  const elements = new Map(variable?.elements ?? (variable?.value === undefined ? [] : [['0', variable.value] as const]))
  elements.set(index, value)
  shell.set(name, elements.get('0') ?? '', { elements })
}

/** Fields as pieces. Quoted text is never split, and an empty quoted piece still makes a field. */
export function splitFields(expanded: readonly Expanded[], separators: string): Piece[][] {
  const fields: Piece[][] = []
  let current: Piece[] | undefined
  /** A field ended by a separator that is no blank: another such separator right after it makes an empty field. */
  const end = () => {
    if (current) fields.push(current)
    current = undefined
  }
  for (const piece of expanded) {
    if (piece === 'boundary') {
      end()
      continue
    }
    if (!piece.split) {
      if (piece.text !== '' || piece.quoted) (current ??= []).push(piece)
      continue
    }
    let text = ''
    let afterBlank = false
    for (const char of piece.text) {
      if (!separators.includes(char)) {
        text += char
        afterBlank = false
        continue
      }
      const blank = char === ' ' || char === '\t' || char === '\n'
      if (text !== '') (current ??= []).push({ text, quoted: false })
      text = ''
      if (blank) {
        if (current) afterBlank = true
        end()
      } else {
        // `a : b` has one separator: the blanks belong to the colon.
        if (!current && !afterBlank) current = []
        end()
        afterBlank = false
      }
    }
    if (text !== '') (current ??= []).push({ text, quoted: false })
  }
  end()
  return fields
}

function pathnames(shell: Shell, field: readonly Piece[]): string[] {
  const text = field.map((piece) => piece.text).join('')
  if (shell.options.noglob || !field.some((piece) => !piece.quoted && /[*?[]/.test(piece.text))) return [text]
  const pattern = field.map((piece) => (piece.quoted ? quotePattern(piece.text) : piece.text)).join('')
  const found = glob(shell.process.files, shell.cwd, pattern)
  return found.length > 0 ? found : [text]
}
