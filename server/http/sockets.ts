import type { Server as HttpServer } from 'node:http'
import type { Logger } from 'pino'
import { Server, type Socket } from 'socket.io'
import type { z } from 'zod'
import type { Refusal } from '../../protocol/errors.ts'
import { clientMessages, firstIssue, handshakeAuth } from '../../protocol/schemas.ts'
import type { ClientEvents, ServerEvents } from '../../protocol/socket.ts'
import { isRefusal, Refused, refusalOf } from '../refused.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Viewer } from '../terminals/shared-terminal.ts'
import type { Terminals } from '../terminals/terminals.ts'
import { distrust, type Trust } from './trust.ts'

type Page = Socket<ClientEvents, ServerEvents>

export interface SocketParts {
  readonly sessions: Sessions
  readonly terminals: Terminals
  readonly trust: Trust
  readonly log: Logger
}

export interface Sockets {
  /** Tells the pages of a session, or all, what a person should know. */
  problem(session: string | undefined, refusal: Refusal): void
  close(): Promise<void>
}

export function serveSockets(server: HttpServer, parts: SocketParts): Sockets {
  const io = new Server<ClientEvents, ServerEvents>(server, {
    serveClient: false,
    // A paste of 64 Ki characters with its envelope, in UTF-8.
    maxHttpBufferSize: 512 * 1024,
    pingInterval: 10_000,
    pingTimeout: 8000,
    // Terminal bytes hardly compress in such small messages, and each connection's state costs memory.
    perMessageDeflate: false,
    allowRequest: (request, decide) => {
      const refused = distrust({ host: request.headers.host, origin: request.headers.origin }, parts.trust, true)
      decide(refused?.code ?? null, refused === undefined)
    },
  })
  io.on('connection', (socket) => connect(socket, parts))
  return {
    problem(session, refusal) {
      if (session === undefined) io.emit('problem', refusal)
      else io.to(roomOf(session)).emit('problem', refusal)
    },
    close: () => io.close(),
  }
}

function roomOf(session: string): string {
  return `session ${session}`
}

function connect(socket: Page, { sessions, terminals, log }: SocketParts): void {
  const auth = handshakeAuth.safeParse(socket.handshake.auth)
  const page = (auth.success ? auth.data.page : undefined) ?? socket.id
  const followed = new Map<string, () => void>()

  socket.on('disconnect', () => {
    terminals.leave(socket.id)
    for (const unfollow of followed.values()) unfollow()
    followed.clear()
  })

  on('follow', async ({ session }) => {
    const { view, unfollow } = await sessions.follow(session, (changed) => socket.emit('session', changed))
    followed.get(session)?.()
    if (!socket.connected) unfollow()
    else followed.set(session, unfollow)
    await socket.join(roomOf(session))
    return view
  })

  on('openTerminal', async ({ session, terminal, ...size }, answer) => {
    const viewer: Viewer = {
      output: (offset, bytes) => {
        // socket.io sends a Buffer as it is; on the page it arrives as an ArrayBuffer.
        const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as unknown as ArrayBuffer
        socket.emit('output', { session, terminal, offset, data })
      },
      exit: (code) => socket.emit('terminalExit', { session, terminal, code }),
    }
    await terminals.join({ session, terminal }, await sessions.cluster(session), { id: socket.id, viewer, ...size }, answer)
    if (!socket.connected) terminals.leave(socket.id)
  })

  on('input', ({ session, terminal, data, sequence }) => {
    required(session, terminal).input(page, sequence, data)
    return { ok: true as const }
  })
  on('resize', ({ session, terminal, columns, rows }) => {
    terminals.running(session, terminal)?.resize(socket.id, columns, rows)
  })
  on('drawn', ({ session, terminal, offset }) => {
    terminals.running(session, terminal)?.drawn(socket.id, offset)
  })
  on('closeTerminal', async ({ session, terminal }) => {
    await terminals.end(session, terminal)
  })

  const known = new Set<string>(Object.keys(clientMessages))
  // The wire allows numbers as names, too.
  socket.onAny((event: string | number, ...rest: unknown[]) => {
    const name = String(event)
    if (known.has(name)) return
    const refusal = refusalOf(badMessage(`there is no message "${name.slice(0, 40)}"`))
    reply(rest.at(-1), refusal)
  })

  function required(session: string, terminal: string) {
    const running = terminals.running(session, terminal)
    if (running === undefined) {
      throw new Refused('unknown-terminal', `There is no running terminal "${terminal}" in this session.`, {
        mend: 'Open it again.',
        status: 404,
      })
    }
    return running
  }

  /** One message: parsed, handled, answered. Nothing that a page sends can throw past here. */
  function on<E extends keyof typeof clientMessages>(
    event: E,
    handle: (message: z.output<(typeof clientMessages)[E]>, answer: (value: unknown) => void) => unknown,
  ): void {
    const listener = async (...received: unknown[]): Promise<void> => {
      const acknowledge = received.at(-1)
      let answered = false
      const answer = (value: unknown) => {
        if (answered) return
        answered = true
        reply(acknowledge, value)
      }
      try {
        const parsed = clientMessages[event].safeParse(received[0])
        if (!parsed.success) throw badMessage(`"${event}" ${firstIssue(parsed.error)}`)
        const result = await handle(parsed.data as z.output<(typeof clientMessages)[E]>, answer)
        if (result !== undefined) answer(result)
      } catch (error) {
        if (!(error instanceof Refused)) log.error({ err: error, event }, 'a message failed')
        answer(refusalOf(error))
      }
    }
    socket.on(event as string as 'follow', listener as never)
  }

  /** To the page's callback where it gave one; a refusal without one goes out as a `problem`. */
  function reply(acknowledge: unknown, value: unknown): void {
    if (typeof acknowledge === 'function') (acknowledge as (value: unknown) => void)(value)
    else if (isRefusal(value)) socket.emit('problem', value)
  }
}

function badMessage(reason: string): Refused {
  return new Refused('bad-message', `The server does not understand a message of this page: ${reason}.`, {
    mend: 'Reload the page; it may be older than the server.',
  })
}
