import type { Signal } from '../../../simulator/programs/process.ts'
import type { Job } from '../jobs.ts'
import { describeJob, findJob } from '../jobs.ts'
import type { Shell } from '../state.ts'
import { ShellError } from '../state.ts'
import type { Builtin } from './builtin.ts'
import { letters } from './builtin.ts'

const signalNumbers: Record<string, number> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  USR1: 10,
  USR2: 12,
  WINCH: 28,
}
const deliverable = new Set(['HUP', 'INT', 'QUIT', 'KILL', 'TERM', 'PIPE', 'TSTP', 'WINCH'])

function signalNameOf(spec: string): string | undefined {
  const name = spec.toUpperCase().replace(/^SIG/, '')
  if (name in signalNumbers) return name
  return Object.keys(signalNumbers).find((key) => `${signalNumbers[key]}` === spec)
}

async function wait(shell: Shell, argv: readonly string[]): Promise<number> {
  const until = <T>(promise: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const abort = () => reject(shell.signal.reason)
      if (shell.signal.aborted) abort()
      shell.signal.addEventListener('abort', abort, { once: true })
      void promise.then((value) => {
        shell.signal.removeEventListener('abort', abort)
        resolve(value)
      })
    })
  const done = (job: Job) => {
    job.reported = true
    shell.jobs = shell.jobs.filter((other) => other !== job)
  }
  if (argv.length === 1) {
    for (const job of [...shell.jobs]) {
      await until(job.finished)
      done(job)
    }
    return 0
  }
  if (argv[1] === '-n') {
    const first = await until(Promise.race(shell.jobs.map((job) => job.finished.then((status) => ({ job, status })))))
    done(first.job)
    return first.status
  }
  let status = 0
  for (const spec of argv.slice(1)) {
    const job = findJob(shell.jobs, spec)
    if (!job) {
      await shell.complain(spec.startsWith('%') ? `wait: ${spec}: no such job` : `wait: pid ${spec} is not a child of this shell`)
      status = 127
      continue
    }
    status = await until(job.finished)
    done(job)
  }
  return status
}

async function jobs(shell: Shell, argv: readonly string[]): Promise<number> {
  const { flags } = letters(argv, 'lp')
  for (const job of [...shell.jobs]) {
    const line = describeJob(job, shell.jobs)
    await shell.out(flags.has('p') ? `${job.pid}\n` : flags.has('l') ? `${line.replace(/^(\[\d+\].)\s/, `$1 ${job.pid}`)}\n` : `${line}\n`)
    if (job.status !== undefined) job.reported = true
  }
  shell.jobs = shell.jobs.filter((job) => !job.reported)
  return 0
}

async function fg(shell: Shell, argv: readonly string[]): Promise<number> {
  const job = findJob(shell.jobs, argv[1])
  if (!job) throw new ShellError(`fg: ${argv[1] ?? 'current'}: no such job`, 1, false)
  await shell.out(`${job.text}\n`)
  const interrupt = () => job.kill('SIGINT')
  shell.signal.addEventListener('abort', interrupt, { once: true })
  const status = await job.finished
  shell.signal.removeEventListener('abort', interrupt)
  shell.jobs = shell.jobs.filter((other) => other !== job)
  return status
}

async function bg(shell: Shell, argv: readonly string[]): Promise<number> {
  const job = findJob(shell.jobs, argv[1])
  if (!job) throw new ShellError(`bg: ${argv[1] ?? 'current'}: no such job`, 1, false)
  // Jobs are never stopped here, so every job runs already.
  await shell.complain(`bg: job ${job.number} already in background`)
  return 0
}

async function kill(shell: Shell, argv: readonly string[]): Promise<number> {
  let signal = 'TERM'
  let rest = argv.slice(1)
  if (rest[0] === '-l') {
    await shell.out(
      `${Object.entries(signalNumbers)
        .sort((a, b) => a[1] - b[1])
        .map(([name, number]) => `${number}) SIG${name}`)
        .join('\t')}\n`,
    )
    return 0
  }
  const spec =
    rest[0] === '-s' || rest[0] === '-n' ? rest[1] : /^-[A-Z0-9]/i.test(rest[0] ?? '') && rest.length > 1 ? rest[0]?.slice(1) : undefined
  if (spec !== undefined) {
    const name = spec === '0' ? '0' : signalNameOf(spec)
    if (!name) throw new ShellError(`kill: ${spec}: invalid signal specification`, 1, false)
    signal = name
    rest = rest.slice(rest[0] === '-s' || rest[0] === '-n' ? 2 : 1)
  }
  if (rest[0] === '--') rest = rest.slice(1)
  if (rest.length === 0)
    throw new ShellError('kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]', 2, false)
  let status = 0
  for (const target of rest) {
    const job = findJob(shell.jobs, target)
    if ((!job || job.status !== undefined) && signalled(shell, target, signal)) continue
    if (!job || job.status !== undefined) {
      await shell.complain(
        target.startsWith('%')
          ? `kill: ${target}: no such job`
          : /^-?\d+$/.test(target)
            ? `kill: (${target}) - No such process`
            : `kill: ${target}: arguments must be process or job IDs`,
      )
      status = 1
    } else if (signal !== '0') {
      if (!deliverable.has(signal))
        throw new ShellError(`kill: SIG${signal} is not modelled here; TERM, INT, HUP, QUIT and KILL are`, 1, false)
      job.kill(`SIG${signal}` as Signal)
    }
  }
  return status
}

/** Whether a process of that number is there, which then has had the signal. */
function signalled(shell: Shell, target: string, signal: string): boolean {
  const { table } = shell.process
  if (!table || !/^\d+$/.test(target)) return false
  if (signal === '0') return table.list().some(({ pid }) => pid === Number(target))
  if (!deliverable.has(signal)) throw new ShellError(`kill: SIG${signal} is not modelled here; TERM, INT, HUP, QUIT and KILL are`, 1, false)
  return table.kill(Number(target), `SIG${signal}` as Signal)
}

async function trap(shell: Shell, argv: readonly string[]): Promise<number> {
  const words = argv.slice(argv[1] === '--' ? 2 : 1)
  if (words.length === 0 || words[0] === '-p') {
    for (const [name, action] of shell.traps)
      await shell.out(`trap -- '${action.replace(/'/g, "'\\''")}' ${name === 'EXIT' || shell.dialect === 'ash' ? name : `SIG${name}`}\n`)
    return 0
  }
  const reset = words[0] === '-' || /^\d+$/.test(words[0] as string)
  const names = words[0] === '-' || !reset ? words.slice(1) : words
  let status = 0
  for (const spec of names) {
    const name = spec === '0' || spec.toUpperCase() === 'EXIT' ? 'EXIT' : signalNameOf(spec)
    if (!name) {
      if (/^(ERR|DEBUG|RETURN)$/.test(spec))
        throw new ShellError(`trap: ${spec} is not supported by this shell; EXIT and signals are`, 1, false)
      await shell.complain(`trap: ${spec}: invalid signal specification`)
      status = 1
    } else if (reset) shell.traps.delete(name)
    else {
      shell.traps.set(name, words[0] as string)
      if (name !== 'EXIT' && words[0] !== '') shell.process.catches?.add(`SIG${name}` as Signal)
    }
  }
  return status
}

async function alias(shell: Shell, argv: readonly string[]): Promise<number> {
  let status = 0
  const show = (name: string) =>
    shell.out(`${shell.dialect === 'bash' ? 'alias ' : ''}${name}='${(shell.aliases.get(name) ?? '').replace(/'/g, "'\\''")}'\n`)
  if (argv.length === 1) for (const name of [...shell.aliases.keys()].sort()) await show(name)
  for (const word of argv.slice(1)) {
    const equals = word.indexOf('=')
    if (equals > 0) shell.aliases.set(word.slice(0, equals), word.slice(equals + 1))
    else if (shell.aliases.has(word)) await show(word)
    else {
      await shell.complain(`alias: ${word}: not found`)
      status = 1
    }
  }
  return status
}

async function history(shell: Shell, argv: readonly string[]): Promise<number> {
  if (argv[1] === '-c') {
    shell.history.length = 0
    return 0
  }
  const most = argv[1] === undefined ? shell.history.length : Number(argv[1])
  if (Number.isNaN(most)) throw new ShellError(`history: ${argv[1]}: numeric argument required`, 1, false)
  const from = Math.max(0, shell.history.length - most)
  await shell.out(
    shell.history
      .slice(from)
      .map((line, index) => `${`${from + index + 1}`.padStart(5)}  ${line}\n`)
      .join(''),
  )
  return 0
}

async function umask(shell: Shell, argv: readonly string[]): Promise<number> {
  if (argv.length === 1) await shell.out('0022\n')
  // Files here are always created with mode 0644 or 0755: another mask would be a promise not kept.
  else if (!/^0*22$/.test(argv[1] as string)) throw new ShellError(`umask: ${argv[1]}: only 0022 is modelled here`, 1, false)
  return 0
}

export const jobBuiltins: Record<string, Builtin> = {
  wait: { run: wait },
  jobs: { run: jobs },
  fg: { run: fg },
  bg: { run: bg },
  kill: { run: kill },
  trap: { special: true, run: trap },
  alias: { run: alias },
  unalias: {
    run: async (shell, argv) => {
      if (argv[1] === '-a') shell.aliases.clear()
      let status = 0
      for (const name of argv.slice(1)) {
        if (name === '-a' || shell.aliases.delete(name)) continue
        await shell.complain(`unalias: ${name}: not found`)
        status = 1
      }
      return status
    },
  },
  history: { run: history },
  umask: { run: umask },
  disown: {
    bashOnly: true,
    run: async (shell, argv) => {
      const job = findJob(shell.jobs, argv[1])
      if (!job) throw new ShellError(`disown: ${argv[1] ?? 'current'}: no such job`, 1, false)
      shell.jobs = shell.jobs.filter((other) => other !== job)
      return 0
    },
  },
  shopt: {
    bashOnly: true,
    run: async (_shell, argv) => {
      const refused = argv.slice(1).find((word) => !word.startsWith('-'))
      if (refused === undefined || refused === 'expand_aliases') return 0
      throw new ShellError(`shopt: ${refused}: not supported by this shell`, 1, false)
    },
  },
}
