import { createContext, useContext, useSyncExternalStore } from 'react'
import { io, type Socket } from 'socket.io-client'
import type { ClientEvents, ServerEvents } from '../../protocol/socket.ts'

export type WireState = 'connecting' | 'online' | 'offline'

/** What the page needs of a socket, so that tests can stand in for it. */
export interface Wire {
  readonly connected: boolean
  on<Event extends keyof ServerEvents | 'connect' | 'disconnect'>(event: Event, listener: Listener<Event>): unknown
  off<Event extends keyof ServerEvents | 'connect' | 'disconnect'>(event: Event, listener: Listener<Event>): unknown
  emit<Event extends keyof ClientEvents>(event: Event, ...args: Parameters<ClientEvents[Event]>): unknown
}

type Listener<Event> = Event extends keyof ServerEvents ? ServerEvents[Event] : () => void

export interface Connection {
  readonly wire: Wire
  readonly state: () => WireState
  readonly subscribe: (changed: () => void) => () => void
}

/** Opens the one socket of this page. It reconnects by itself for ever, and at once when the browser is online again. */
export function connect(): Connection {
  const socket: Socket<ServerEvents, ClientEvents> = io({
    // Names this page, so that a keystroke repeated after a reconnect is known to be the same one.
    auth: { page: randomName() },
    transports: ['websocket', 'polling'],
    reconnectionDelay: 200,
    reconnectionDelayMax: 1500,
    timeout: 5000,
  })
  const listeners = new Set<() => void>()
  let state: WireState = 'connecting'
  const become = (next: WireState) => {
    if (next === state) return
    state = next
    for (const listener of listeners) listener()
  }
  socket.on('connect', () => become('online'))
  socket.on('disconnect', (reason) => {
    become('offline')
    // A server that shuts down in good order closes the socket itself, and then socket.io does not come back unasked.
    if (reason === 'io server disconnect') window.setTimeout(() => socket.connect(), 300)
  })
  socket.on('connect_error', () => become('offline'))
  window.addEventListener('online', () => socket.connect())
  window.addEventListener('offline', () => socket.io.engine?.close())
  return {
    wire: socket as unknown as Wire,
    state: () => state,
    subscribe(changed) {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
  }
}

/** randomUUID is kept from pages that come by plain HTTP from another machine. */
function randomName(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

export const ConnectionContext = createContext<Connection | undefined>(undefined)

export function useConnection(): Connection {
  const connection = useContext(ConnectionContext)
  if (connection === undefined) throw new Error('No connection is provided above this component.')
  return connection
}

export function useWireState(): WireState {
  const connection = useConnection()
  return useSyncExternalStore(connection.subscribe, connection.state)
}
