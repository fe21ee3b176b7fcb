import { command } from '../netutils/command.ts'
import { UsageError } from '../netutils/options.ts'
import { type Process, type Signal, signalNumbers } from '../process.ts'

/** busybox's kill: `kill [-SIGNAL] PID…`, without what belongs to a shell's jobs. */
export const kill = command('busybox/kill', async (process: Process) => {
  const words = process.argv.slice(1)
  let signal = 'SIGTERM'
  if (words[0]?.startsWith('-') && words[0] !== '--') {
    const spec = words[0] === '-s' ? (words[1] ?? '') : words[0].slice(1)
    words.splice(0, words[0] === '-s' ? 2 : 1)
    const found = signalOf(spec)
    if (!found) throw new UsageError(`kill: bad signal name '${spec}'`)
    signal = found
  }
  if (words[0] === '--') words.shift()
  if (words.length === 0) throw new UsageError('kill: you need to specify whom to kill')
  let status = 0
  for (const word of words) {
    const pid = /^\d+$/.test(word) ? Number(word) : undefined
    if (pid === undefined) {
      await process.stderr.write(`kill: invalid number '${word}'\n`)
      status = 1
    } else if (!(signal === '0' ? process.table?.list().some((one) => one.pid === pid) : process.table?.kill(pid, signal as Signal))) {
      await process.stderr.write(`kill: can't kill pid ${pid}: No such process\n`)
      status = 1
    }
  }
  return status
})

function signalOf(spec: string): string | undefined {
  if (spec === '0') return '0'
  const bare = spec.toUpperCase().replace(/^SIG/, '')
  const names = Object.keys(signalNumbers)
  return names.find((one) => one === `SIG${bare}` || String(signalNumbers[one as Signal]) === spec)
}
