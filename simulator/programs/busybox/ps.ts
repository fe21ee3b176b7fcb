import { command } from '../netutils/command.ts'
import { UsageError } from '../netutils/options.ts'
import type { Process, ProcessInfo } from '../process.ts'

interface Column {
  readonly header: string
  readonly width: number
  readonly right?: boolean
  readonly cell: (one: ProcessInfo) => string
}

const name = (one: ProcessInfo) => (one.argv[0] ?? '').split('/').at(-1) ?? ''
const columns: Readonly<Record<string, Column>> = {
  user: { header: 'USER', width: 8, cell: (one) => one.user.slice(0, 8) },
  comm: { header: 'COMMAND', width: 16, cell: (one) => name(one).slice(0, 15) },
  args: { header: 'COMMAND', width: 0, cell: (one) => one.argv.join(' ') },
  pid: { header: 'PID', width: 5, right: true, cell: (one) => String(one.pid) },
  ppid: { header: 'PPID', width: 5, right: true, cell: (one) => String(one.parent) },
  time: { header: 'TIME', width: 5, right: true, cell: (one) => minutes(one.cpuSeconds) },
}

/** busybox's ps (procps/ps.c, built with DESKTOP): every process it can see; the usual options of other ps change nothing. */
export const ps = command('busybox/ps', async (process: Process) => {
  const table = process.table
  if (!table) throw new UsageError('ps: the processes of a machine are not modelled, those of containers are')
  const chosen = chosenColumns(process.argv.slice(1)).map((key) => [key, columns[key]] as const)
  const shown = chosen.map(([key, column]) => {
    if (column) return column
    throw new UsageError(`ps: bad -o argument '${key}', supported arguments: ${Object.keys(columns).join(',')}`)
  })
  const line = (cells: readonly string[], headers: boolean) =>
    `${cells
      .map((cell, index) => {
        const { width, right } = shown[index] as Column
        if (index === cells.length - 1 && !right) return cell
        return right && !headers ? cell.padStart(width) : cell.padEnd(width)
      })
      .join(' ')
      .replace(/ +$/, headers ? '' : '$&')}\n`
  const rows = table.list().map((one) =>
    line(
      shown.map(({ cell }) => cell(one)),
      false,
    ),
  )
  await process.stdout.write(
    line(
      shown.map(({ header }) => header),
      true,
    ) + rows.join(''),
  )
  return 0
})

function chosenColumns(words: readonly string[]): string[] {
  const wanted: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string
    if (!word.startsWith('-o')) {
      if (!/^-?[aAdeflxwu]*T?$/.test(word)) throw new UsageError(`ps: invalid option -- '${word.replace(/^-/, '')[0] ?? ''}'`)
      continue
    }
    const list = word.length > 2 ? word.slice(2) : words[++at]
    if (list === undefined) throw new UsageError('ps: option requires an argument: o')
    wanted.push(...list.split(',').filter(Boolean))
  }
  return wanted.length > 0 ? wanted : ['pid', 'user', 'time', 'args']
}

/** `0:07`; hours from a hundred minutes on, as `1h40`. */
function minutes(seconds: number): string {
  const whole = Math.floor(seconds)
  const all = Math.floor(whole / 60)
  if (all >= 100) return `${Math.floor(all / 60)}h${String(all % 60).padStart(2, '0')}`
  return `${all}:${String(whole % 60).padStart(2, '0')}`
}
