/** A schedule in cron form, UTC. Follows robfig/cron v3's standard parser, which the CronJob controller uses. */
export type CronSchedule =
  | { readonly every: number }
  | {
      /** Allowed values of each field. */
      readonly minute: ReadonlySet<number>
      readonly hour: ReadonlySet<number>
      readonly day: ReadonlySet<number>
      readonly month: ReadonlySet<number>
      readonly weekday: ReadonlySet<number>
      /** Where both day fields say something, either is enough; where one is a star, both must fit. */
      readonly eitherDay: boolean
    }

interface Field {
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

const minutes: Field = { min: 0, max: 59, names: [] }
const hours: Field = { min: 0, max: 23, names: [] }
const days: Field = { min: 1, max: 31, names: [] }
const months: Field = { min: 1, max: 12, names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] }
const weekdays: Field = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }

const macros: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
])
const minuteMs = 60_000
const dayMs = 86_400_000
/** After five years without a match there is none (29 February of a certain weekday aside, as upstream). */
const horizonMs = 5 * 366 * dayMs

/** Throws an Error in the parser's own words. */
export function parseSchedule(text: string): CronSchedule {
  if (text.startsWith('@every ')) return { every: parseEvery(text) }
  if (text.startsWith('@') && !macros.has(text)) throw new Error(`unrecognized descriptor: ${text}`)
  const parts = (macros.get(text) ?? text).trim().split(/\s+/)
  if (parts.length !== 5) throw new Error(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`)
  const [minute, hour, day, month, weekday] = [minutes, hours, days, months, weekdays].map((field, index) =>
    parseField(parts[index]!, field),
  )
  return {
    minute: minute!.values,
    hour: hour!.values,
    day: day!.values,
    month: month!.values,
    weekday: weekday!.values,
    eitherDay: !day!.star && !weekday!.star,
  }
}

function parseField(text: string, field: Field): { values: Set<number>; star: boolean } {
  const values = new Set<number>()
  let star = false
  for (const part of text.split(',')) if (parseRange(part, field, values)) star = true
  return { values, star }
}

/** Adds the values of `2`, `2-5`, `*`, `2/5` or `2-9/3`; true for a star without a step. */
function parseRange(text: string, field: Field, values: Set<number>): boolean {
  const [range = '', stepText, ...slashes] = text.split('/')
  if (slashes.length > 0) throw new Error(`too many slashes: ${text}`)
  const [low = '', high, ...hyphens] = range.split('-')
  if (hyphens.length > 0) throw new Error(`too many hyphens: ${text}`)
  const star = low === '*' || low === '?'
  const start = star ? field.min : parseValue(low, field)
  let end = star ? field.max : high === undefined ? start : parseValue(high, field)
  const step = stepText === undefined ? 1 : parseNumber(stepText)
  // `2/5` runs to the end of the field.
  if (stepText !== undefined && !star && high === undefined) end = field.max
  if (start < field.min) throw new Error(`beginning of range (${start}) below minimum (${field.min}): ${text}`)
  if (end > field.max) throw new Error(`end of range (${end}) above maximum (${field.max}): ${text}`)
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${text}`)
  if (step === 0) throw new Error(`step of range should be a positive number: ${text}`)
  for (let value = start; value <= end; value += step) values.add(value)
  return star && step === 1
}

function parseValue(text: string, field: Field): number {
  const named = field.names.indexOf(text.toLowerCase())
  return named >= 0 ? named + field.min : parseNumber(text)
}

function parseNumber(text: string): number {
  if (/^-\d+$/.test(text)) throw new Error(`negative number (${text}) not allowed: ${text}`)
  if (!/^\d+$/.test(text)) {
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return Number(text)
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

function parseEvery(text: string): number {
  const duration = text.slice('@every '.length)
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)]
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== duration) {
    throw new Error(`failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`)
  }
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * units[unit!]!, 0)
  return Math.max(1000, Math.floor(ms / 1000) * 1000)
}

/** The first moment of the schedule after `after` (both ms since the epoch); undefined where there is none within five years. */
export function nextTime(schedule: CronSchedule, after: number): number | undefined {
  if ('every' in schedule) return Math.floor(after / 1000) * 1000 + schedule.every
  let at = Math.floor(after / minuteMs) * minuteMs + minuteMs
  const end = after + horizonMs
  while (at <= end) {
    const date = new Date(at)
    if (!schedule.month.has(date.getUTCMonth() + 1)) at = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
    else if (!dayFits(schedule, date)) at = Math.floor(at / dayMs) * dayMs + dayMs
    else if (!schedule.hour.has(date.getUTCHours())) at = Math.floor(at / 3_600_000) * 3_600_000 + 3_600_000
    else if (!schedule.minute.has(date.getUTCMinutes())) at += minuteMs
    else return at
  }
  return undefined
}

function dayFits(schedule: Exclude<CronSchedule, { every: number }>, date: Date): boolean {
  const day = schedule.day.has(date.getUTCDate())
  const weekday = schedule.weekday.has(date.getUTCDay())
  return schedule.eitherDay ? day || weekday : day && weekday
}

/** The last moment of the schedule in (after, now], however long ago `after` is; undefined where there was none. */
export function lastTime(schedule: CronSchedule, after: number, now: number): number | undefined {
  if (now <= after) return undefined
  if ('every' in schedule) {
    const from = Math.floor(after / 1000) * 1000
    const rounds = Math.floor((now - from) / schedule.every)
    return rounds > 0 ? from + rounds * schedule.every : undefined
  }
  // Looks back in ever larger steps, so that a clock that jumped by months costs no walk through every minute of them.
  for (let span = minuteMs; ; span *= 4) {
    const start = Math.max(after, now - span)
    let found: number | undefined
    for (let at = nextTime(schedule, start); at !== undefined && at <= now; at = nextTime(schedule, at)) found = at
    if (found !== undefined || start === after) return found
  }
}

/** Whether more than `limit` moments lie in (after, now]. */
export function missedMoreThan(schedule: CronSchedule, after: number, now: number, limit: number): boolean {
  let at: number | undefined = after
  for (let count = 0; count <= limit; count++) {
    at = nextTime(schedule, at)
    if (at === undefined || at > now) return false
  }
  return true
}
