import { IcmpError } from '../../network/icmp.ts'
import { bindUdp } from '../../network/udp.ts'
import type { Process } from '../process.ts'
import { libcOf } from '../resolver/configuration.ts'
import { lookup, resolveMessage, reverse } from '../resolver/resolver.ts'
import { command } from './command.ts'
import { parseOptions, UsageError } from './options.ts'

interface Answer {
  readonly from: string
  /** The destination itself answered, or somebody said that it cannot be reached. */
  readonly final: boolean
  /** `!H`, `!N`, `!X`: what stands behind the time. */
  readonly mark: string
}

const firstPort = 33_434
const marks: Readonly<Record<number, string>> = { 0: '!N', 1: '!H', 2: '!P', 9: '!X', 10: '!X', 13: '!X' }

/** traceroute of Linux and busybox: UDP by default, ICMP with -I; -n -m -q -w. Times are those of the simulated wire to that hop. */
export const traceroute = command('traceroute/traceroute', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: '46InFm:q:w:f:p:',
    unknown: (option) => `Bad option \`${option}' (argc 1)`,
    status: 2,
  })
  const [name] = options.operands
  if (name === undefined) throw new UsageError('Specify "host" missing argument.', 2)
  const found = await lookup(process, name)
  if (!('addresses' in found))
    throw new UsageError(
      `${name}: ${resolveMessage(found.failure, libcOf(process.files))}\nCannot handle "host" cmdline arg \`${name}' on position 1 (argc 1)`,
      2,
    )
  const address = found.addresses[0] as string
  const most = Number(options.value('m') ?? 30)
  const queries = Number(options.value('q') ?? 3)
  const waitMs = Number(options.value('w') ?? 5) * 1000
  const numeric = options.has('n')
  await process.stdout.write(`traceroute to ${name} (${address}), ${most} hops max, 60 byte packets\n`)
  let port = firstPort
  for (let ttl = Number(options.value('f') ?? 1); ttl <= most; ttl++) {
    await process.stdout.write(`${String(ttl).padStart(2)} `)
    let last = ''
    let done = false
    // Probes of one hop go out together, as Linux's traceroute does.
    const probes = Array.from({ length: queries }, () =>
      options.has('I') ? probeIcmp(process, address, ttl, waitMs) : probeUdp(process, address, ttl, port++, waitMs),
    )
    for (const answer of await Promise.all(probes)) {
      if (!answer) {
        await process.stdout.write(' *')
        continue
      }
      if (answer.from !== last) {
        const known = numeric ? undefined : await reverse(process, answer.from, { signal: process.signal })
        await process.stdout.write(numeric ? ` ${answer.from} ` : ` ${known ?? answer.from} (${answer.from}) `)
        last = answer.from
      }
      const rtt = await roundTrip(process, answer.from)
      await process.stdout.write(` ${rtt.toFixed(3)} ms${answer.mark === '' ? '' : ` ${answer.mark}`}`)
      done ||= answer.final
    }
    await process.stdout.write('\n')
    if (done) return 0
  }
  return 0
})

/** ICMP errors carry no time of their own here: an echo to the one who complained measures the same way. */
function roundTrip(process: Process, to: string): Promise<number> {
  return new Promise((resolve) => {
    const finish = (rtt: number) => {
      timer.close()
      ping.close()
      resolve(rtt)
    }
    const timer = process.clock.after(100, () => finish(0))
    const options = { bytes: 32, ttl: 64, sequence: 1, id: process.random.below(65_536) }
    const ping = process.sockets.ping(to, options, { reply: ({ rtt }) => finish(rtt), error: () => finish(0) })
  })
}

function waitFor(
  process: Process,
  waitMs: number,
  open: (answer: (answer: Answer | undefined) => void) => { close(): void },
): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const finish = (task: () => void) => {
      timer.close()
      socket.close()
      process.signal.removeEventListener('abort', abort)
      task()
    }
    const abort = () => finish(() => reject(process.signal.reason))
    const timer = process.clock.after(waitMs, () => finish(() => resolve(undefined)))
    process.signal.addEventListener('abort', abort, { once: true })
    const socket = open((answer) => finish(() => resolve(answer)))
  })
}

function probeUdp(process: Process, address: string, ttl: number, port: number, waitMs: number): Promise<Answer | undefined> {
  return waitFor(process, waitMs, (answer) => {
    const socket = bindUdp(
      process.namespace.table,
      'traceroute',
      { ttl },
      {
        datagram: (_, from) => answer({ from: from.address, final: true, mark: '' }),
        error: (error) => {
          if (!(error instanceof IcmpError)) return answer(undefined)
          const unreachable = error.type === 3
          answer({ from: error.from, final: unreachable, mark: unreachable ? (marks[error.icmpCode] ?? '') : '' })
        },
      },
    )
    socket.send(new Uint8Array(32), { address, port })
    return socket
  })
}

function probeIcmp(process: Process, address: string, ttl: number, waitMs: number): Promise<Answer | undefined> {
  return waitFor(process, waitMs, (answer) => {
    const options = { bytes: 32, ttl, sequence: ttl, id: process.random.below(65_536) }
    return process.sockets.ping(address, options, {
      reply: ({ from }) => answer({ from, final: true, mark: '' }),
      error: (from, _message, type, code) =>
        answer(from === '' ? undefined : { from, final: type === 3, mark: type === 3 ? (marks[code] ?? '') : '' }),
    })
  })
}
