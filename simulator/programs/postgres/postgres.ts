import { type Connection, connect, DialTimeout } from '../../network/async.ts'
import { concatenate } from '../../network/http-message.ts'
import { NetworkError } from '../../network/sockets.ts'
import { debianAndAlpine, type Tools } from '../image-parts.ts'
import { command } from '../netutils/command.ts'
import { parseOptions } from '../netutils/options.ts'
import type { Daemon, DaemonContext, Image } from '../process.ts'
import { lookup } from '../resolver/resolver.ts'
import { MiB } from '../usage.ts'

interface PostgresState {
  phase: 'new' | 'initializing' | 'ready'
}

/** How long the simulated server takes to make its cluster, ms; a real one takes seconds. */
const initializeMs = 200
const port = 5432
const sslRequest = 80_877_103
const encoder = new TextEncoder()

/** PostgreSQL behind its image's entrypoint: it starts, refuses and asks for a password. SQL is not modelled, nor is psql there. */
function postgresDaemon(version: string): Daemon<PostgresState> {
  return {
    kind: 'daemon',
    id: `postgres/postgres-${version}`,
    usage: { cores: 0.002, bytes: 36 * MiB, secondsAtStart: 0.3, secondsPerConnection: 0.002, secondsPerMessage: 0.0004 },
    initial: () => ({ phase: 'new' }),
    run: (context) => run(context, version),
  }
}

function run(context: DaemonContext<PostgresState>, version: string): void {
  const { state } = context
  const timers = context.timers(() => {
    context.log('')
    context.log('PostgreSQL init process complete; ready for start up.')
    context.log('')
    ready()
  })
  context.onSignal((signal) => {
    log(context, signal === 'SIGTERM' ? 'received smart shutdown request' : 'received fast shutdown request')
    log(context, 'database system is shut down')
    context.exit(0)
  })
  if (state.phase === 'ready') return listen(context)
  if (context.resumed) return
  const data = context.env.PGDATA ?? '/var/lib/postgresql/data'
  if (context.files.exists(`${data}/PG_VERSION`)) {
    context.log('')
    context.log('PostgreSQL Database directory appears to contain a database; Skipping initialization')
    context.log('')
    return ready()
  }
  if (!context.env.POSTGRES_PASSWORD && context.env.POSTGRES_HOST_AUTH_METHOD !== 'trust') {
    for (const line of withoutPassword) context.log(line, 'stderr')
    return context.exit(1)
  }
  context.log(`The files belonging to this database system will be owned by user "postgres".`)
  context.log('This user must also own the server process.')
  context.files.makeDirectory(data, { parents: true })
  context.files.write(`${data}/PG_VERSION`, `${version.split('.')[0]}\n`)
  state.phase = 'initializing'
  timers.set('initialized', context.clock.now() + initializeMs)

  function ready(): void {
    log(context, `starting PostgreSQL ${version} on x86_64-pc-linux-gnu, compiled by gcc, 64-bit`)
    log(context, `listening on IPv4 address "0.0.0.0", port ${port}`)
    log(context, 'listening on Unix socket "/var/run/postgresql/.s.PGSQL.5432"')
    state.phase = 'ready'
    listen(context)
    log(context, 'database system is ready to accept connections')
  }
}

const withoutPassword = [
  'Error: Database is uninitialized and superuser password is not specified.',
  '       You must specify POSTGRES_PASSWORD to a non-empty value for the',
  '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".',
  '',
  '       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all',
  '       connections without a password. This is *not* recommended.',
  '',
  '       See PostgreSQL documentation about "trust":',
  '       https://www.postgresql.org/docs/current/auth-trust.html',
]

/** The frontend/backend protocol, version 3: no TLS, then SCRAM is asked for; what follows is refused. */
function listen(context: DaemonContext<PostgresState>): void {
  context.sockets.listenTcp({ port }, (connection) => {
    let buffer = new Uint8Array(0)
    let started = false
    return {
      data: (bytes) => {
        buffer = new Uint8Array(concatenate([buffer, bytes]))
        while (buffer.length >= 8) {
          if (started) {
            connection.write(errorResponse('FATAL', '0A000', 'the simulated PostgreSQL does not model sessions'))
            return connection.end()
          }
          const length = integer(buffer, 0)
          if (buffer.length < length) return
          const code = integer(buffer, 4)
          buffer = buffer.slice(length)
          if (code === sslRequest) connection.write(encoder.encode('N'))
          else {
            started = true
            connection.write(message('R', concatenate([word(10), encoder.encode('SCRAM-SHA-256\0\0')])))
          }
        }
      },
      end: () => connection.end(),
    }
  })
}

function log(context: DaemonContext<PostgresState>, text: string): void {
  context.log(`${new Date(context.clock.now()).toISOString().slice(0, 23).replace('T', ' ')} UTC [1] LOG:  ${text}`, 'stderr')
}

function integer(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

function word(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255])
}

function message(type: string, payload: Uint8Array): Uint8Array {
  return concatenate([encoder.encode(type), word(payload.length + 4), payload])
}

function errorResponse(severity: string, code: string, text: string): Uint8Array {
  return message('E', encoder.encode(`S${severity}\0C${code}\0M${text}\0\0`))
}

/** `pg_isready [-h host] [-p port] [-t seconds]`: 0 accepting, 2 no response. */
export const pgIsready = command('postgres/pg_isready', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'h:p:t:U:d:q',
    long: ['host:', 'port:', 'timeout:', 'username:', 'dbname:', 'quiet'],
    unknown: (option) => `pg_isready: unrecognized option '${option}'\npg_isready: hint: Try "pg_isready --help" for more information.`,
    status: 3,
  })
  const host = options.value('h', 'host') ?? process.env.PGHOST
  const at = Number(options.value('p', 'port') ?? process.env.PGPORT ?? port)
  const say = async (text: string, code: number) => {
    if (!options.has('q', 'quiet')) await process.stdout.write(`${host ?? '/var/run/postgresql'}:${at} - ${text}\n`)
    return code
  }
  const found = await lookup(process, host ?? '127.0.0.1')
  if (!('addresses' in found)) return say('no response', 2)
  const timeoutMs = Number(options.value('t', 'timeout') ?? 3) * 1000
  let connection: Connection | undefined
  try {
    connection = await connect(
      process.sockets,
      { address: found.addresses[0] as string, port: at },
      { clock: process.clock, signal: process.signal, timeoutMs },
    )
    const startup = encoder.encode('user\0postgres\0\0')
    connection.write(concatenate([word(startup.length + 8), word(196_608), startup]))
    const reply = await connection.read({ timeoutMs, signal: process.signal })
    if (!reply) return await say('no response', 2)
    return await say('accepting connections', 0)
  } catch (error) {
    if (error instanceof NetworkError || error instanceof DialTimeout) return say('no response', 2)
    throw error
  } finally {
    connection?.close()
  }
})

const releases = [
  { version: '17.6', tags: ['17', '17.6'] },
  { version: '18.0', tags: ['latest', '18', '18.0'] },
  { version: '16.10', tags: ['16', '16.10'] },
]

export function postgresImages(tools: Tools): Image[] {
  return releases.flatMap(({ version, tags }) => {
    const daemon = postgresDaemon(version)
    const common = {
      repositories: ['docker.io/library/postgres'],
      entrypoint: ['docker-entrypoint.sh'],
      cmd: ['postgres'],
      env: { PG_MAJOR: version.split('.')[0] as string, PG_VERSION: version, PGDATA: '/var/lib/postgresql/data' },
    }
    const own = { '/usr/local/bin/docker-entrypoint.sh': daemon, '/usr/local/bin/postgres': daemon, '/usr/local/bin/pg_isready': pgIsready }
    return debianAndAlpine({ tags, tools, common, own })
  })
}
