import { argumentError, CorefileError, type Directive } from '../corefile.ts'
import { durationMs } from '../duration.ts'
import type { Plugin, Setup } from '../plugin.ts'
import { type Answer, canonical, isBelow, type Query } from '../query.ts'

interface Entry {
  readonly answer: Answer
  /** ms since the epoch. */
  readonly stored: number
  readonly expires: number
  /** For prefetch: how often it was asked for, and when last. */
  hits: number
  asked: number
  refreshing: boolean
}

interface Settings {
  zones: string[]
  /** Seconds that answers and denials are kept at most and at least. */
  success: { most: number; least: number; capacity: number }
  denial: { most: number; least: number; capacity: number }
  /** ms that another server's SERVFAIL is kept. */
  servfail: number
  disabled: { success: string[]; denial: string[] }
  /** Hits within the duration (ms) after which an entry is asked for again when less than the share of its time is left. */
  prefetch: { amount: number; duration: number; share: number } | undefined
  /** ms beyond its time that an entry is still served; `verify` asks first. */
  stale: { upTo: number; verify: boolean } | undefined
  keepTtl: boolean
}

/** CoreDNS's defaults, seconds, and the number of entries of either kind. */
const defaultSuccessTtl = 3600
const defaultDenialTtl = 1800
const minimumTtl = 5
const defaultCapacity = 9984
const longestServfail = 5 * 60_000

/** Keeps answers for a while, as CoreDNS's cache plugin. What is kept is not part of a snapshot: a restored server asks again. */
export const cache: Plugin = (setup) => {
  const settings = read(setup)
  const { clock } = setup.context
  const entries = new Map<string, Entry>()
  return (next) => {
    /** Asks the next plugin, keeps what may be kept, and tells whether what came is good enough to stand for a stale entry. */
    const ask = (query: Query, done: (answer: Answer, fresh: boolean) => void) =>
      next(query, (answer) => {
        keep(query, answer)
        done(answer, answer.rcode === 'NOERROR' || answer.rcode === 'NXDOMAIN')
      })
    return (query, reply) => {
      if (!settings.zones.some((zone) => isBelow(query.name, zone))) return next(query, reply)
      const now = clock.now()
      const kept = entries.get(keyOf(query))
      if (!kept || now >= kept.expires + (settings.stale?.upTo ?? 0)) return ask(query, reply)
      const stale = now >= kept.expires
      if (stale && settings.stale?.verify) return ask(query, (answer, fresh) => reply(fresh ? answer : aged(kept, now)))
      if (stale || wantsPrefetch(kept, now)) refresh(query, kept, ask)
      reply(settings.keepTtl ? kept.answer : aged(kept, now))
    }
  }

  function refresh(query: Query, kept: Entry, ask: (query: Query, done: () => void) => void): void {
    if (kept.refreshing) return
    kept.refreshing = true
    clock.soon(() =>
      ask(query, () => {
        kept.refreshing = false
      }),
    )
  }

  function wantsPrefetch(kept: Entry, now: number): boolean {
    const { prefetch } = settings
    if (!prefetch) return false
    // Hits count as long as they do not lie further apart than the duration.
    kept.hits = now - kept.asked > prefetch.duration ? 1 : kept.hits + 1
    kept.asked = now
    return kept.hits >= prefetch.amount && kept.expires - now <= prefetch.share * (kept.expires - kept.stored)
  }

  function keep(query: Query, answer: Answer): void {
    // What failed within this server is no answer of anybody, and is not kept.
    if (answer.truncated || answer.error !== undefined) return
    const kind = kindOf(answer)
    if (kind === undefined) return
    const ms = kind === 'failure' ? settings.servfail : lifetime(answer, kind) * 1000
    if (kind !== 'failure' && settings.disabled[kind].some((zone) => isBelow(query.name, zone))) return
    if (ms <= 0) return
    const now = clock.now()
    const key = keyOf(query)
    if (!entries.has(key) && entries.size >= settings.success.capacity) entries.delete(entries.keys().next().value as string)
    const { hits = 0, asked = now } = entries.get(key) ?? {}
    entries.set(key, { answer, stored: now, expires: now + ms, hits, asked, refreshing: false })
  }

  function lifetime(answer: Answer, kind: 'success' | 'denial'): number {
    const { most, least } = settings[kind]
    return Math.max(Math.min(most, lowestTtl(answer)), Math.min(least, most))
  }
}

const keyOf = (query: Query) => `${query.name} ${query.type} ${query.message.edns?.dnssecOk ?? false} ${query.message.checkingDisabled}`

function kindOf(answer: Answer): 'success' | 'denial' | 'failure' | undefined {
  if (answer.rcode === 'NXDOMAIN') return 'denial'
  if (answer.rcode === 'NOERROR') return answer.answers.length === 0 ? 'denial' : 'success'
  return answer.rcode === 'SERVFAIL' || answer.rcode === 'NOTIMP' ? 'failure' : undefined
}

function lowestTtl(answer: Answer): number {
  const ttls = [...answer.answers, ...answer.authorities].map(({ ttl }) => ttl)
  return ttls.length ? Math.min(...ttls) : minimumTtl
}

/** The answer as it is told now; a stale one with no time left. */
function aged({ answer, stored, expires }: Entry, now: number): Answer {
  const left = Math.max(0, Math.ceil((expires - now) / 1000))
  const gone = Math.floor((now - stored) / 1000)
  const older = <T extends { ttl: number }>(records: readonly T[]) =>
    records.map((record) => ({ ...record, ttl: Math.min(left, Math.max(0, record.ttl - gone)) }))
  return { ...answer, answers: older(answer.answers), authorities: older(answer.authorities) }
}

function read({ directive, file }: Setup): Settings {
  const [first] = directive.args
  const ttl = first !== undefined && /^-?\d+$/.test(first) ? positive(first) : undefined
  const zones = (ttl === undefined ? directive.args : directive.args.slice(1)).map(canonical)
  const settings: Settings = {
    zones: zones.length ? zones : ['.'],
    success: { most: ttl ?? defaultSuccessTtl, least: minimumTtl, capacity: defaultCapacity },
    denial: { most: ttl ?? defaultDenialTtl, least: minimumTtl, capacity: defaultCapacity },
    servfail: minimumTtl * 1000,
    disabled: { success: [], denial: [] },
    prefetch: undefined,
    stale: undefined,
    keepTtl: false,
  }
  for (const option of directive.block) readOption(settings, option, file)
  return settings
}

function readOption(settings: Settings, option: Directive, file: string): void {
  const { name, args } = option
  const wrong = () => argumentError(file, option)
  switch (name) {
    case 'success':
    case 'denial': {
      const [capacity, most, least] = args
      if (capacity === undefined) throw wrong()
      settings[name].capacity = whole(capacity)
      if (most !== undefined) settings[name].most = positive(most)
      if (least === undefined) return
      if (whole(least) < 0) throw new CorefileError(`cache min TTL can not be negative: ${whole(least)}`)
      settings[name].least = whole(least)
      return
    }
    case 'prefetch': {
      const [amount, length = '1m', share = '10%'] = args
      if (amount === undefined || args.length > 3) throw wrong()
      if (whole(amount) < 0) throw new CorefileError(`prefetch amount should be positive: ${whole(amount)}`)
      if (!share.endsWith('%')) throw new CorefileError(`last character of percentage should be \`%\`, but is: '${share.at(-1)}'`)
      const percent = whole(share.slice(0, -1))
      if (percent < 10 || percent > 90) throw new CorefileError(`percentage should fall in range [10, 90]: ${percent}`)
      settings.prefetch = whole(amount) > 0 ? { amount: whole(amount), duration: duration(length), share: percent / 100 } : undefined
      return
    }
    case 'serve_stale': {
      const [upTo = '1h', mode = 'immediate', ...rest] = args
      if (rest.length > 0) throw wrong()
      if (mode.toLowerCase() !== 'immediate' && mode.toLowerCase() !== 'verify')
        throw new CorefileError(`invalid value for serve_stale refresh mode: ${mode.toLowerCase()}`)
      settings.stale = { upTo: duration(upTo), verify: mode.toLowerCase() === 'verify' }
      return
    }
    case 'servfail': {
      if (args.length !== 1) throw wrong()
      settings.servfail = duration(args[0]!)
      if (settings.servfail > longestServfail) throw new CorefileError('caching SERVFAIL responses over 5 minutes is not permitted')
      return
    }
    case 'keepttl':
      if (args.length > 0) throw wrong()
      settings.keepTtl = true
      return
    case 'disable': {
      const [kind, ...of] = args
      if (kind === undefined) throw wrong()
      if (kind !== 'success' && kind !== 'denial') throw new CorefileError(`cache type for disable must be "success" or "denial"`)
      settings.disabled[kind] = of.length ? of.map(canonical) : ['.']
      return
    }
    default:
      throw wrong()
  }
}

function whole(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new CorefileError(`strconv.Atoi: parsing "${text}": invalid syntax`)
  return Number(text)
}

function positive(text: string): number {
  const value = whole(text)
  // 0 and less are kept for later.
  if (value <= 0) throw new CorefileError(`cache TTL can not be zero or negative: ${value}`)
  return value
}

function duration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw new CorefileError(`time: invalid duration "${text}"`)
  return ms
}
