import { type Connection, connect, DialTimeout } from '../../network/async.ts'
import { concatenate } from '../../network/http-message.ts'
import { NetworkError, type TcpConnection } from '../../network/sockets.ts'
import type { Process } from '../process.ts'
import { libcOf } from '../resolver/configuration.ts'
import { lookup, resolveMessage } from '../resolver/resolver.ts'
import { command, strerror } from './command.ts'
import { type Options, parseOptions, UsageError } from './options.ts'
import { serviceName } from './services.ts'

const encoder = new TextEncoder()
/** What OpenBSD's nc waits behind a datagram before it takes silence for success, ms. */
const udpPatience = 1000

const openbsdUsage = `usage: nc [-46cDdFhklNnrStUuvz] [-C certfile] [-e name] [-H hash] [-I length]
	  [-i interval] [-K keyfile] [-M ttl] [-m minttl] [-O length] [-o staplefile]
	  [-P proxy_username] [-p source_port] [-R CAfile] [-s sourceaddr]
	  [-T keyword] [-V rtable] [-W recvlimit] [-w timeout] [-X proxy_protocol]
	  [-x proxy_address[:port]] [-Z peercertfile] [destination] [port]`

/** netcat of OpenBSD: -z -v -w -l -k -u -n -p -q -N. */
export const ncOpenbsd = command('openbsd/nc', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: '46dhklNnruvzp:q:w:W:s:i:',
    unknown: (option) => `nc: invalid option -- '${option.replace(/^-+/, '')}'\n${openbsdUsage}`,
    missing: (option) => `nc: option requires an argument -- '${option.replace(/^-+/, '')}'\n${openbsdUsage}`,
  })
  if (options.has('l')) return listenOnce(process, options, 'openbsd')
  const [host, ports] = options.operands
  if (host === undefined || ports === undefined) throw new UsageError(openbsdUsage)
  const found = await lookup(process, host)
  if (!('addresses' in found)) {
    throw new UsageError(`nc: getaddrinfo for host "${host}" port ${ports}: ${resolveMessage(found.failure, libcOf(process.files))}`)
  }
  const address = found.addresses[0] as string
  const shown = host === address ? host : `${host} (${address})`
  let status = 1
  for (const port of portList(ports)) {
    const protocol = options.has('u') ? 'udp' : 'tcp'
    const outcome = protocol === 'udp' ? await probeUdp(process, address, port) : await dial(process, address, port, options)
    if (outcome === 'timeout' || outcome instanceof NetworkError) {
      if (options.has('v')) {
        const said = outcome === 'timeout' ? 'timed out: Operation now in progress' : `failed: ${strerror(process, outcome)}`
        await process.stderr.write(`nc: connect to ${shown} port ${port} (${protocol}) ${said}\n`)
      }
      continue
    }
    status = 0
    if (options.has('v'))
      await process.stderr.write(`Connection to ${shown} ${port} port [${protocol}/${serviceName(port) ?? '*'}] succeeded!\n`)
    if (outcome === 'open') continue
    if (options.has('z')) outcome.close()
    else return converse(process, outcome, options)
  }
  return status
})

const busyboxUsage = `BusyBox v1.36.1 multi-call binary.

Usage: nc [-vnulkz] [-w SEC] [-s ADDR] [-p PORT] [IPADDR PORT] [-e PROG]
`

/** nc of busybox: -z -v -w -l -u -n -p. */
export const ncBusybox = command('busybox/nc', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'vnulkzw:p:s:i:',
    unknown: (option) => `nc: invalid option -- '${option.replace(/^-+/, '')}'\n${busyboxUsage}`,
    missing: (option) => `nc: option requires an argument -- '${option.replace(/^-+/, '')}'\n${busyboxUsage}`,
  })
  if (options.has('l')) return listenOnce(process, options, 'busybox')
  const [host, text] = options.operands
  if (host === undefined || text === undefined) throw new UsageError(busyboxUsage)
  const found = await lookup(process, host)
  if (!('addresses' in found)) throw new UsageError(`nc: bad address '${host}'`)
  const address = found.addresses[0] as string
  const port = Number(text)
  const outcome = options.has('u') ? await probeUdp(process, address, port) : await dial(process, address, port, options)
  if (outcome === 'timeout') throw new UsageError('nc: timed out')
  if (outcome instanceof NetworkError) {
    throw new UsageError(options.has('v') || !options.has('z') ? `nc: ${host} (${address}:${port}): ${strerror(process, outcome)}` : '')
  }
  if (options.has('v')) await process.stderr.write(`${host} (${address}:${port}) open\n`)
  if (outcome === 'open') return 0
  if (!options.has('z')) return converse(process, outcome, options)
  outcome.close()
  return 0
})

function portList(text: string): number[] {
  const [low = '', high = low] = text.split('-')
  const [first, last] = [Number(low), Number(high)]
  const named = { http: 80, https: 443, ssh: 22, domain: 53 }[text]
  if (named !== undefined) return [named]
  if (!(first >= 1) || !(last >= first) || last > 65_535) throw new UsageError(`nc: port number invalid: ${text}`)
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

async function dial(process: Process, address: string, port: number, options: Options): Promise<Connection | NetworkError | 'timeout'> {
  const seconds = Number(options.value('w') ?? 0)
  try {
    const waiting = { clock: process.clock, signal: process.signal, ...(seconds > 0 ? { timeoutMs: seconds * 1000 } : {}) }
    return await connect(process.sockets, { address, port }, waiting)
  } catch (error) {
    if (error instanceof DialTimeout) return 'timeout'
    if (error instanceof NetworkError) return error
    throw error
  }
}

/** A datagram that nobody complains about counts as a success. */
async function probeUdp(process: Process, address: string, port: number): Promise<'open' | NetworkError> {
  let refusal: NetworkError | undefined
  const input = await process.stdin.read(process.signal)
  const over = new AbortController()
  const socket = process.sockets.bindUdp(
    {},
    {
      datagram: (bytes) => void process.stdout.write(bytes),
      error: (error) => {
        refusal = error
        over.abort()
      },
    },
  )
  try {
    socket.send(input ?? encoder.encode('X'), { address, port })
    await process.clock.sleep(udpPatience, AbortSignal.any([process.signal, over.signal])).catch((error) => {
      if (process.signal.aborted) throw error
    })
    return refusal ?? 'open'
  } finally {
    socket.close()
  }
}

/** Standard input there, what comes back to standard output, until the peer closes. */
async function converse(process: Process, connection: Connection, options: Options): Promise<number> {
  const seconds = Number(options.value('w') ?? 0)
  const ending = new AbortController()
  const signal = AbortSignal.any([process.signal, ending.signal])
  const sending = (async () => {
    for (;;) {
      const bytes = await process.stdin.read(signal)
      if (!bytes) break
      connection.write(bytes)
    }
    connection.end()
  })()
  sending.catch(() => {})
  try {
    for (;;) {
      const bytes = await connection.read({ ...(seconds > 0 ? { timeoutMs: seconds * 1000 } : {}), signal: process.signal })
      if (!bytes) return 0
      await process.stdout.write(bytes)
    }
  } catch (error) {
    if (error instanceof DialTimeout) return 0
    if (error instanceof NetworkError) return 1
    throw error
  } finally {
    ending.abort()
    connection.close()
  }
}

/** Takes one connection (with -k one after the other) and joins it with the standard streams. */
async function listenOnce(process: Process, options: Options, dialect: 'openbsd' | 'busybox'): Promise<number> {
  const port = Number(options.value('p') ?? options.operands.at(-1))
  if (!(port >= 1 && port <= 65_535)) throw new UsageError(dialect === 'openbsd' ? openbsdUsage : busyboxUsage)
  if (options.has('u')) throw new UsageError('nc: the simulated nc does not model listening on UDP')
  if (options.has('v'))
    await process.stderr.write(dialect === 'openbsd' ? `Listening on 0.0.0.0 ${port}\n` : `listening on [::]:${port} ...\n`)
  let writing = Promise.resolve()
  const write = (data: Uint8Array | string, to: 'stdout' | 'stderr' = 'stdout') => {
    writing = writing.then(() => process[to].write(data))
  }
  // What came while the last write went on is written together, as one read(2) takes all that is there.
  const arrived: Uint8Array[] = []
  const pass = (bytes: Uint8Array) => {
    if (arrived.push(bytes) > 1) return
    writing = writing.then(() => process.stdout.write(concatenate(arrived.splice(0))))
  }
  let finish: () => void = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  let current: TcpConnection | undefined
  let listener: { close(): void }
  try {
    listener = process.sockets.listenTcp({ port }, (connection) => {
      if (current) {
        connection.reset()
        return {}
      }
      current = connection
      if (options.has('v')) write(`Connection received on ${connection.remote.address} ${connection.remote.port}\n`, 'stderr')
      void feed(process, connection)
      return {
        data: pass,
        end: () => {
          connection.end()
          current = undefined
          if (!options.has('k')) finish()
        },
        error: () => finish(),
      }
    })
  } catch (error) {
    if (error instanceof NetworkError)
      throw new UsageError(dialect === 'openbsd' ? `nc: ${strerror(process, error)}` : `nc: bind: ${strerror(process, error)}`)
    throw error
  }
  try {
    await Promise.race([
      finished,
      new Promise<never>((_, reject) => process.signal.addEventListener('abort', () => reject(process.signal.reason), { once: true })),
    ])
    await writing
    return 0
  } finally {
    listener.close()
  }
}

async function feed(process: Process, connection: TcpConnection): Promise<void> {
  try {
    for (;;) {
      const bytes = await process.stdin.read(process.signal)
      if (!bytes) return
      connection.write(bytes)
    }
  } catch {
    // The process is ending: nothing more to send.
  }
}
