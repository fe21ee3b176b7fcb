import { resolvePath } from '../../simulator/files.ts'
import type { Process, Signal } from '../../simulator/programs/process.ts'
import { Signalled } from '../../simulator/programs/process.ts'
import { readBytes } from '../posix/lines.ts'
import { formatPrintf } from '../posix/printf.ts'
import { openSource, parseDuration, parseOptions, ToolError, tool } from '../posix/tool.ts'
import { echoText } from '../shell/builtins/output.ts'
import { evaluateTest } from '../shell/builtins/test.ts'
import { ShellError } from '../shell/state.ts'

export const trueCommand = tool('true', async () => 0)
export const falseCommand = tool('false', async () => 1)

export const echo = tool('echo', async (process) => {
  await process.stdout.write(echoText(process.argv.slice(1)))
  return 0
})

export const printf = tool('printf', async (process) => {
  const operands = process.argv.slice(process.argv[1] === '--' ? 2 : 1)
  if (operands[0] === undefined) throw new ToolError('missing operand')
  const { text, errors } = formatPrintf(operands[0], operands.slice(1))
  await process.stdout.write(text)
  for (const error of errors) await process.stderr.write(`printf: ${error}\n`)
  return errors.length > 0 ? 1 : 0
})

export const test = tool('test', async (process) => {
  try {
    const terminal = (descriptor: number) => descriptor >= 0 && descriptor <= 2 && process.isTerminal(descriptor as 0 | 1 | 2)
    return evaluateTest(process.argv, process, process.cwd, terminal, (name) => process.env[name]) ? 0 : 1
  } catch (error) {
    if (error instanceof ShellError) throw new ToolError(error.message, 2)
    throw error
  }
})

export const sleep = tool('sleep', async (process) => {
  const operands = process.argv.slice(1)
  if (operands.length === 0) throw new ToolError('missing operand')
  let total = 0
  for (const operand of operands) {
    const duration = parseDuration(operand)
    if (duration === undefined) throw new ToolError(`invalid time interval '${operand}'`)
    total += duration
  }
  await process.clock.sleep(total, process.signal)
  return 0
})

const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const months = 'January February March April May June July August September October November December'.split(' ')
const pad = (value: number, width = 2, fill = '0') => `${value}`.padStart(width, fill)

/** strftime in UTC, the time zone of every machine here. */
export function formatDate(format: string, ms: number): string {
  const date = new Date(ms)
  const hour = date.getUTCHours()
  return format.replace(/%(-|_|0|:)?([a-zA-Z%])(\d?)/g, (whole, flag: string | undefined, letter: string, rest: string) => {
    const number = (value: number, width = 2, fill = '0') =>
      (flag === '-' ? `${value}` : pad(value, width, flag === '_' ? ' ' : fill)) + rest
    switch (letter) {
      case 'Y':
        return date.getUTCFullYear() + rest
      case 'y':
        return number(date.getUTCFullYear() % 100)
      case 'm':
        return number(date.getUTCMonth() + 1)
      case 'd':
        return number(date.getUTCDate())
      case 'e':
        return number(date.getUTCDate(), 2, ' ')
      case 'H':
        return number(hour)
      case 'I':
        return number(hour % 12 || 12)
      case 'M':
        return number(date.getUTCMinutes())
      case 'S':
        return number(date.getUTCSeconds())
      case 'N':
        return `${pad(date.getUTCMilliseconds(), 3)}000000`.slice(0, Number(rest || '9'))
      case 's':
        return `${Math.floor(ms / 1000)}${rest}`
      case 'j':
        return number(Math.floor((ms - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1, 3)
      case 'a':
        return (days[date.getUTCDay()] as string).slice(0, 3) + rest
      case 'A':
        return days[date.getUTCDay()] + rest
      case 'b':
      case 'h':
        return (months[date.getUTCMonth()] as string).slice(0, 3) + rest
      case 'B':
        return months[date.getUTCMonth()] + rest
      case 'p':
        return (hour < 12 ? 'AM' : 'PM') + rest
      case 'u':
        return `${date.getUTCDay() || 7}${rest}`
      case 'w':
        return `${date.getUTCDay()}${rest}`
      case 'Z':
        return `UTC${rest}`
      case 'z':
        return (flag === ':' ? '+00:00' : '+0000') + rest
      case 'F':
        return formatDate('%Y-%m-%d', ms) + rest
      case 'T':
        return formatDate('%H:%M:%S', ms) + rest
      case 'R':
        return formatDate('%H:%M', ms) + rest
      case 'D':
        return formatDate('%m/%d/%y', ms) + rest
      case 'c':
        return formatDate('%a %b %e %H:%M:%S %Y', ms) + rest
      case 'n':
        return `\n${rest}`
      case 't':
        return `\t${rest}`
      case '%':
        return `%${rest}`
      default:
        return whole
    }
  })
}

function parseDate(text: string, now: number): number {
  if (text === 'now') return now
  if (/^@-?\d+$/.test(text)) return Number(text.slice(1)) * 1000
  const relative = /^([-+]?\d+) (second|minute|hour|day|week)s?( ago)?$/.exec(text)
  if (relative) {
    const unit = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 }[relative[2] as 'second'] * 1000
    return now + Number(relative[1]) * unit * (relative[3] ? -1 : 1)
  }
  const parsed = /^\d{4}-\d\d-\d\d/.test(text)
    ? Date.parse(/[zZ]|[-+]\d\d:?\d\d$/.test(text) || text.length === 10 ? text : `${text.replace(' ', 'T')}Z`)
    : Number.NaN
  if (Number.isNaN(parsed)) throw new ToolError(`invalid date '${text}'`)
  return parsed
}

export const date = tool('date', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'ud:RI', {
    utc: 'u',
    date: 'd:',
    'iso-8601': 'I?',
    'rfc-email': 'R',
    'rfc-3339': 'rfc-3339:',
  })
  const now = process.clock.now()
  const ms = options.has('d') ? parseDate(options.get('d') as string, now) : now
  const format = operands[0]
  if (format !== undefined && !format.startsWith('+')) throw new ToolError(`invalid date '${format}'`)
  const iso = options.get('I')
  const fallback = options.has('R')
    ? '%a, %d %b %Y %H:%M:%S %z'
    : iso === undefined
      ? '%a %b %e %H:%M:%S %Z %Y'
      : iso === 'seconds'
        ? '%FT%T%:z'
        : '%F'
  await process.stdout.write(`${formatDate(format?.slice(1) ?? (options.has('rfc-3339') ? '%F %T%:z' : fallback), ms)}\n`)
  return 0
})

export const printenv = tool('printenv', async (process) => {
  const names = process.argv.slice(1)
  if (names.length === 0) {
    await process.stdout.write(
      Object.entries(process.env)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    return 0
  }
  let status = 0
  for (const name of names) {
    const value = process.env[name]
    if (value === undefined) status = 1
    else await process.stdout.write(`${value}\n`)
  }
  return status
})

/** Runs another command with this one's standard streams, ending it when this one is ended. */
export async function runChild(process: Process, argv: readonly string[], options: Parameters<Process['spawn']>[1] = {}): Promise<number> {
  const child = process.spawn(argv, options)
  if (!child) return 127
  const kill = () => child.kill(process.signal.reason instanceof Signalled ? process.signal.reason.signal : 'SIGTERM')
  process.signal.addEventListener('abort', kill, { once: true })
  const status = await child.exit
  process.signal.removeEventListener('abort', kill)
  process.signal.throwIfAborted()
  return status
}

export const env = tool('env', async (process) => {
  const words = process.argv.slice(1)
  const environment = { ...process.env }
  const clear = () => {
    for (const name of Object.keys(environment)) delete environment[name]
  }
  while (words.length > 0) {
    const word = words[0] as string
    if (word === '-i' || word === '-') clear()
    else if (word === '-u') {
      delete environment[words[1] ?? '']
      words.shift()
    } else if (word === '--') {
      words.shift()
      break
    } else if (word.startsWith('-')) throw new ToolError(`invalid option -- '${word.replace(/^-+/, '')}'`, 125)
    else if (/^[^=]+=/.test(word)) environment[word.slice(0, word.indexOf('='))] = word.slice(word.indexOf('=') + 1)
    else break
    words.shift()
  }
  if (words.length === 0) {
    await process.stdout.write(
      Object.entries(environment)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    return 0
  }
  const status = await runChild(process, words, { env: environment })
  if (status === 127 && !process.commands().includes(words[0] as string))
    throw new ToolError(`'${words[0]}': No such file or directory`, 127)
  return status
})

export const which = tool('which', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'a')
  let status = 0
  for (const name of operands) {
    const directories = name.includes('/')
      ? ['']
      : (process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin').split(':')
    const found = directories
      .map((directory) => resolvePath(process.cwd, directory === '' ? name : `${directory}/${name}`))
      .filter((path) => process.files.exists(path) && !process.files.stat(path).directory && (process.files.stat(path).mode & 0o111) !== 0)
    if (found.length === 0) status = 1
    for (const path of options.has('a') ? found : found.slice(0, 1)) await process.stdout.write(`${path}\n`)
  }
  return status
})

const userId = (process: Process) => (process.user === 'root' ? 0 : 1000)

export const whoami = tool('whoami', async (process) => {
  await process.stdout.write(`${process.user}\n`)
  return 0
})

export const id = tool('id', async (process) => {
  const { options } = parseOptions(process.argv.slice(1), 'ugnG')
  const number = userId(process)
  const text =
    options.has('u') || options.has('g') || options.has('G')
      ? options.has('n')
        ? process.user
        : `${number}`
      : `uid=${number}(${process.user}) gid=${number}(${process.user}) groups=${number}(${process.user})`
  await process.stdout.write(`${text}\n`)
  return 0
})

export const hostname = tool('hostname', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'sfiI', { short: 's', fqdn: 'f' })
  if (operands.length > 0) throw new ToolError('you must be root to change the host name')
  if (options.has('i') || options.has('I')) {
    const addresses = (await hostAddresses(process)).join(' ')
    await process.stdout.write(`${addresses}\n`)
    return 0
  }
  await process.stdout.write(`${options.has('s') ? process.hostname.split('.')[0] : process.hostname}\n`)
  return 0
})

/** The addresses that /etc/hosts gives this host: where `hostname -i` looks first. */
async function hostAddresses(process: Process): Promise<string[]> {
  if (!process.files.exists('/etc/hosts')) throw new ToolError('Name or service not known')
  const found: string[] = []
  for (const line of process.files.readText('/etc/hosts').split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address && names.includes(process.hostname)) found.push(address)
  }
  if (found.length === 0) throw new ToolError('Name or service not known')
  return found
}

export const uname = tool('uname', async (process) => {
  const { options } = parseOptions(process.argv.slice(1), 'asnrvmpio', {
    all: 'a',
    'kernel-name': 's',
    nodename: 'n',
    'kernel-release': 'r',
    machine: 'm',
  })
  const all = options.has('a')
  const fields: [string, string][] = [
    ['s', 'Linux'],
    ['n', process.hostname],
    ['r', '6.8.0-45-generic'],
    ['v', '#45-Ubuntu SMP PREEMPT_DYNAMIC Fri Aug 30 12:02:04 UTC 2024'],
    ['m', 'x86_64'],
    ['o', 'GNU/Linux'],
  ]
  const chosen = fields.filter(([letter]) => all || options.has(letter) || (options.size === 0 && letter === 's'))
  await process.stdout.write(`${chosen.map(([, value]) => value).join(' ')}\n`)
  return 0
})

export const clear = tool('clear', async (process) => {
  await process.stdout.write('\x1b[H\x1b[2J\x1b[3J')
  return 0
})

export const reset = tool('reset', async (process) => {
  await process.stdout.write('\x1bc')
  process.terminal?.setEcho(true)
  return 0
})

export const base64 = tool('base64', async (process) => {
  const { options, operands } = parseOptions(process.argv.slice(1), 'dw:i', { decode: 'd', wrap: 'w:', 'ignore-garbage': 'i' })
  const bytes = await readBytes(openSource(process, operands[0] ?? '-'), process.signal)
  if (options.has('d')) {
    const text = new TextDecoder().decode(bytes).replace(/\s+/g, '')
    let binary: string
    try {
      binary = atob(text)
    } catch {
      throw new ToolError('invalid input')
    }
    await process.stdout.write(Uint8Array.from(binary, (char) => char.charCodeAt(0)))
    return 0
  }
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  const encoded = btoa(binary)
  const width = Number(options.get('w') ?? '76')
  const lines = width === 0 ? encoded : encoded.replace(new RegExp(`.{${width}}(?=.)|.+$`, 'g'), '$&\n')
  await process.stdout.write(lines)
  return 0
})

const signals: Record<string, Signal> = {
  HUP: 'SIGHUP',
  INT: 'SIGINT',
  QUIT: 'SIGQUIT',
  KILL: 'SIGKILL',
  TERM: 'SIGTERM',
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  9: 'SIGKILL',
  15: 'SIGTERM',
}

export const timeout = tool(
  'timeout',
  async (process) => {
    const { options, operands } = parseOptions(
      process.argv.slice(1),
      '+s:k:v',
      { signal: 's:', 'kill-after': 'k:', foreground: 'foreground', 'preserve-status': 'preserve-status' },
      125,
    )
    // busybox's old form: timeout -t 5 command.
    const [limit, ...argv] = operands
    if (limit === undefined || argv.length === 0) throw new ToolError('missing operand', 125)
    const duration = parseDuration(limit)
    if (duration === undefined) throw new ToolError(`invalid time interval '${limit}'`, 125)
    const signal = signals[(options.get('s') ?? 'TERM').toUpperCase().replace(/^SIG/, '')]
    if (!signal) throw new ToolError(`${options.get('s')}: invalid signal`, 125)
    const child = process.spawn(argv)
    if (!child) throw new ToolError(`failed to run command '${argv[0]}': No such file or directory`, 127)
    let expired = false
    const timer = process.clock.after(duration, () => {
      expired = true
      child.kill(signal)
    })
    const killAfter = options.has('k') ? parseDuration(options.get('k') as string) : undefined
    const hard =
      killAfter === undefined || duration === 0 ? undefined : process.clock.after(duration + killAfter, () => child.kill('SIGKILL'))
    if (duration === 0) timer.close()
    const pass = () => child.kill(process.signal.reason instanceof Signalled ? process.signal.reason.signal : 'SIGTERM')
    process.signal.addEventListener('abort', pass, { once: true })
    const status = await child.exit
    process.signal.removeEventListener('abort', pass)
    timer.close()
    hard?.close()
    return expired && !options.has('preserve-status') ? (signal === 'SIGKILL' ? 137 : 124) : status
  },
  125,
)

export const uptime = tool('uptime', async (process) => {
  // Load and boot time are not modelled; the kernel's clock is all there is to tell.
  throw new ToolError(`the time since boot is not modelled here (it is ${formatDate('%H:%M:%S', process.clock.now())} now)`)
})
