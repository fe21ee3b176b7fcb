import type { IncomingMessage, ServerResponse } from 'node:http'
import { Server } from 'socket.io'
import type { Refusal } from '../../protocol/errors.ts'
import type { ClientEvents, ServerEvents } from '../../protocol/socket.ts'
import { labs } from './labs.ts'
import { finishSession, refusal, repair, revealHint, sessions, startSession } from './sessions.ts'
import { createShell, type Shell } from './shell.ts'

/** The whole of the protocol, pretended in memory. */
export function createMock(http: unknown) {
  const io = new Server<ClientEvents, ServerEvents>(http as never, { destroyUpgrade: false })
  const shells = new Map<string, Shell>()
  const tell = (view: Parameters<ServerEvents['session']>[0]) => io.to(view.id).emit('session', view)

  function shellOf(session: string, terminal: string): Shell {
    const key = `${session}/${terminal}`
    const running = shells.get(key)
    if (running !== undefined) return running
    const shell = createShell({
      output: (offset, data) => io.to(key).emit('output', { session, terminal, offset, data: data as unknown as ArrayBuffer }),
      exit(code) {
        shells.delete(key)
        io.to(key).emit('terminalExit', { session, terminal, code })
      },
      repair: (state) => tell(repair(session, state)),
    })
    shells.set(key, shell)
    return shell
  }

  io.on('connection', (socket) => {
    const page = String(socket.handshake.auth['page'])
    socket.on('follow', ({ session }, answer) => {
      const view = sessions.get(session)
      if (view === undefined) return answer(unknownSession(session))
      void socket.join(session)
      answer(view)
    })
    socket.on('openTerminal', ({ session, terminal, have }, answer) => {
      if (!sessions.has(session)) return answer(unknownSession(session))
      const shell = shellOf(session, terminal)
      const all = shell.output()
      if (have === undefined || have > all.length) answer({ offset: all.length, screen: all.toString() })
      else {
        answer({ offset: have })
        if (have < all.length)
          socket.emit('output', { session, terminal, offset: have, data: all.subarray(have) as unknown as ArrayBuffer })
      }
      void socket.join(`${session}/${terminal}`)
    })
    socket.on('input', ({ session, terminal, data, sequence }, answer) => {
      shellOf(session, terminal).input(data, sequence, page)
      answer?.({ ok: true })
    })
    socket.on('closeTerminal', ({ session, terminal }) => void shells.delete(`${session}/${terminal}`))
  })

  async function handle(request: IncomingMessage, response: ServerResponse) {
    const [, , what, id, action] = request.url!.split('?')[0]!.split('/')
    const say = (body: unknown, status = 200) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    const outcome = (body: object | Refusal) => say(body, 'error' in body ? 409 : 200)
    if (what === 'catalogue') {
      const open = (lab: string) => [...sessions.values()].find((view) => view.lab.id === lab && /ready|provisioning/.test(view.state))?.id
      return say(labs.map((lab) => ({ ...lab, session: open(lab.id) })))
    }
    if (id === undefined && request.method === 'POST') {
      let body = ''
      for await (const piece of request) body += piece
      const { lab, engine } = JSON.parse(body)
      return outcome(startSession(lab, engine ?? 'simulated', tell))
    }
    if (id === undefined) return say([...sessions.values()])
    const view = sessions.get(id)
    if (view === undefined) return say(unknownSession(id), 404)
    if (request.method === 'DELETE') return sessions.delete(id) && say({ ok: true })
    if (action === 'kubeconfig') return response.end('apiVersion: v1\nkind: Config\n')
    if (action === 'hint') return say(revealHint(id))
    if (action === 'finish') return say(finishSession(id))
    if (action === 'reset') return say(repair(id, 'broken'))
    return say(view)
  }
  return { handle: (request: IncomingMessage, response: ServerResponse) => void handle(request, response) }
}

function unknownSession(id: string): Refusal {
  return refusal('unknown-session', `There is no session "${id}".`, 'Start the lab again from the catalogue.')
}
