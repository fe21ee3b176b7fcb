import type { Refusal } from '../protocol/errors.ts'

/** An error meant for people: a stable code, one sentence, the mend. It is thrown anywhere and shown once, at the edge. */
export class Refused extends Error {
  readonly code: string
  readonly mend: string | undefined
  /** The HTTP status that says the same. */
  readonly status: number

  constructor(code: string, message: string, options: { mend?: string; status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Refused'
    this.code = code
    this.mend = options.mend
    this.status = options.status ?? 400
  }
}

/** What goes over the wire. An error that nobody worded for people becomes `internal`: its text may hold paths or secrets. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) {
    return { error: { code: error.code, message: error.message, ...(error.mend === undefined ? {} : { mend: error.mend }) } }
  }
  return {
    error: {
      code: 'internal',
      message: 'The server met an error that it did not expect.',
      mend: 'Look at the server log for the cause, and try again.',
    },
  }
}

/** The same for the database and logs, with the text of the unexpected error kept. */
export function failureOf(error: unknown): { code: string; message: string; mend?: string } {
  if (error instanceof Refused) return refusalOf(error).error
  return {
    code: 'internal',
    message: `Something unexpected went wrong: ${messageOf(error)}.`,
    mend: 'Try again; the server log has the details.',
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'error' in value
}
