import { type Connection, connect } from '../../network/async.ts'
import { NetworkError } from '../../network/sockets.ts'
import { debianAndAlpine, type Tools } from '../image-parts.ts'
import { command, strerror } from '../netutils/command.ts'
import { parseOptions, UsageError } from '../netutils/options.ts'
import type { Daemon, DaemonContext, Image } from '../process.ts'
import { libcOf } from '../resolver/configuration.ts'
import { lookup, resolveMessage } from '../resolver/resolver.ts'
import { MiB } from '../usage.ts'
import { encodeReply, type Reply, respReader } from './resp.ts'

interface RedisState {
  data: Record<string, string>
  /** ms since the epoch. */
  started: number
}

type RedisContext = DaemonContext<RedisState>
const encoder = new TextEncoder()

/** Redis: strings and what is needed to see that it lives. Other types, persistence and replication are refused as unknown commands. */
function redisDaemon(version: string): Daemon<RedisState> {
  return {
    kind: 'daemon',
    usage: { cores: 0.003, bytes: 5 * MiB, secondsAtStart: 0.01, secondsPerConnection: 5e-5, secondsPerMessage: 3e-5 },
    id: `redis/redis-server-${version}`,
    initial: () => ({ data: {}, started: 0 }),
    run: (context) => run(context, version),
  }
}

function run(context: RedisContext, version: string): void {
  const option = (name: string) => {
    const at = context.argv.indexOf(`--${name}`)
    return at < 0 ? undefined : context.argv[at + 1]
  }
  const port = Number(option('port') ?? 6379)
  const password = option('requirepass')
  if (!context.resumed) {
    context.state.started = context.clock.now()
    log(context, 'C', '*', 'oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo')
    log(context, 'C', '*', `Redis version=${version}, bits=64, commit=00000000, modified=0, pid=1, just started`)
    log(
      context,
      'C',
      '#',
      'Warning: no config file specified, using the default config. In order to specify a config file use redis-server /path/to/redis.conf',
    )
    log(context, 'M', '*', 'monotonic clock: POSIX clock_gettime')
    log(context, 'M', '*', `Running mode=standalone, port=${port}.`)
  }
  context.onSignal((signal) => {
    log(context, 'M', '#', `User requested shutdown... (${signal})`)
    log(context, 'M', '#', 'Redis is now ready to exit, bye bye...')
    context.exit(0)
  })
  try {
    context.sockets.listenTcp({ port }, (connection) => {
      let trusted = password === undefined
      const send = (reply: Reply) => connection.write(encoder.encode(encodeReply(reply)))
      const data = respReader((value) => {
        const words = Array.isArray(value) ? value.map(String) : []
        const [name = '', ...args] = words
        const verb = name.toUpperCase()
        if (verb === 'QUIT') {
          send({ simple: 'OK' })
          return connection.end()
        }
        if (verb === 'AUTH') {
          if (password === undefined)
            return send({
              error:
                'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
            })
          trusted = args.at(-1) === password
          return send(trusted ? { simple: 'OK' } : { error: 'WRONGPASS invalid username-password pair or user is disabled.' })
        }
        send(trusted ? answer(context, version, port, verb, name, args) : { error: 'NOAUTH Authentication required.' })
      })
      return { data, end: () => connection.end() }
    })
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    log(context, 'M', '#', `Warning: Could not create server TCP listening socket *:${port}: bind: Address already in use`)
    log(context, 'M', '#', 'Failed listening on port ' + port + ' (tcp), aborting.')
    return context.exit(1)
  }
  if (context.resumed) return
  log(context, 'M', '*', 'Server initialized')
  log(context, 'M', '*', 'Ready to accept connections tcp')
}

const arity: Readonly<Record<string, readonly [number, number]>> = {
  GET: [1, 1],
  SET: [2, 9],
  DEL: [1, 99],
  EXISTS: [1, 99],
  INCR: [1, 1],
  DECR: [1, 1],
  ECHO: [1, 1],
  KEYS: [1, 1],
  APPEND: [2, 2],
  STRLEN: [1, 1],
  PING: [0, 1],
}

function answer(context: RedisContext, version: string, port: number, verb: string, name: string, args: readonly string[]): Reply {
  const { data } = context.state
  const limits = arity[verb]
  if (limits && (args.length < limits[0] || args.length > limits[1]))
    return { error: `ERR wrong number of arguments for '${verb.toLowerCase()}' command` }
  const [key = '', value = ''] = args
  switch (verb) {
    case 'PING':
      return args.length > 0 ? key : { simple: 'PONG' }
    case 'ECHO':
      return key
    case 'SET':
      if (args.length > 2) return { error: 'ERR the simulated Redis does not model the options of SET' }
      data[key] = value
      return { simple: 'OK' }
    case 'GET':
      return data[key] ?? null
    case 'DEL': {
      const present = args.filter((one) => data[one] !== undefined)
      for (const one of present) delete data[one]
      return present.length
    }
    case 'EXISTS':
      return args.filter((one) => data[one] !== undefined).length
    case 'APPEND':
      data[key] = (data[key] ?? '') + value
      return data[key].length
    case 'STRLEN':
      return (data[key] ?? '').length
    case 'INCR':
    case 'DECR': {
      const number = Number(data[key] ?? '0')
      if (!Number.isInteger(number)) return { error: 'ERR value is not an integer or out of range' }
      const next = number + (verb === 'INCR' ? 1 : -1)
      data[key] = String(next)
      return next
    }
    case 'KEYS': {
      const pattern = new RegExp(
        `^${key
          .replace(/[.+^${}()|\\]/g, '\\$&')
          .replace(/\*/g, '.*')
          .replace(/\?/g, '.')}$`,
      )
      return Object.keys(data).filter((one) => pattern.test(one))
    }
    case 'DBSIZE':
      return Object.keys(data).length
    case 'FLUSHALL':
    case 'FLUSHDB':
      context.state.data = {}
      return { simple: 'OK' }
    case 'SELECT':
    case 'CLIENT':
      return { simple: 'OK' }
    case 'COMMAND':
      return []
    case 'INFO': {
      const uptime = Math.floor((context.clock.now() - context.state.started) / 1000)
      const keys = Object.keys(data).length
      return [
        '# Server',
        `redis_version:${version}`,
        'redis_mode:standalone',
        'os:Linux 6.8.0 x86_64',
        'process_id:1',
        `tcp_port:${port}`,
        `uptime_in_seconds:${uptime}`,
        '',
        '# Replication',
        'role:master',
        'connected_slaves:0',
        '',
        '# Keyspace',
        ...(keys > 0 ? [`db0:keys=${keys},expires=0,avg_ttl=0`] : []),
        '',
      ].join('\r\n')
    }
    default:
      return {
        error: `ERR unknown command '${name}', with args beginning with: ${args
          .slice(0, 3)
          .map((one) => `'${one}' `)
          .join('')}`,
      }
  }
}

/** `1:M 24 Nov 2026 21:55:36.123 * message`. */
function log(context: RedisContext, role: 'C' | 'M', level: string, message: string): void {
  const at = new Date(context.clock.now())
  const [, day, month, year] = at.toUTCString().split(' ')
  context.log(`1:${role} ${day} ${month} ${year} ${at.toISOString().slice(11, 23)} ${level} ${message}`)
}

/** `redis-cli [-h host] [-p port] [-a password] command …`; its interactive mode is refused. */
export const redisCli = command('redis/redis-cli', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: '+h:p:a:n:',
    long: ['raw', 'no-auth-warning'],
    unknown: (option) => `Unrecognized option or bad number of args for: '${option}'`,
  })
  const words = options.operands
  if (words.length === 0) throw new UsageError('redis-cli: the simulated redis-cli has no interactive mode: give it a command')
  const host = options.value('h') ?? '127.0.0.1'
  const port = Number(options.value('p') ?? 6379)
  const found = await lookup(process, host)
  const failed = (why: string) => new UsageError(`Could not connect to Redis at ${host}:${port}: ${why}`)
  if (!('addresses' in found)) throw failed(resolveMessage(found.failure, libcOf(process.files)))
  let connection: Connection
  try {
    connection = await connect(
      process.sockets,
      { address: found.addresses[0] as string, port },
      { clock: process.clock, signal: process.signal },
    )
  } catch (error) {
    if (error instanceof NetworkError) throw failed(strerror(process, error))
    throw error
  }
  const replies: Reply[] = []
  const push = respReader((value) => replies.push(value))
  const ask = async (request: readonly string[]): Promise<Reply> => {
    connection.write(encoder.encode(encodeReply(request)))
    while (replies.length === 0) {
      const bytes = await connection.read({ signal: process.signal })
      if (!bytes) throw new UsageError('Error: Server closed the connection')
      push(bytes)
    }
    return replies.shift() as Reply
  }
  const password = options.value('a')
  if (password !== undefined) await ask(['AUTH', password])
  const reply = await ask(words)
  connection.close()
  await process.stdout.write(`${printed(reply, process.isTerminal(1))}\n`)
  return typeof reply === 'object' && reply !== null && 'error' in reply ? 1 : 0
})

/** On a terminal with types, into a pipe bare, as redis-cli does. */
function printed(reply: Reply, terminal: boolean): string {
  if (reply === null) return terminal ? '(nil)' : ''
  if (typeof reply === 'number') return terminal ? `(integer) ${reply}` : `${reply}`
  if (typeof reply === 'string') return terminal && !reply.includes('\n') ? JSON.stringify(reply) : reply
  if ('simple' in reply) return reply.simple
  if ('error' in reply) return terminal ? `(error) ${reply.error}` : reply.error
  const items = reply as readonly Reply[]
  if (items.length === 0) return terminal ? '(empty array)' : ''
  return items.map((item, index) => (terminal ? `${index + 1}) ` : '') + printed(item, terminal)).join('\n')
}

const releases = [
  { version: '7.4.6', tags: ['7', '7.4', '7.4.6', '7.2', '7.0'] },
  { version: '8.2.3', tags: ['latest', '8', '8.2', '8.2.3', '8.0'] },
  { version: '6.2.20', tags: ['6', '6.2', '6.2.20'] },
]

export function redisImages(tools: Tools): Image[] {
  return releases.flatMap(({ version, tags }) => {
    const daemon = redisDaemon(version)
    const common = {
      repositories: ['docker.io/library/redis'],
      entrypoint: ['docker-entrypoint.sh'],
      cmd: ['redis-server'],
      workingDir: '/data',
      env: { REDIS_VERSION: version },
    }
    const own = {
      '/usr/local/bin/docker-entrypoint.sh': daemon,
      '/usr/local/bin/redis-server': daemon,
      '/usr/local/bin/redis-cli': redisCli,
    }
    return debianAndAlpine({ tags, tools, common, own })
  })
}
