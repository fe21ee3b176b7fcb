import type { Process } from '../../simulator/programs/process.ts'
import { BrokenPipe, Pipe } from '../../simulator/streams.ts'
import type { Terminal } from '../../simulator/terminal.ts'
import { readText } from '../posix/lines.ts'
import { openSource, parseDuration, parseOptions, ToolError, tool } from '../posix/tool.ts'
import type { Key } from '../terminal/keys.ts'
import { KeyDecoder } from '../terminal/keys.ts'
import { characterWidth, withoutEscapes } from '../terminal/width.ts'
import { formatDate } from './system.ts'

/** Cuts lines to the screen's width, as rows; escape sequences take no room. */
function rowsOf(text: string, columns: number, wrap: boolean): string[] {
  const rows: string[] = []
  for (const line of text.split('\n')) {
    let row = ''
    let width = 0
    for (const piece of line.match(/\x1b\[[0-9;?]*[A-Za-z]|[\s\S]/gu) ?? []) {
      if (piece.length > 1 && piece.startsWith('\x1b')) {
        row += piece
        continue
      }
      const shown = piece === '\t' ? ' '.repeat(8 - (width % 8)) : piece
      const size = piece === '\t' ? shown.length : characterWidth(piece)
      if (width + size > columns) {
        if (!wrap) break
        rows.push(row)
        row = ''
        width = 0
      }
      row += shown
      width += size
    }
    rows.push(row)
  }
  return rows
}

export const less = tool('less', async (process) => {
  const { operands, options } = parseOptions(
    process.argv.slice(1).filter((word) => !/^\+/.test(word)),
    'RSXFNiIeErMmqsnV',
    { help: 'help', version: 'V' },
  )
  if (options.has('V')) {
    await process.stdout.write('less 590 (PCRE2 regular expressions)\n')
    return 0
  }
  if (options.has('help')) {
    await process.stdout.write(
      'Usage: less [file]\n\nInside: Space and b page, j and k move by a line, g and G go to the ends, /text searches, n repeats, q quits.\n',
    )
    return 0
  }
  const name = operands[0] ?? '-'
  const { terminal } = process
  if (operands.length === 0 && process.isTerminal(0)) throw new ToolError('Missing filename ("less --help" for help)')
  if (!terminal || !process.isTerminal(1)) {
    const source = openSource(process, name)
    for (let chunk = await source.read(process.signal); chunk; chunk = await source.read(process.signal)) await process.stdout.write(chunk)
    return 0
  }
  const text = await readText(openSource(process, name), process.signal)
  return page(process, terminal, text.replace(/\n$/, ''), name === '-' ? '' : name)
})

async function page(process: Process, terminal: Terminal, text: string, name: string): Promise<number> {
  const cook = terminal.enterRaw()
  const decoder = new KeyDecoder()
  let top = 0
  let pattern: string | undefined
  let typing: string | undefined
  let message = ''
  let rows = rowsOf(text, terminal.columns, true)
  const height = () => Math.max(1, terminal.rows - 1)
  const clamp = () => {
    top = Math.max(0, Math.min(top, rows.length - height()))
  }
  const draw = () => {
    clamp()
    let output = '\x1b[H'
    for (let index = 0; index < height(); index++) output += `${rows[top + index] ?? '~'}\x1b[m\x1b[K\r\n`
    const end = top + height() >= rows.length
    const status = typing !== undefined ? `/${typing}` : message || (end ? '(END)' : top === 0 && name ? name : ':')
    output += typing !== undefined || status === ':' ? `${status}\x1b[K` : `\x1b[7m${status}\x1b[m\x1b[K`
    void terminal.sink.write(output).catch(() => {})
  }
  const resized = terminal.onResize(() => {
    rows = rowsOf(text, terminal.columns, true)
    draw()
  })
  const search = (from: number, step: 1 | -1) => {
    if (!pattern) return
    for (let at = from; at >= 0 && at < rows.length; at += step) {
      if (!withoutEscapes(rows[at] as string).includes(pattern)) continue
      top = at
      return
    }
    message = 'Pattern not found  (press RETURN)'
  }
  /** True where the key ends the pager. */
  const press = (key: Key): boolean => {
    message = ''
    if (typing !== undefined) {
      if (key.name === 'enter') {
        if (typing) pattern = typing
        typing = undefined
        search(top + 1, 1)
      } else if (key.name === 'escape' || key.name === 'ctrl-c') typing = undefined
      else if (key.name === 'backspace') typing = typing === '' ? undefined : typing.slice(0, -1)
      else typing += key.text
      return false
    }
    const letter = key.name === 'text' ? key.text : key.name
    if (letter === 'q' || letter === 'Q' || letter === 'ctrl-c') return true
    if (letter === 'j' || letter === 'down' || letter === 'enter' || letter === 'e') top++
    else if (letter === 'k' || letter === 'up' || letter === 'y') top--
    else if (letter === ' ' || letter === 'f' || letter === 'pagedown' || letter === 'ctrl-f') top += height()
    else if (letter === 'b' || letter === 'pageup' || letter === 'ctrl-b') top -= height()
    else if (letter === 'd') top += Math.floor(height() / 2)
    else if (letter === 'u') top -= Math.floor(height() / 2)
    else if (letter === 'g' || letter === 'home' || letter === '<') top = 0
    else if (letter === 'G' || letter === 'end' || letter === '>') top = rows.length
    else if (letter === '/') typing = ''
    else if (letter === 'n') search(top + 1, 1)
    else if (letter === 'N') search(top - 1, -1)
    return false
  }
  await terminal.sink.write('\x1b[?1049h')
  try {
    draw()
    for (;;) {
      const bytes = await terminal.source.read(process.signal)
      if (!bytes) return 0
      for (const key of decoder.feed(bytes)) if (press(key)) return 0
      draw()
    }
  } finally {
    resized.close()
    cook()
    await terminal.sink.write('\x1b[?1049l')
  }
}

export const watch = tool('watch', async (process) => {
  const long = { interval: 'n:', 'no-title': 't', differences: 'd?', color: 'c', exec: 'x', errexit: 'e' }
  const { options, operands } = parseOptions(process.argv.slice(1), '+n:tdcxeb', long)
  if (operands.length === 0) throw new ToolError('no command given')
  const seconds = Math.max(0.1, Number(options.get('n') ?? '2'))
  if (Number.isNaN(seconds)) throw new ToolError(`failed to parse argument: '${options.get('n')}'`)
  const interval = parseDuration(`${seconds}`) as number
  const { terminal } = process
  if (!terminal || !process.isTerminal(1)) throw new ToolError('Error opening terminal: unknown.')
  const argv = options.has('x') ? operands : ['sh', '-c', operands.join(' ')]
  await terminal.sink.write('\x1b[?1049h\x1b[?25l')
  let output = ''
  const draw = () => {
    const left = `Every ${seconds.toFixed(1)}s: ${operands.join(' ')}`
    const right = `${process.hostname}: ${formatDate('%a %b %e %H:%M:%S %Y', process.clock.now())}`
    const room = terminal.columns - right.length - 1
    const title = options.has('t')
      ? []
      : [`${left.length > room ? `${left.slice(0, Math.max(0, room - 3))}...` : left.padEnd(room)} ${right}`, '']
    const rows = [...title, ...rowsOf(output.replace(/\n$/, ''), terminal.columns, true)].slice(0, terminal.rows)
    void terminal.sink.write(`\x1b[H${rows.map((row) => `${row}\x1b[m\x1b[K`).join('\r\n')}\x1b[J`).catch(() => {})
  }
  const resized = terminal.onResize(draw)
  try {
    for (;;) {
      const pipe = new Pipe()
      const child = process.spawn(argv, { stdout: pipe, stderr: pipe })
      if (!child) throw new ToolError(`unable to execute '${argv[0]}': No such file or directory`)
      const kill = () => child.kill('SIGTERM')
      process.signal.addEventListener('abort', kill, { once: true })
      const reading = readText(pipe, process.signal)
      const status = await child.exit
      pipe.end()
      process.signal.removeEventListener('abort', kill)
      process.signal.throwIfAborted()
      output = await reading
      draw()
      if (options.has('e') && status !== 0) return status
      await process.clock.sleep(interval, process.signal)
    }
  } catch (error) {
    if (error instanceof BrokenPipe) return 141
    throw error
  } finally {
    resized.close()
    await terminal.sink.write('\x1b[?25h\x1b[?1049l')
  }
})
