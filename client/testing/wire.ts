import type { ClientEvents, ServerEvents } from '../../protocol/socket.ts'
import type { Connection, Wire, WireState } from '../connection/wire.ts'

type Emitted = { readonly event: string; readonly args: readonly unknown[] }

/** A wire that tests hold at the other end. */
export interface FakeWire extends Wire {
  become(connected: boolean): void
  receive<Event extends keyof ServerEvents>(event: Event, ...args: Parameters<ServerEvents[Event]>): void
  /** Answers the last message of that name. */
  answer(event: keyof ClientEvents, result: unknown): void
  sent<Event extends keyof ClientEvents>(event: Event): Parameters<ClientEvents[Event]>[0][]
}

export function fakeWire(): FakeWire {
  const listeners = new Map<string, Set<(...args: never[]) => void>>()
  const emitted: Emitted[] = []
  let connected = false
  const fire = (event: string, args: readonly unknown[]) => {
    for (const listener of listeners.get(event) ?? []) listener(...(args as never[]))
  }
  return {
    get connected() {
      return connected
    },
    on(event, listener) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener as never))
    },
    off(event, listener) {
      listeners.get(event)?.delete(listener as never)
    },
    emit(event, ...args) {
      emitted.push({ event, args })
    },
    become(now) {
      connected = now
      fire(now ? 'connect' : 'disconnect', [])
    },
    receive: (event, ...args) => fire(event, args),
    answer(event, result) {
      const last = emitted.findLast((message) => message.event === event)
      if (last === undefined) throw new Error(`No "${event}" was sent.`)
      ;(last.args.at(-1) as (result: unknown) => void)(result)
    },
    sent: (event) => emitted.filter((message) => message.event === event).map((message) => message.args[0] as never),
  }
}

export function fakeConnection(wire: FakeWire): Connection {
  const state = (): WireState => (wire.connected ? 'online' : 'offline')
  return {
    wire,
    state,
    subscribe(changed) {
      wire.on('connect', changed)
      wire.on('disconnect', changed)
      return () => {
        wire.off('connect', changed)
        wire.off('disconnect', changed)
      }
    },
  }
}
