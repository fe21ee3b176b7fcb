import type { Database } from '../database/open-database.ts'
import { findTerminal, forgetTerminal, saveTerminal } from '../database/terminals.ts'
import type { Cluster } from '../engines/engine.ts'
import { Refused } from '../refused.ts'
import { type Joined, SharedTerminal, type Stored, type Viewer } from './shared-terminal.ts'

/** A tab row holds no more, and each is a shell in the cluster. */
const mostPerSession = 8

export interface Terminals {
  /** Opens the terminal, or joins it where it runs. */
  join(
    at: { session: string; terminal: string },
    cluster: Cluster,
    viewer: { id: string; viewer: Viewer; columns: number; rows: number; have?: number | undefined },
    answer: (joined: Joined) => void,
  ): Promise<void>
  running(session: string, terminal: string): SharedTerminal | undefined
  /** The page `id` is gone from all terminals. */
  leave(id: string): void
  /** Ends the shell and forgets the screen. */
  end(session: string, terminal: string): Promise<void>
  /** Fresh shells after a reset of the session's cluster. */
  restart(session: string, cluster: Cluster): Promise<void>
  /** Ends every shell of a session. */
  endAll(session: string): Promise<void>
  /** Stores every screen and closes; the shells end with their clusters. */
  close(): Promise<void>
}

export function createTerminals(database: Database, onTrouble: (error: unknown) => void): Terminals {
  /** Promises, so that two pages which open a terminal at once share one. */
  const open = new Map<string, Map<string, Promise<SharedTerminal>>>()
  const ready = new Map<string, SharedTerminal>()

  async function start(
    session: string,
    terminal: string,
    cluster: Cluster,
    size: { columns: number; rows: number },
  ): Promise<SharedTerminal> {
    const stored = await findTerminal(database, session, terminal)
    let ended = false
    let opened: SharedTerminal | undefined
    opened = await SharedTerminal.open(cluster, size, {
      before: stored === undefined ? undefined : { stored, note: '── the server was restarted; this is a new shell ──' },
      store: (screen) => store(session, terminal, screen),
      onExit: () => {
        ended = true
        remove(session, terminal)
        opened?.close()
        void forgetTerminal(database, session, terminal).catch(onTrouble)
      },
    })
    // A shell may end before it is handed over: its cluster's thread has just died.
    if (ended) {
      opened.close()
      throw new Refused('terminal-ended', 'The shell ended as soon as it was started.', { mend: 'Open the terminal again.', status: 503 })
    }
    ready.set(key(session, terminal), opened)
    return opened
  }

  async function store(session: string, terminal: string, stored: Stored): Promise<void> {
    await saveTerminal(database, { session, terminal, ...stored }).catch(onTrouble)
  }

  function remove(session: string, terminal: string): void {
    ready.delete(key(session, terminal))
    open.get(session)?.delete(terminal)
  }

  const terminals: Terminals = {
    async join({ session, terminal }, cluster, { id, viewer, have, ...size }, answer) {
      let ofSession = open.get(session)
      if (ofSession === undefined) open.set(session, (ofSession = new Map()))
      let opening = ofSession.get(terminal)
      if (opening === undefined) {
        if (ofSession.size >= mostPerSession) {
          throw new Refused('too-many-terminals', `A session has at most ${mostPerSession} terminals.`, { mend: 'Close one first.' })
        }
        opening = start(session, terminal, cluster, size)
        ofSession.set(terminal, opening)
        opening.catch(() => remove(session, terminal))
      }
      await (await opening).join(id, viewer, size, have, answer)
    },
    running: (session, terminal) => ready.get(key(session, terminal)),
    leave(id) {
      for (const terminal of ready.values()) terminal.leave(id)
    },
    async end(session, terminal) {
      const found = ready.get(key(session, terminal))
      remove(session, terminal)
      found?.close()
      await forgetTerminal(database, session, terminal)
    },
    async restart(session, cluster) {
      const opening = [...(open.get(session)?.values() ?? [])]
      await Promise.all(opening.map(async (each) => (await each).restart(cluster, '── the lab was reset; this is a new shell ──')))
    },
    async endAll(session) {
      const names = [...(open.get(session)?.keys() ?? [])]
      await Promise.all(names.map((name) => terminals.end(session, name)))
      open.delete(session)
      await forgetTerminal(database, session)
    },
    async close() {
      await Promise.all([...ready.values()].map((terminal) => terminal.storeNow()))
      for (const terminal of ready.values()) terminal.close()
      ready.clear()
      open.clear()
    },
  }
  return terminals
}

function key(session: string, terminal: string): string {
  return `${session}/${terminal}`
}
