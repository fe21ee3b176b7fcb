import type { Refusal } from '../../protocol/errors.ts'
import type { ServerEvents } from '../../protocol/socket.ts'
import { isRefusal } from '../connection/http.ts'
import type { Wire } from '../connection/wire.ts'
import { closedLink, type Link, type LinkEffect, type LinkEvent, step } from './link.ts'

/** What shows the bytes: xterm, or a test's stand-in. */
export interface Screen {
  readonly columns: number
  readonly rows: number
  write(data: Uint8Array | string, drawn: () => void): void
  clear(): void
}

export interface AttachmentOptions {
  readonly wire: Wire
  readonly session: string
  readonly terminal: string
  readonly screen: Screen
  onPhase(phase: Link['phase']): void
  onExit(code: number): void
  onRefusal(refusal: Refusal): void
  onFull(): void
}

export interface Attachment {
  type(data: string): void
  resize(columns: number, rows: number): void
  /** Opens it again after a refusal. */
  reopen(): void
  /** Lets go of the terminal without closing it on the server. */
  [Symbol.dispose](): void
}

/** Ties a screen to a terminal of the server, by the rules of link.ts. */
export function attach(options: AttachmentOptions): Attachment {
  const { wire, session, terminal, screen } = options
  let link = closedLink
  // Answers of an earlier opening must not be taken for those of a later one.
  let opening = 0

  function take(event: LinkEvent) {
    const before = link.phase
    const [next, effects] = step(link, event)
    link = next
    for (const effect of effects) run(effect)
    if (link.phase !== before) options.onPhase(link.phase)
  }

  function run(effect: LinkEffect) {
    switch (effect.type) {
      case 'open':
        return open(effect.have)
      case 'clear':
        return screen.clear()
      case 'write':
        return screen.write(effect.data, () => take({ type: 'drawn', epoch: effect.epoch, upTo: effect.upTo }))
      case 'acknowledge':
        return wire.connected && wire.emit('drawn', { session, terminal, offset: effect.offset })
      case 'send':
        return send(effect.sequence, effect.data)
      case 'exit':
        return options.onExit(effect.code)
      case 'refuse':
        return options.onRefusal(effect.refusal)
      case 'full':
        return options.onFull()
    }
  }

  function open(have: number | undefined) {
    const mine = ++opening
    const size = { columns: screen.columns, rows: screen.rows }
    wire.emit('openTerminal', { session, terminal, ...size, ...(have === undefined ? {} : { have }) }, (result) => {
      if (mine !== opening) return
      take(isRefusal(result) ? { type: 'refused', refusal: result } : { type: 'opened', result })
      // The window may have changed while the answer was under way.
      if (screen.columns !== size.columns || screen.rows !== size.rows) resize(screen.columns, screen.rows)
    })
  }

  function send(sequence: number, data: string) {
    // socket.io would keep it for later by itself, and then it would be sent twice.
    if (!wire.connected) return
    wire.emit('input', { session, terminal, data, sequence }, (result) => {
      take({ type: 'confirmed', sequence })
      if (isRefusal(result)) options.onRefusal(result)
    })
  }

  function resize(columns: number, rows: number) {
    if (wire.connected && link.phase === 'open') wire.emit('resize', { session, terminal, columns, rows })
  }

  const mine = (message: { session: string; terminal: string }) => message.session === session && message.terminal === terminal
  const connected = () => take({ type: 'connected' })
  const disconnected = () => take({ type: 'disconnected' })
  const output: ServerEvents['output'] = (message) => {
    if (mine(message)) take({ type: 'output', offset: message.offset, data: new Uint8Array(message.data) })
  }
  const exited: ServerEvents['terminalExit'] = (message) => {
    if (mine(message)) take({ type: 'exited', code: message.code })
  }
  wire.on('connect', connected)
  wire.on('disconnect', disconnected)
  wire.on('output', output)
  wire.on('terminalExit', exited)
  if (wire.connected) connected()

  return {
    type: (data) => take({ type: 'typed', data }),
    resize,
    reopen: connected,
    [Symbol.dispose]() {
      opening += 1
      wire.off('connect', connected)
      wire.off('disconnect', disconnected)
      wire.off('output', output)
      wire.off('terminalExit', exited)
    },
  }
}
