import { expandToString } from './expansion.ts'
import { Lexer } from './lexer.ts'
import { parseAll } from './parser.ts'
import type { Shell } from './state.ts'
import { ShellError } from './state.ts'
import { ShellSyntaxError } from './syntax.ts'

const pad = (value: number) => `${value}`.padStart(2, '0')

/** A prompt string with its backslash escapes (bash manual, "Controlling the Prompt") and then its expansions done. */
export async function expandPrompt(shell: Shell, prompt: string): Promise<string> {
  const { process } = shell
  const home = shell.get('HOME')
  const under = home && home !== '/' && (shell.cwd === home || shell.cwd.startsWith(`${home}/`))
  const short = under ? `~${shell.cwd.slice(home.length)}` : shell.cwd
  const time = new Date(process.clock.now())
  const clock = `${pad(time.getUTCHours())}:${pad(time.getUTCMinutes())}`
  const text = prompt.replace(/\\(?:([0-7]{3})|(.))/g, (whole, octal: string | undefined, letter: string) => {
    if (octal) return String.fromCharCode(Number.parseInt(octal, 8))
    switch (letter) {
      case 'u':
        return process.user
      case 'h':
        return process.hostname.split('.')[0] as string
      case 'H':
        return process.hostname
      case 'w':
        return short
      case 'W':
        return short === '/' || short === '~' ? short : short.slice(short.lastIndexOf('/') + 1)
      case '$':
        return process.user === 'root' ? '#' : '\\$'
      case 's':
        return shell.name.replace(/^.*\/|^-/g, '')
      case 't':
        return `${clock}:${pad(time.getUTCSeconds())}`
      case 'A':
        return clock
      case 'j':
        return `${shell.jobs.length}`
      case '!':
      case '#':
        return `${shell.history.length + 1}`
      case 'e':
        return '\x1b'
      case 'a':
        return '\x07'
      case 'n':
        return '\n'
      case 'r':
        return '\r'
      case '\\':
        return '\\\\'
      case '[':
      case ']':
        return ''
      default:
        return whole
    }
  })
  if (!/[$`\\]/.test(text)) return text
  const lexer = new Lexer(text, shell.dialect)
  lexer.parseText = (source) => parseAll(source, { dialect: shell.dialect })
  const { status } = shell
  try {
    return await expandToString(shell, { parts: lexer.quotedParts(''), source: text }, false)
  } catch (error) {
    // A prompt that cannot be expanded is shown as it is written; it must not cost the person their shell.
    if (error instanceof ShellError || error instanceof ShellSyntaxError) return text
    throw error
  } finally {
    shell.status = status
  }
}
