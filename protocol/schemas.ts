import { z } from 'zod'

/** What pages may send. Server and page meet here; anything else is refused with `bad-message`. */
const sessionId = z.string().regex(/^[a-z0-9]{6,32}$/, 'a session id')
const terminalId = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'letters, digits, dashes; at most 40')
const size = { columns: z.number().int().min(2).max(1000), rows: z.number().int().min(1).max(1000) }
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const clientMessages = {
  follow: z.strictObject({ session: sessionId }),
  openTerminal: z.strictObject({ session: sessionId, terminal: terminalId, ...size, have: offset.optional() }),
  /** Bigger pastes are sent in parts. */
  input: z.strictObject({ session: sessionId, terminal: terminalId, data: z.string().max(65_536), sequence: z.number().int().min(0) }),
  resize: z.strictObject({ session: sessionId, terminal: terminalId, ...size }),
  drawn: z.strictObject({ session: sessionId, terminal: terminalId, offset }),
  closeTerminal: z.strictObject({ session: sessionId, terminal: terminalId }),
}

/** `auth` of the socket's handshake. `page` is made once per load of the page, so that its input sequences mean the same after a reconnect. */
export const handshakeAuth = z.object({
  page: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
})

export const startSession = z.strictObject({
  lab: z.string().min(1).max(100),
  engine: z.enum(['simulated', 'kind']).optional(),
})

/** `session: 7 is no text`: the first thing that is wrong, for the sentence of a refusal. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue === undefined) return 'it is not valid'
  const path = issue.path.map(String).join('.')
  return path === '' ? issue.message : `${path}: ${issue.message}`
}
