import { argumentError, CorefileError, parsingError } from '../corefile.ts'
import type { Plugin, Setup } from '../plugin.ts'
import { type Answer, canonical, isBelow, type Query } from '../query.ts'

interface Entry {
  readonly answer: Answer
  /** ms since the epoch. */
  readonly stored: number
  readonly expires: number
}

/** Seconds: CoreDNS's maximum for answers and for denials, and its minimum for both. */
const defaultSuccessTtl = 3600
const defaultDenialTtl = 1800
const minimumTtl = 5
const capacity = 9984

/** Keeps answers for a while, as CoreDNS's cache plugin. What is kept is not part of a snapshot: a restored server asks again. */
export const cache: Plugin = (setup) => {
  const { zones, success, denial, disabled } = read(setup)
  const entries = new Map<string, Entry>()
  const { clock } = setup.context
  const keyOf = (query: Query) => `${query.name} ${query.type}`
  return (next) => (query, reply) => {
    if (!zones.some((zone) => isBelow(query.name, zone))) return next(query, reply)
    const key = keyOf(query)
    const kept = entries.get(key)
    const now = clock.now()
    if (kept && kept.expires > now) return reply(aged(kept, now))
    if (kept) entries.delete(key)
    next(query, (answer) => {
      const negative = answer.rcode === 'NXDOMAIN' || (answer.rcode === 'NOERROR' && answer.answers.length === 0)
      const keepable = (answer.rcode === 'NOERROR' || answer.rcode === 'NXDOMAIN') && !answer.truncated
      const off = disabled[negative ? 'denial' : 'success'].some((zone) => isBelow(query.name, zone))
      if (keepable && !off) {
        const limit = negative ? denial : success
        const ttl = Math.max(Math.min(limit, lowestTtl(answer)), Math.min(minimumTtl, limit))
        if (entries.size >= capacity) entries.delete(entries.keys().next().value as string)
        if (ttl > 0) entries.set(key, { answer, stored: clock.now(), expires: clock.now() + ttl * 1000 })
      }
      reply(answer)
    })
  }
}

function lowestTtl(answer: Answer): number {
  const ttls = [...answer.answers, ...answer.authorities].map(({ ttl }) => ttl)
  return ttls.length ? Math.min(...ttls) : minimumTtl
}

function aged({ answer, stored, expires }: Entry, now: number): Answer {
  const left = Math.max(0, Math.ceil((expires - now) / 1000))
  const gone = Math.floor((now - stored) / 1000)
  const older = <T extends { ttl: number }>(records: readonly T[]) =>
    records.map((record) => ({ ...record, ttl: Math.min(left, Math.max(0, record.ttl - gone)) }))
  return { ...answer, answers: older(answer.answers), authorities: older(answer.authorities) }
}

function read({ directive, file }: Setup) {
  const fail = (error: CorefileError) => new CorefileError(`plugin/cache: ${error.message}`)
  const [first, ...rest] = directive.args
  const ttl = first && /^\d+$/.test(first) ? Number(first) : undefined
  if (first !== undefined && ttl === 0) throw fail(parsingError(file, directive.line, `cache TTL can not be zero or negative: ${ttl}`))
  let success = Math.min(ttl ?? defaultSuccessTtl, defaultSuccessTtl)
  let denial = Math.min(ttl ?? defaultDenialTtl, defaultDenialTtl)
  if (ttl !== undefined) {
    success = ttl
    denial = ttl
  }
  const zones = ttl === undefined ? directive.args : rest
  const disabled: { success: string[]; denial: string[] } = { success: [], denial: [] }
  for (const option of directive.block) {
    switch (option.name) {
      case 'success':
      case 'denial': {
        // CAPACITY [TTL [MINTTL]]
        const [size, seconds] = option.args
        if (!size) throw fail(argumentError(file, option))
        if (seconds !== undefined) {
          const value = Number(seconds)
          if (!Number.isInteger(value) || value <= 0)
            throw fail(parsingError(file, option.line, `cache TTL can not be zero or negative: ${seconds}`))
          if (option.name === 'success') success = value
          else denial = value
        }
        break
      }
      case 'disable': {
        const [kind, ...of] = option.args
        if (kind !== 'success' && kind !== 'denial')
          throw fail(parsingError(file, option.line, `cache type for disable must be "success" or "denial"`))
        disabled[kind].push(...(of.length ? of.map(canonical) : ['.']))
        break
      }
      case 'prefetch':
      case 'serve_stale':
      case 'servfail':
      case 'keepttl':
        throw new CorefileError(`plugin/cache: the simulated cluster does not model the option '${option.name}'`)
      default:
        throw fail(argumentError(file, option))
    }
  }
  return { zones: zones.length ? zones.map(canonical) : ['.'], success, denial, disabled }
}
