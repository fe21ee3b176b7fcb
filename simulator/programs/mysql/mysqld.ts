import type { TcpConnection } from '../../network/sockets.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { errorPayload, greeting, newSalt, ok, oneValue, packet, packetReader, readLogin, scramble } from './protocol.ts'

interface MysqlState {
  phase: 'new' | 'initializing' | 'ready'
  threads: number
}

/** How long the simulated server takes to make its files and to come up, ms; a real one takes some seconds. */
const initializeMs = 200
const startMs = 100
const port = 3306
const dataDirectory = '/var/lib/mysql'

/** MySQL behind its image's entrypoint: it starts, refuses, authenticates and answers pings. SQL is not modelled. */
export function mysqlDaemon(version: string, build: string): Daemon<MysqlState> {
  return {
    kind: 'daemon',
    usage: { cores: 0.006, bytes: 430 * MiB, secondsAtStart: 1.2, secondsPerConnection: 0.001, secondsPerMessage: 0.0005 },
    id: `mysql/mysqld-${version}`,
    initial: () => ({ phase: 'new', threads: 7 }),
    run: (context) => run(context, version, build),
  }
}

function run(context: DaemonContext<MysqlState>, version: string, build: string): void {
  const { state, clock } = context
  const timers = context.timers((key) => {
    if (key === 'initialized') start()
    else ready()
  })
  context.onSignal(() => {
    server(context, 'System', 'MY-013172', `Received SHUTDOWN from user <via user signal>. Shutting down mysqld (Version: ${version}).`)
    server(context, 'System', 'MY-010910', `/usr/sbin/mysqld: Shutdown complete (mysqld ${version})  MySQL Community Server - GPL.`)
    context.exit(0)
  })
  if (state.phase === 'ready') return listen(context, version)
  if (context.resumed) return
  const [program = 'mysqld'] = context.argv.slice(1)
  if ((context.argv[0] ?? '').endsWith('docker-entrypoint.sh') && program !== 'mysqld' && !program.startsWith('-')) {
    context.log(
      `${context.argv[0]}: the simulated image's entrypoint runs mysqld only; set the container's command to run ${program}`,
      'stderr',
    )
    return context.exit(1)
  }
  const started = `Entrypoint script for MySQL Server ${version}-1.el9 started.`
  entrypoint(context, 'Note', started)
  entrypoint(context, 'Note', "Switching to dedicated user 'mysql'")
  entrypoint(context, 'Note', started)
  if (context.files.exists(`${dataDirectory}/mysql`)) return start()
  const { MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD, MYSQL_RANDOM_ROOT_PASSWORD, MYSQL_USER } = context.env
  if (!MYSQL_ROOT_PASSWORD && !MYSQL_ALLOW_EMPTY_PASSWORD && !MYSQL_RANDOM_ROOT_PASSWORD) {
    entrypoint(context, 'ERROR', 'Database is uninitialized and password option is not specified')
    for (const line of [
      'You need to specify one of the following as an environment variable:',
      '- MYSQL_ROOT_PASSWORD',
      '- MYSQL_ALLOW_EMPTY_PASSWORD',
      '- MYSQL_RANDOM_ROOT_PASSWORD',
    ]) {
      context.log(`    ${line}`, 'stderr')
    }
    return context.exit(1)
  }
  if (MYSQL_USER === 'root') {
    entrypoint(
      context,
      'ERROR',
      'MYSQL_USER="root", MYSQL_USER and MYSQL_PASSWORD are for configuring a regular user and cannot be used for the root user',
    )
    return context.exit(1)
  }
  entrypoint(context, 'Note', 'Initializing database files')
  server(context, 'System', 'MY-015017', 'MySQL Server Initialization - start.')
  server(context, 'System', 'MY-013169', `/usr/sbin/mysqld (mysqld ${version}) initializing of server in progress as process 80`)
  state.phase = 'initializing'
  timers.set('initialized', clock.now() + initializeMs)

  function start(): void {
    if (state.phase === 'initializing') {
      server(
        context,
        'Warning',
        'MY-010453',
        'root@localhost is created with an empty password ! Please consider switching off the --initialize-insecure option.',
        6,
      )
      server(context, 'System', 'MY-015018', 'MySQL Server Initialization - end.')
      entrypoint(context, 'Note', 'Database files initialized')
      context.files.makeDirectory(`${dataDirectory}/mysql`, { parents: true })
      if (context.env.MYSQL_DATABASE) {
        entrypoint(context, 'Note', `Creating database ${context.env.MYSQL_DATABASE}`)
        context.files.makeDirectory(`${dataDirectory}/${context.env.MYSQL_DATABASE}`, { parents: true })
      }
      if (context.env.MYSQL_USER) entrypoint(context, 'Note', `Creating user ${context.env.MYSQL_USER}`)
      entrypoint(context, 'Note', 'MySQL init process done. Ready for start up.')
    }
    server(context, 'System', 'MY-015015', 'MySQL Server - start.')
    server(context, 'System', 'MY-010116', `/usr/sbin/mysqld (mysqld ${version}) starting as process 1`)
    server(context, 'System', 'MY-013576', 'InnoDB initialization has started.', 1)
    timers.set('ready', clock.now() + startMs)
  }

  function ready(): void {
    server(context, 'System', 'MY-013577', 'InnoDB initialization has ended.', 1)
    server(context, 'Warning', 'MY-010068', 'CA certificate ca.pem is self signed.')
    state.phase = 'ready'
    listen(context, version)
    server(
      context,
      'System',
      'MY-010931',
      `/usr/sbin/mysqld: ready for connections. Version: '${version}'  socket: '/var/run/mysqld/mysqld.sock'  port: ${port}  ${build}.`,
    )
  }
}

function listen(context: DaemonContext<MysqlState>, version: string): void {
  context.sockets.listenTcp({ port }, (connection) => converse(context, version, connection))
}

function converse(context: DaemonContext<MysqlState>, version: string, connection: TcpConnection) {
  const salt = newSalt(context.random)
  let authenticated = false
  const send = (sequence: number, payload: Uint8Array) => connection.write(packet(sequence, payload))
  context.clock.soon(() => send(0, greeting(version, ++context.state.threads, salt)))
  const read = packetReader((sequence, payload) => {
    if (!authenticated) {
      const { user, scrambled } = readLogin(payload)
      const expected = passwordOf(context, user)
      if (expected !== undefined && same(scramble(expected, salt), scrambled)) {
        authenticated = true
        return send(sequence + 1, ok)
      }
      const using = scrambled.length > 0 ? 'YES' : 'NO'
      send(
        sequence + 1,
        errorPayload(1045, '28000', `Access denied for user '${user}'@'${connection.remote.address}' (using password: ${using})`),
      )
      return connection.end()
    }
    const [command] = payload
    if (command === 1) return connection.end()
    if (command === 14) return send(sequence + 1, ok)
    if (command !== 3) return send(sequence + 1, errorPayload(1047, '08S01', 'Unknown command'))
    const statement = new TextDecoder().decode(payload.slice(1)).trim().replace(/;$/, '')
    const value = answer(statement, version)
    if (value === undefined)
      return send(
        sequence + 1,
        errorPayload(1235, '42000', `The simulated MySQL does not model '${statement}': only SELECT of 1, VERSION() and NOW()`),
      )
    connection.write(
      oneValue(
        statement.replace(/^select\s+/i, ''),
        value === 'now' ? new Date(context.clock.now()).toISOString().slice(0, 19).replace('T', ' ') : value,
      ),
    )
  })
  return { data: read, end: () => connection.end() }
}

function answer(statement: string, version: string): string | undefined {
  const asked = /^select\s+(.+)$/i.exec(statement)?.[1]?.toLowerCase()
  if (asked === undefined) return undefined
  if (/^\d+$/.test(asked)) return asked
  return asked === 'version()' || asked === '@@version' ? version : asked === 'now()' ? 'now' : undefined
}

function passwordOf({ env }: DaemonContext<MysqlState>, user: string): string | undefined {
  if (user === 'root') return env.MYSQL_ROOT_PASSWORD ?? (env.MYSQL_ALLOW_EMPTY_PASSWORD ? '' : undefined)
  return user !== '' && user === env.MYSQL_USER ? (env.MYSQL_PASSWORD ?? '') : undefined
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

function entrypoint(context: DaemonContext<MysqlState>, level: string, message: string): void {
  const at = new Date(context.clock.now()).toISOString()
  context.log(`${at.slice(0, 10)} ${at.slice(11, 19)}+00:00 [${level}] [Entrypoint]: ${message}`, level === 'ERROR' ? 'stderr' : 'stdout')
}

function server(context: DaemonContext<MysqlState>, level: string, code: string, message: string, thread = 0): void {
  context.log(
    `${new Date(context.clock.now()).toISOString().slice(0, 23)}000Z ${thread} [${level}] [${code}] [Server] ${message}`,
    'stderr',
  )
}
