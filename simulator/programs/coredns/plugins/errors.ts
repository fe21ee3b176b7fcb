import { goPattern } from '../../../go-pattern.ts'
import { rcodeCode } from '../../../network/dns-codes.ts'
import { argumentError, CorefileError, type Directive, parsingError } from '../corefile.ts'
import { durationMs } from '../duration.ts'
import type { Plugin, Setup } from '../plugin.ts'

interface Consolidation {
  readonly every: number
  readonly period: string
  readonly pattern: RegExp
  readonly text: string
  readonly level: string
  count: number
}

/** Logs what went wrong inside the server; with `consolidate`, such errors once in a while with their number (plugin/errors). */
export const errors: Plugin = (setup) => {
  const { context, server } = setup
  const patterns = read(setup)
  const tell = (one: Consolidation) => {
    if (one.count > 0) context.log(`[${one.level}] plugin/errors: ${one.count} errors like '${one.text}' occurred in last ${one.period}`)
    one.count = 0
  }
  // What was counted when the configuration goes is told then.
  server.onStop(() => patterns.forEach(tell))
  return (next) => (query, reply) =>
    next(query, (answer) => {
      const { error } = answer
      const known = error === undefined ? undefined : patterns.find(({ pattern }) => pattern.test(error))
      if (known && ++known.count === 1) context.clock.after(known.every, () => tell(known))
      if (error !== undefined && !known)
        context.log(`[ERROR] plugin/errors: ${rcodeCode(answer.rcode)} ${query.name} ${query.type}: ${error}`)
      reply(answer)
    })
}

const levels = ['warning', 'error', 'info', 'debug']

function read({ directive, file }: Setup): Consolidation[] {
  const [target, ...more] = directive.args
  if (more.length > 0) throw argumentError(file, directive)
  if (target !== undefined && target !== 'stdout') throw parsingError(file, directive.line, `invalid log file: ${target}`)
  return directive.block.flatMap((option) => {
    if (option.name === 'stacktrace') return []
    if (option.name !== 'consolidate')
      throw new CorefileError(
        `${file}:${option.line} - Syntax error: Unexpected token '${option.name}', expecting 'Unknown field ${option.name}'`,
      )
    return [consolidation(option)]
  })

  function consolidation(option: Directive): Consolidation {
    const [period = '', text = '', ...rest] = option.args
    if (option.args.length < 2 || option.args.length > 3) throw argumentError(file, option)
    const every = durationMs(period)
    if (every === undefined) throw parsingError(file, option.line, `time: invalid duration "${period}"`)
    const pattern = goPattern(text)
    if (!pattern) throw parsingError(file, option.line, `error parsing regexp: ${text}`)
    const [level = 'error'] = rest
    if (!levels.includes(level)) throw parsingError(file, option.line, `unknown log level argument in consolidate: ${level}`)
    return { every, period: goDuration(every), pattern, text, level: level.toUpperCase(), count: 0 }
  }
}

/** `5m0s`, as Go prints a duration. */
function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`
  const seconds = ms / 1000
  const [hours, minutes, left] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${left}s`
}
