import type { DecodedMessage, Rcode, ResourceRecord } from '../../network/dns-message.ts'
import type { Endpoint } from '../../network/sockets.ts'

/** A question on its way through the plugins of a server. */
export interface Query {
  /** Lower case, with the final dot. */
  readonly name: string
  readonly type: string
  readonly message: DecodedMessage
  readonly remote: Endpoint
  readonly protocol: 'udp' | 'tcp'
  /** Bytes that the client takes over UDP. */
  readonly size: number
}

export interface Answer {
  readonly rcode: Rcode
  readonly authoritative: boolean
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
  readonly additionals?: readonly ResourceRecord[]
  /** What went wrong, for the errors plugin; the client sees the rcode alone. */
  readonly error?: string
  readonly truncated?: boolean
}

export type Reply = (answer: Answer) => void
export type Handler = (query: Query, reply: Reply) => void

/** The same question for another name. */
export function renamed(query: Query, name: string): Query {
  return { ...query, name, message: { ...query.message, questions: [{ ...query.message.questions[0]!, name }] } }
}

export function servfail(error: string): Answer {
  return { rcode: 'SERVFAIL', authoritative: false, answers: [], authorities: [], error }
}

/** Whether `name` is `zone` or below it; both lower case with a final dot. */
export function isBelow(name: string, zone: string): boolean {
  return zone === '.' || name === zone || name.endsWith(`.${zone}`)
}

/** `Example.org` and `example.org.` are one name. */
export function canonical(name: string): string {
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower : `${lower}.`
}
