import type { Shell } from './state.ts'
import type { ShellSyntaxError } from './syntax.ts'

/** Tells a syntax error in the manner of bash or busybox ash. `origin` is `-c`, `eval` or a sourced file's name. */
export async function reportSyntaxError(shell: Shell, error: ShellSyntaxError, origin?: string): Promise<void> {
  const name = shell.name.replace(/^-/, '')
  const sink = shell.descriptors.get(2)?.sink
  if (shell.dialect === 'ash') {
    const line = shell.showsLines ? `line ${error.line}: ` : ''
    const shown = error.token === '\n' ? 'newline' : error.token
    const plain = /^syntax error/.test(error.message)
    const message = !plain
      ? `syntax error: ${error.message.replace(/^unexpected EOF.*`(.*)'$/, 'unterminated quoted string')}`
      : error.token === undefined
        ? 'syntax error: unexpected end of file'
        : `syntax error: unexpected ${shown === 'newline' ? 'newline' : `"${shown}"`}`
    await sink?.write(`${name}: ${line}${message}\n`)
    return
  }
  const where = origin ? `${origin}: ` : ''
  const line = shell.showsLines || origin ? `line ${error.line}: ` : ''
  let text = `${name}: ${where}${line}${error.message}\n`
  if (error.token !== undefined && line && /near unexpected/.test(error.message)) text += `${name}: ${where}${line}\`${error.text}'\n`
  await sink?.write(text)
}
