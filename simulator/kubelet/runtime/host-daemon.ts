import type { Api } from '../../apiserver/api.ts'
import type { Clock } from '../../clock.ts'
import type { FileSystem } from '../../files.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'
import type { HttpsService } from '../../network/sockets.ts'
import { type ApiConnection, type Daemon, NoCredentials, type Signal, Signalled } from '../../programs/process.ts'
import type { Random } from '../../random.ts'
import type { Account } from '../meter.ts'
import { goDialError, hostsFileAddress, joinHostPort } from './dial.ts'
import { apiWithin, beginLife, clockWithin } from './life.ts'
import { guardSockets } from './process-sockets.ts'

export interface DaemonHosting {
  readonly daemon: Daemon<any>
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly hostname: string
  readonly files: FileSystem
  readonly namespace: NetworkNamespace
  readonly clock: Clock
  readonly random: Random
  /** Unique in the cluster and the same after a restore: whose durable timers these are. */
  readonly owner: string
  /** Where the daemon's plain state lives; the same object is snapshotted. */
  readonly memory: { state?: unknown }
  readonly resumed: boolean
  log(line: string, stream: 'stdout' | 'stderr'): void
  exited(code: number): void
  /** The API of the service that was reached, as whoever the process is; undefined: it serves no Kubernetes API, or there are no credentials. */
  apiOf?(service: HttpsService): Api | undefined
  /** Why the process has nothing to show to an API server; undefined where it has. */
  missingCredentials?(): string | undefined
  /** What it takes of its container's resources is put there. */
  readonly account?: Account
  /** Told what a daemon threw: a mistake in a program, besides its crash. */
  crashed(error: unknown): void
}

export interface RunningDaemon {
  signal(signal: Signal): void
  /** Ends it without a word: the machine is gone. */
  stop(): void
}

/** Runs a daemon in an event of its own, so that a mistake in it never unwinds its starter. */
export function hostDaemon(hosting: DaemonHosting): RunningDaemon {
  const { daemon, clock, memory, namespace } = hosting
  const life = beginLife()
  const handlers: ((signal: Signal) => void)[] = []
  let timerSets = 0

  const end = (code: number) => {
    if (life.over) return
    life.close()
    hosting.exited(code)
  }
  /** Go's exit code of a panic. */
  const crash = (error: unknown) => {
    if (life.over) return
    hosting.log(`panic: ${error instanceof Error ? error.message : String(error)}`, 'stderr')
    hosting.crashed(error)
    end(2)
  }
  const guarded =
    <A extends unknown[]>(run: (...args: A) => void) =>
    (...args: A) => {
      if (life.over) return
      try {
        run(...args)
      } catch (error) {
        crash(error)
      }
    }

  const sockets = life.keep(guardSockets(namespace.socketsFor(processName(hosting.argv, daemon.id)), guarded, hosting.account))
  if (hosting.account) life.keep(hosting.account)
  if (!hosting.resumed) memory.state = daemon.initial()
  const context = {
    argv: hosting.argv,
    env: hosting.env,
    hostname: hosting.hostname,
    files: hosting.files,
    sockets,
    clock: clockWithin(clock, guarded),
    random: hosting.random,
    namespace,
    resumed: hosting.resumed,
    get state() {
      return memory.state
    },
    set state(state: unknown) {
      memory.state = state
    },
    timers(fire: (key: string) => void) {
      const timers = clock.timers(`${hosting.owner}/${timerSets++}`, guarded(fire))
      const keys = new Set<string>()
      life.keep({ close: () => [...keys].map((key) => timers.clear(key)) })
      return {
        set: (key: string, at: number) => {
          if (life.over) return
          keys.add(key)
          timers.set(key, at)
        },
        clear: (key: string) => timers.clear(key),
        when: (key: string) => timers.when(key),
      }
    },
    log(line: string, stream: 'stdout' | 'stderr' = 'stdout') {
      if (!life.over) hosting.log(line, stream)
    },
    exit: end,
    onSignal(handler: (signal: Signal) => void) {
      handlers.push(handler)
    },
    onFileChange(path: string, handler: () => void) {
      life.keep(hosting.files.watch(path, guarded(handler)))
    },
    connectApi(options: { server?: { host: string; port: number } }, found: ApiConnection) {
      const host = options.server?.host ?? hosting.env.KUBERNETES_SERVICE_HOST
      const port = options.server?.port ?? Number(hosting.env.KUBERNETES_SERVICE_PORT)
      const refuse = (message: string) => clock.soon(guarded(() => found.error(new Error(message))))
      const missing = hosting.missingCredentials?.()
      if (missing !== undefined) {
        clock.soon(guarded(() => found.error(new NoCredentials(missing))))
        return
      }
      if (host === undefined || !(port > 0)) {
        refuse('unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined')
        return
      }
      const address = hostsFileAddress(hosting.files, host)
      if (address === undefined) {
        refuse(`dial tcp: lookup ${host}: no such host`)
        return
      }
      const session = beginLife()
      life.keep(session)
      let established = false
      const connection = sockets.connectTcp(
        { address, port },
        {
          connected: guarded(() => {
            const api = connection.service && hosting.apiOf?.(connection.service)
            if (api) {
              established = true
              return found.connected(apiWithin(api, session, guarded))
            }
            connection.reset()
            found.error(new Error('tls: first record does not look like a TLS handshake'))
          }),
          end: guarded(() => {
            if (session.over) return
            // Told first: what the connection showed can be read for the last time.
            if (established) found.ended?.()
            session.close()
          }),
          error: guarded((error) => {
            if (session.over) return
            if (established) found.ended?.()
            session.close()
            if (established) return
            found.error(goDialError(error, `dial tcp ${joinHostPort(address, port)}`))
          }),
        },
      )
    },
  }
  clock.soon(guarded(() => daemon.run(context)))

  return {
    signal(signal) {
      if (life.over) return
      if (signal === 'SIGKILL' || (handlers.length === 0 && signal !== 'SIGWINCH')) end(new Signalled(signal).exitCode)
      else for (const handler of handlers) guarded(handler)(signal)
    },
    stop: () => life.close(),
  }
}

/** As `ps` and `ss` name it: the last part of the path. An image's entry point script has executed its program. */
export function processName(argv: readonly string[], id: string): string {
  const last = (path: string) => path.replace(/^.*\//, '')
  const called = last(argv[0] ?? id)
  return called === 'docker-entrypoint.sh' ? last(id).replace(/-\d.*$/, '') : called
}
