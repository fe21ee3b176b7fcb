/** What a recorder remembers of the events it wrote: plain data, part of a snapshot. By the UID of the object, then by what it said of it. */
export type EventMemory = Record<string, ObjectMemory>

interface ObjectMemory {
  /** The spam filter's bucket. */
  tokens: number
  refilledAt: number
  /** Different messages of one type and reason, lately. */
  similar: Record<string, { at: number; messages: string[] }>
  /** Written events by what makes them the same. */
  written: Record<string, Written>
  /** How many events of the moment `at` have a name: it is made of the object's and the time. */
  named?: { readonly at: number; readonly count: number }
}

interface Written {
  /** Empty where it was held back. */
  readonly name: string
  readonly count: number
  readonly firstAt: number
}

/** A copy that a recorder may go on with; what it replaces as a whole is shared. */
export function copyMemory(memory: EventMemory): EventMemory {
  const copy: EventMemory = {}
  for (const [uid, known] of Object.entries(memory)) {
    const similar: ObjectMemory['similar'] = {}
    for (const [key, one] of Object.entries(known.similar)) similar[key] = { at: one.at, messages: [...one.messages] }
    copy[uid] = { ...known, similar, written: { ...known.written } }
  }
  return copy
}

/** client-go's spam filter: 25 events of one source about one object, then one every five minutes. */
const burst = 25
const refillMs = 300_000
/** So many different messages of one reason within so long become one event. */
const mostSimilar = 10
const similarMs = 600_000
/** client-go's caches hold 4096 entries; ours are per object. */
const mostObjects = 4096
const mostWritten = 100

export interface Occurrence {
  readonly uid: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly fieldPath?: string | undefined
}

/** `name` is that of the event that stands for the same already, or empty. */
export interface Correlated extends Written {
  readonly message: string
  /** The recorder's own events of this object that have their names from this moment. */
  readonly named: number
  /** To be told what the event is called, once it has been written, and how many names of this moment are taken now. */
  written(name: string, named: number): void
}

/**
 * What an occurrence is to be written as: a new event, a higher count of one that stands, or nothing (undefined) where its source said too
 * much about that object. Follows client-go's EventCorrelator: similar messages are combined, repeated ones counted, the rest held back.
 */
export function correlate(memory: EventMemory, occurrence: Occurrence, now: number): Correlated | undefined {
  const { uid, type, reason } = occurrence
  let known = memory[uid]
  if (!known) {
    memory[uid] = known = { tokens: burst, refilledAt: now, similar: {}, written: {} }
    forgetOldest(memory, mostObjects)
  }
  const { key, message } = combined(known, occurrence, now)
  const before = known.written[key]
  // Counted even where the filter holds it back, as upstream observes before it filters.
  const standing = { name: before?.name ?? '', count: (before?.count ?? 0) + 1, firstAt: before?.firstAt ?? now }
  known.written[key] = standing
  if (!before) forgetOldest(known.written, mostWritten)
  if (!takeToken(known, now)) return undefined
  return {
    ...standing,
    message,
    named: known.named?.at === now ? known.named.count : 0,
    written(name, count) {
      known.written[key] = { ...standing, name }
      known.named = { at: now, count }
    },
  }

  function combined(known: ObjectMemory, { message, fieldPath }: Occurrence, now: number): { key: string; message: string } {
    const group = `${type}\n${reason}`
    let similar = known.similar[group]
    if (!similar || now - similar.at > similarMs) known.similar[group] = similar = { at: now, messages: [] }
    if (!similar.messages.includes(message)) similar.messages.push(message)
    similar.at = now
    if (similar.messages.length < mostSimilar) return { key: `${group}\n${fieldPath ?? ''}\n${message}`, message }
    similar.messages.shift()
    return { key: group, message: `(combined from similar events): ${message}` }
  }
}

function takeToken(known: ObjectMemory, now: number): boolean {
  const refilled = Math.floor((now - known.refilledAt) / refillMs)
  known.tokens = Math.min(burst, known.tokens + refilled)
  known.refilledAt += refilled * refillMs
  if (known.tokens < 1) return false
  known.tokens--
  return true
}

function forgetOldest(entries: Record<string, unknown>, most: number): void {
  const keys = Object.keys(entries)
  for (let index = 0; index < keys.length - most; index++) delete entries[keys[index] as string]
}
