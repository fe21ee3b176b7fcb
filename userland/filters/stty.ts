import { parseOptions, ToolError, tool } from '../posix/tool.ts'

/** The terminal's size and echo; other settings of termios are refused by name. */
export const stty = tool('stty', async (process) => {
  const words = process.argv.slice(1)
  const { terminal } = process
  if (!terminal || !process.isTerminal(0)) throw new ToolError("'standard input': Inappropriate ioctl for device")
  if (words.length === 0 || words[0] === '-a' || words[0] === '--all') {
    await process.stdout.write(`speed 38400 baud; rows ${terminal.rows}; columns ${terminal.columns};\n`)
    return 0
  }
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === 'size') await process.stdout.write(`${terminal.rows} ${terminal.columns}\n`)
    else if (word === 'echo' || word === '-echo') terminal.setEcho(word === 'echo')
    else if (word === 'sane') terminal.setEcho(true)
    else if (word === 'rows' || word === 'cols' || word === 'columns') {
      const number = Number(words.shift())
      if (!Number.isInteger(number) || number < 1) throw new ToolError(`missing argument to '${word}'`)
      if (word === 'rows') terminal.resize(terminal.columns, number)
      else terminal.resize(number, terminal.rows)
    } else throw new ToolError(`the simulated terminal does not model the setting '${word}' (size, rows, cols, echo, -echo, sane)`)
  }
  return 0
})

export const tty = tool('tty', async (process) => {
  const { options } = parseOptions(process.argv.slice(1), 's', { silent: 's', quiet: 's' })
  const on = process.isTerminal(0)
  if (!options.has('s')) await process.stdout.write(on ? '/dev/pts/0\n' : 'not a tty\n')
  return on ? 0 : 1
})
