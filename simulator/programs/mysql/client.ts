import { type Connection, connect } from '../../network/async.ts'
import { NetworkError } from '../../network/sockets.ts'
import { command } from '../netutils/command.ts'
import { type Options, parseOptions, UsageError } from '../netutils/options.ts'
import type { Process } from '../process.ts'
import { lookup } from '../resolver/resolver.ts'
import { login, packet, packetReader, readColumn, readCounted, readError, readGreeting, scramble } from './protocol.ts'

const syntax = {
  short: 'h:u:P:e:sNBtvD:p',
  long: [
    'host:',
    'user:',
    'port:',
    'execute:',
    'silent',
    'skip-column-names',
    'batch',
    'database:',
    'connect-timeout:',
    'wait:',
    'protocol:',
    'ssl-mode:',
  ],
}
const errno: Readonly<Record<string, number>> = { ECONNREFUSED: 111, ETIMEDOUT: 110, EHOSTUNREACH: 113, ENETUNREACH: 101 }

/** `mysqladmin ping`: 0 while a server answers, even one that denies access; `status` and others are refused. */
export const mysqladmin = command('mysql/mysqladmin', async (process) => {
  const { options, password } = readArguments(process, 'mysqladmin')
  const [verb] = options.operands
  if (verb !== 'ping') throw new UsageError(`mysqladmin: the simulated mysqladmin does not model '${verb ?? ''}', only ping`)
  const where = hostOf(options)
  try {
    const session = await open(process, options, password)
    session.close()
    await process.stdout.write('mysqld is alive\n')
    return 0
  } catch (error) {
    if (!(error instanceof MysqlError)) throw error
    await process.stderr.write(`mysqladmin: connect to server at '${where ?? 'localhost'}' failed\nerror: '${error.message}'\n`)
    if (error.code === 1045) return 0
    if (where === undefined)
      await process.stderr.write("Check that mysqld is running and that the socket: '/var/run/mysqld/mysqld.sock' exists!\n")
    else
      await process.stderr.write(
        `Check that mysqld is running on ${where} and that the port is ${options.value('P', 'port') ?? 3306}.\nYou can check this by doing 'telnet ${where} ${options.value('P', 'port') ?? 3306}'\n`,
      )
    return 1
  }
})

/** `mysql -e`: connects, authenticates and hands the statement over. Its interactive mode is refused. */
export const mysql = command('mysql/mysql', async (process) => {
  const { options, password, warned } = readArguments(process, 'mysql')
  const statement = options.value('e', 'execute')
  if (statement === undefined) throw new UsageError('mysql: the simulated mysql has no interactive mode: give it a statement with -e')
  if (warned) await process.stderr.write('mysql: [Warning] Using a password on the command line interface can be insecure.\n')
  try {
    const session = await open(process, options, password)
    const { column, value } = await session.query(statement)
    session.close()
    if (!options.has('N', 'skip-column-names')) await process.stdout.write(`${column}\n`)
    await process.stdout.write(`${value}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof MysqlError)) throw error
    await process.stderr.write(`ERROR ${error.code} (${error.state})${error.atLine ? ' at line 1' : ''}: ${error.message}\n`)
    return 1
  }
})

class MysqlError extends Error {
  readonly code: number
  readonly state: string
  readonly atLine: boolean
  constructor(code: number, state: string, message: string, atLine = false) {
    super(message)
    this.name = 'MysqlError'
    this.code = code
    this.state = state
    this.atLine = atLine
  }
}

function readArguments(process: Process, name: string): { options: Options; password: string; warned: boolean } {
  // `-pSECRET` and `--password=SECRET` take their value only without a space.
  let password = process.env.MYSQL_PWD ?? ''
  let warned = false
  const words = process.argv.slice(1).filter((word) => {
    const given = /^(?:-p|--password=)(.+)$/.exec(word)?.[1]
    if (given === undefined) return true
    password = given
    warned = true
    return false
  })
  const options = parseOptions(words, {
    ...syntax,
    status: name === 'mysql' ? 7 : 1,
    unknown: (option) => `${name}: [ERROR] unknown option '${option}'.`,
    missing: (option) => `${name}: [ERROR] ${name}: option '${option}' requires an argument.`,
  })
  if (options.has('p')) throw new UsageError(`${name}: the simulated ${name} does not ask for a password: use -pPASSWORD or MYSQL_PWD`)
  return { options, password, warned }
}

/** Undefined: the server's local socket, which here is its port on loopback. */
function hostOf(options: Options): string | undefined {
  const host = options.value('h', 'host')
  return host === undefined || host === 'localhost' ? undefined : host
}

async function open(process: Process, options: Options, password: string) {
  const host = hostOf(options)
  const port = Number(options.value('P', 'port') ?? 3306)
  const found = await lookup(process, host ?? '127.0.0.1')
  if (!('addresses' in found)) throw new MysqlError(2005, 'HY000', `Unknown MySQL server host '${host}' (-2)`)
  const seconds = options.value('connect-timeout')
  let connection: Connection
  try {
    connection = await connect(
      process.sockets,
      { address: found.addresses[0] as string, port },
      {
        clock: process.clock,
        signal: process.signal,
        ...(seconds === undefined ? {} : { timeoutMs: Number(seconds) * 1000 }),
      },
    )
  } catch (error) {
    if (process.signal.aborted) throw error
    const code = error instanceof NetworkError ? (errno[error.code] ?? 111) : 110
    if (host === undefined)
      throw new MysqlError(2002, 'HY000', "Can't connect to local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)")
    throw new MysqlError(2003, 'HY000', `Can't connect to MySQL server on '${host}:${port}' (${code})`)
  }
  const arrived: Uint8Array[] = []
  const push = packetReader((_, payload) => arrived.push(payload))
  const next = async (): Promise<Uint8Array> => {
    while (arrived.length === 0) {
      const bytes = await connection.read({ signal: process.signal })
      if (!bytes)
        throw new MysqlError(2013, 'HY000', "Lost connection to MySQL server at 'reading initial communication packet', system error: 0")
      push(bytes)
    }
    return arrived.shift() as Uint8Array
  }
  const { salt } = readGreeting(await next())
  connection.write(packet(1, login(options.value('u', 'user') ?? 'root', scramble(password, salt))))
  const refusal = readError(await next())
  if (refusal) throw new MysqlError(refusal.code, refusal.state, refusal.message)
  return {
    async query(statement: string): Promise<{ column: string; value: string }> {
      connection.write(packet(0, new Uint8Array([3, ...new TextEncoder().encode(statement)])))
      const first = await next()
      const failed = readError(first)
      if (failed) throw new MysqlError(failed.code, failed.state, failed.message, true)
      const column = readColumn(await next())
      await next()
      const value = readCounted(await next())
      await next()
      return { column, value }
    },
    close: () => connection.close(),
  }
}
