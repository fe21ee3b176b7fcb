import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { destination, pino } from 'pino'
import { openDatabase, wordDiskFull } from '../database/open-database.ts'
import type { ClusterSpec } from '../engines/engine.ts'
import { createApplication } from '../http/application.ts'
import { type Sockets, serveSockets } from '../http/sockets.ts'
import { clusterSpecOf, runsOn } from '../labs/lab.ts'
import { describeProblem } from '../labs/problems.ts'
import { type LabShelf, openShelf } from '../labs/shelf.ts'
import { Refused, refusalOf } from '../refused.ts'
import { createSessions } from '../sessions/sessions.ts'
import { createTerminals } from '../terminals/terminals.ts'
import type { ServerConfig } from './config.ts'
import type { EngineComposition } from './engines.ts'

/** ms between two tellings of the same trouble. */
const tellAgainMs = 30_000

export interface RunningServer {
  readonly url: string
  /** What is wrong with labs, a line each; the other labs are offered all the same. */
  readonly labProblems: readonly string[]
  /** For whoever adds to it, as the development server does. */
  readonly http: Server
  /** Stores what is open and releases everything; sessions go on when the server is started again. */
  close(): Promise<void>
}

/**
 * Starts the platform. Refuses with what a person can mend: `port-in-use`, `data-unwritable`, `data-locked`, `newer-schema`.
 */
export async function startServer(config: ServerConfig, createEngines: EngineComposition): Promise<RunningServer> {
  // To stderr: stdout is for the people who start it.
  const log = pino({ level: config.logLevel }, destination(2))
  const undo: (() => Promise<void> | void)[] = []
  try {
    const { database, folder, close: closeDatabase } = await openDatabase(config.data)
    undo.push(closeDatabase)
    const shelf = await openShelf(config.labs)
    let sockets: Sockets | undefined
    const tell = sparingly((session, refused) => sockets?.problem(session, refusalOf(refused)))
    const engines = await createEngines({
      data: folder,
      shapes: shapesOf(shelf),
      apiPort: apiPortOf(config.port),
      host: config.host,
      report: (what, error) => {
        log.error({ err: error }, what)
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') tell(undefined, wordDiskFull(error, folder))
      },
    })
    undo.push(async () => void (await Promise.all(engines.map((engine) => engine.close()))))
    const onTrouble = (session: string | undefined, error: unknown) => {
      log.warn({ err: error, session }, 'trouble')
      if (error instanceof Refused) tell(session, error)
    }
    const terminals = createTerminals(database, (error) => onTrouble(undefined, error))
    const sessions = createSessions({ database, terminals, engines, shelf, onTrouble })
    undo.push(async () => {
      await terminals.close()
      await sessions.close()
    })
    const trust = { hosts: config.allowedHosts, origins: config.allowedOrigins }
    const http = createServer(createApplication({ database, shelf, engines, sessions, page: config.page, trust, log }))
    sockets = serveSockets(http, { sessions, terminals, trust, log })
    const { close: closeSockets } = sockets
    undo.push(async () => {
      http.closeAllConnections()
      await closeSockets()
    })
    const resumed = await sessions.resume()
    resumed.done.catch((error: unknown) => onTrouble(undefined, error))
    await listen(http, config)
    void resumed.done.then(() => sessions.prepare()).catch((error: unknown) => onTrouble(undefined, error))
    const { port } = http.address() as AddressInfo
    for (const problem of shelf.problems) log.error(describeProblem(problem))
    return {
      url: `http://${urlHost(config.host)}:${port}`,
      labProblems: shelf.problems.map(describeProblem),
      http,
      close: () => unwind(undo),
    }
  } catch (error) {
    await unwind(undo)
    throw error
  }
}

/** Beside the page's, so that it is the same at every start; 0 lets the operating system choose. */
function apiPortOf(port: number): number {
  if (port === 0) return 0
  return port === 65_535 ? port - 1 : port + 1
}

/** Each shape once: a seed changes names and addresses, not what has to be prepared. */
function shapesOf(shelf: LabShelf): ClusterSpec[] {
  const specs = shelf.labs.filter((lab) => runsOn(lab, 'simulated')).map((lab) => clusterSpecOf(lab, 1))
  return [...new Map(specs.map((spec) => [JSON.stringify(spec), spec])).values()]
}

/** In the opposite order of opening; one that fails does not keep the rest open. */
async function unwind(undo: (() => Promise<void> | void)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

function listen(http: Server, { host, port }: ServerConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new Refused('port-in-use', `The port ${port} on ${host} is in use by another program.`, {
            mend: `Stop that program, or choose another port: --port ${port + 1}.`,
            cause: error,
          }),
        )
      } else if (error.code === 'EACCES') {
        reject(
          new Refused('port-forbidden', `This user may not listen on port ${port}.`, {
            mend: 'Choose one above 1023: --port 7070.',
            cause: error,
          }),
        )
      } else if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
        reject(
          new Refused('bad-host', `This machine has no address ${host} to listen on.`, { mend: 'Use --host 127.0.0.1.', cause: error }),
        )
      } else reject(error)
    })
    http.listen(port, host, resolve)
  })
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '127.0.0.1') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

type Tell = (session: string | undefined, refused: Refused) => void

/** What goes on and on (a full disk, twice a second) is told once in a while, to the people where it is worded for them. */
function sparingly(tell: Tell): Tell {
  const last = new Map<string, number>()
  return (session, refused) => {
    const key = `${session ?? ''} ${refused.code}`
    const now = performance.now()
    if (now - (last.get(key) ?? Number.NEGATIVE_INFINITY) < tellAgainMs) return
    last.set(key, now)
    tell(session, refused)
  }
}
