import { randomBytes, randomInt } from 'node:crypto'
import type { SessionView } from '../../protocol/session.ts'
import type { Database } from '../database/open-database.ts'
import type { SessionRow } from '../database/schema.ts'
import { findSession, insertSession, openSessions, recentSessions, updateSession } from '../database/sessions.ts'
import type { Cluster, ClusterEngine, EngineName } from '../engines/engine.ts'
import { clusterSpecOf, type Lab } from '../labs/lab.ts'
import type { LabShelf } from '../labs/shelf.ts'
import { failureOf, Refused } from '../refused.ts'
import type { Terminals } from '../terminals/terminals.ts'
import { prepareLabs } from './prepared-labs.ts'
import { Session } from './session.ts'
import { viewSession } from './session-view.ts'

export interface Sessions {
  /** Starts a lab. One that is open already is answered as it is, so that a second click or tab makes no second cluster. */
  start(lab: string, engine?: EngineName): Promise<{ view: SessionView; created: boolean }>
  get(id: string): Promise<SessionView>
  /** The newest first. */
  list(): Promise<readonly SessionView[]>
  openFor(lab: string): string | undefined
  cluster(id: string): Promise<Cluster>
  /** Follows later changes; resolves with the present state. */
  follow(id: string, listener: (view: SessionView) => void): Promise<{ view: SessionView; unfollow: () => void }>
  check(id: string): Promise<SessionView>
  hint(id: string): Promise<SessionView>
  reset(id: string): Promise<SessionView>
  finish(id: string): Promise<SessionView>
  end(id: string): Promise<SessionView>
  /**
   * Before the server listens: finds what was open and has the engines remove what nobody knows. The sessions found are then taken up
   * while requests come in already; `done` resolves when all are.
   */
  resume(): Promise<{ readonly done: Promise<void> }>
  /** Has the labs stand ready in the background, on engines that can; resolves when all are. */
  prepare(): Promise<void>
  close(): Promise<void>
}

export interface SessionsParts {
  readonly database: Database
  readonly terminals: Terminals
  readonly engines: readonly ClusterEngine[]
  readonly shelf: LabShelf
  readonly onTrouble: (session: string | undefined, error: unknown) => void
}

export function createSessions(parts: SessionsParts): Sessions {
  const { database, terminals, engines, shelf } = parts
  const live = new Map<string, Session>()
  const prepared = prepareLabs((error) => parts.onTrouble(undefined, error))

  function adopt(row: SessionRow, lab: Lab, engine: ClusterEngine): Session {
    const session = new Session(row, {
      database,
      terminals,
      engine,
      lab,
      prepared: prepared.take,
      onTrouble: (error) => parts.onTrouble(row.id, error),
    })
    live.set(row.id, session)
    return session
  }

  async function required(id: string): Promise<Session> {
    const session = live.get(id)
    if (session !== undefined) return session
    const row = await findSession(database, id)
    if (row !== undefined) {
      throw new Refused('session-over', `This session of ${row.lab} is over (${row.state}).`, { mend: 'Start the lab again.', status: 409 })
    }
    throw new Refused('unknown-session', `There is no session "${id}".`, { mend: 'Start a lab from the catalogue.', status: 404 })
  }

  function labOf(row: SessionRow): Lab | undefined {
    return shelf.labs.find((lab) => lab.id === row.lab)
  }

  function stored(row: SessionRow): SessionView {
    const results = JSON.parse(row.results_json) as SessionViewResults
    return viewSession(row, labOf(row), new Map(results.map((result) => [result.id, result])), JSON.parse(row.steps_json))
  }

  function openFor(lab: string): Session | undefined {
    return [...live.values()].find(
      (session) => session.view().lab.id === lab && (session.state === 'provisioning' || session.state === 'ready'),
    )
  }

  return {
    async start(id, wanted) {
      const lab = shelf.get(id)
      const running = openFor(id)
      if (running !== undefined) return { view: running.view(), created: false }
      const engine = await chooseEngine(engines, lab, wanted)
      const meanwhile = openFor(id)
      if (meanwhile !== undefined) return { view: meanwhile.view(), created: false }
      const row = newRow(lab, engine.name)
      // Known before it is written, so that a second request at the same moment finds it.
      const session = adopt(row, lab, engine)
      try {
        await insertSession(database, row)
      } catch (error) {
        live.delete(session.id)
        throw error
      }
      void session.provision()
      return { view: session.view(), created: true }
    },
    async get(id) {
      const session = live.get(id)
      if (session !== undefined) return session.view()
      const row = await findSession(database, id)
      return row === undefined ? (await required(id)).view() : stored(row)
    },
    async list() {
      const rows = await recentSessions(database, 100)
      return rows.map((row) => live.get(row.id)?.view() ?? stored(row))
    },
    openFor: (lab) => openFor(lab)?.id,
    cluster: async (id) => (await required(id)).awaitCluster(),
    async follow(id, listener) {
      const session = live.get(id)
      if (session === undefined) {
        const row = await findSession(database, id)
        // A session that is over does not change any more.
        if (row !== undefined) return { view: stored(row), unfollow: () => {} }
      }
      const followed = session ?? (await required(id))
      const unfollow = followed.follow(listener)
      return { view: followed.view(), unfollow }
    },
    check: async (id) => (await required(id)).checkNow(),
    hint: async (id) => (await required(id)).hint(),
    reset: async (id) => (await required(id)).reset(),
    finish: async (id) => (await required(id)).finish(),
    async end(id) {
      const session = live.get(id)
      if (session !== undefined) return session.end()
      const row = await findSession(database, id)
      return row === undefined ? (await required(id)).end() : stored(row)
    },
    async resume() {
      const rows = await openSessions(database)
      const adopted: Session[] = []
      for (const row of rows) {
        const engine = engines.find((each) => each.name === row.engine)
        const lab = labOf(row)
        if (engine !== undefined && lab !== undefined) adopted.push(adopt(row, lab, engine))
        else {
          const error = new Refused('unknown-lab', `The lab ${row.lab} or its engine ${row.engine} is not there any more.`, {
            mend: 'Choose another lab.',
          })
          await updateSession(database, row.id, {
            state: 'failed',
            ended_at: new Date().toISOString(),
            failure_json: JSON.stringify(failureOf(error)),
          })
        }
      }
      const known = new Set(rows.map((row) => row.cluster))
      for (const engine of engines) {
        if (!(await engine.availability()).available) continue
        await engine.sweep([...known]).catch((error: unknown) => parts.onTrouble(undefined, error))
      }
      return { done: Promise.all(adopted.map((session) => session.resume())).then(() => {}) }
    },
    prepare: () => prepared.prepare(shelf.labs, engines),
    async close() {
      prepared.close()
      await Promise.all([...live.values()].map((session) => session.close()))
      live.clear()
    },
  }
}

type SessionViewResults = { id: string; state: 'pending' | 'passed' | 'failed' | 'unknown' }[]

function newRow(lab: Lab, engine: EngineName): SessionRow {
  const id = newId()
  return {
    id,
    lab: lab.id,
    engine,
    spec_json: JSON.stringify(clusterSpecOf(lab, randomInt(2 ** 31))),
    cluster: id,
    state: 'provisioning',
    created_at: new Date().toISOString(),
    ready_at: null,
    ended_at: null,
    steps_json: '[]',
    results_json: '[]',
    baseline_json: null,
    failure_json: null,
    hints_revealed: 0,
  }
}

/** Lower-case letters and digits, for it names clusters too; 60 bits, so that it cannot be guessed. */
function newId(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz023456789'
  return [...randomBytes(12)].map((byte) => alphabet[byte & 31]).join('')
}

async function chooseEngine(engines: readonly ClusterEngine[], lab: Lab, wanted: EngineName | undefined): Promise<ClusterEngine> {
  const names = wanted === undefined ? lab.file.engines : [wanted]
  if (wanted !== undefined && !lab.file.engines.includes(wanted)) {
    throw new Refused('engine-not-for-lab', `The lab ${lab.id} does not run on the engine ${wanted}.`, {
      mend: `Choose ${lab.file.engines.join(' or ')}.`,
    })
  }
  const reasons: Refused[] = []
  for (const name of names) {
    const engine = engines.find((each) => each.name === name)
    if (engine === undefined) {
      reasons.push(
        new Refused('engine-missing', `The engine ${name} is not part of this server.`, { mend: 'Choose another engine.', status: 409 }),
      )
      continue
    }
    const availability = await engine.availability()
    const support = engine.supports(clusterSpecOf(lab, 0))
    if (availability.available && support.supported) return engine
    const problem = availability.available ? support : availability
    if ('code' in problem) reasons.push(new Refused(problem.code, problem.message, { mend: problem.mend, status: 409 }))
  }
  throw reasons[0] ?? new Refused('engine-missing', `No engine can run the lab ${lab.id}.`, { status: 409 })
}
