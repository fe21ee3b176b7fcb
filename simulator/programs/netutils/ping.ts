import type { Closer } from '../../clock.ts'
import type { EchoReply } from '../../network/sockets.ts'
import { type Command, type Process, Signalled } from '../process.ts'
import { libcOf } from '../resolver/configuration.ts'
import { lookup, resolveMessage, reverse } from '../resolver/resolver.ts'
import { command } from './command.ts'
import { type Options, parseOptions, UsageError } from './options.ts'
import { milliseconds, RoundTrips, shortMilliseconds } from './ping-report.ts'

interface Plan {
  readonly address: string
  readonly count: number | undefined
  readonly intervalMs: number
  readonly bytes: number
  readonly ttl: number
  readonly dontFragment: boolean | undefined
  /** How long to wait behind the last request, ms; undefined: twice the longest round trip. */
  readonly waitMs: number | undefined
  /** From the start, ms. */
  readonly deadlineMs: number | undefined
  readonly firstSequence: number
}

interface Listener {
  reply(sequence: number, reply: EchoReply, microseconds: number): void | Promise<void>
  error(sequence: number, from: string, message: string, type: number): void | Promise<void>
}

/** MAXWAIT of both pings: what the last request may take without any reply before, ms. */
const patience = 10_000

/** ping of iputils: as in Debian's, Alpine's iputils package and netshoot. */
export const pingIputils: Command = command('iputils/ping', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: '46aAbBDfhLnOqrRUvVc:I:i:l:m:M:p:Q:s:S:t:T:w:W:',
    unknown: (option) => `ping: invalid option -- '${option.replace(/^-+/, '')}'\n\nUsage\n  ping [options] <destination>`,
    missing: (option) => `ping: option requires an argument -- '${option.replace(/^-+/, '')}'\n\nUsage\n  ping [options] <destination>`,
    status: 2,
  })
  const name = options.operands.at(-1)
  if (name === undefined) throw new UsageError('ping: usage error: Destination address required', 1)
  const found = await lookup(process, name)
  if (!('addresses' in found)) throw new UsageError(`ping: ${name}: ${resolveMessage(found.failure, libcOf(process.files))}`, 2)
  const address = found.addresses[0] as string
  const plan = planOf(process, address, options, 1)
  const quiet = options.has('q')
  await process.stdout.write(`PING ${name} (${address}) ${plan.bytes}(${plan.bytes + 28}) bytes of data.\n`)
  const named = new Map<string, string>()
  const numeric = options.has('n') || name === address
  const show = async (from: string) => {
    if (numeric) return from
    if (!named.has(from)) {
      const known = await reverse(process, from, { signal: process.signal })
      named.set(from, known === undefined ? from : `${known} (${from})`)
    }
    return named.get(from) as string
  }
  const began = process.clock.now()
  const trips = new RoundTrips()
  await run(process, plan, trips, {
    async reply(sequence, reply, microseconds) {
      if (quiet) return
      const ttl = `icmp_seq=${sequence} ttl=${reply.ttl}`
      await process.stdout.write(`${reply.bytes} bytes from ${await show(reply.from)}: ${ttl} time=${shortMilliseconds(microseconds)} ms\n`)
    },
    async error(sequence, from, message, type) {
      trips.errors++
      if (type === -1) {
        if (message === 'Network is unreachable') throw new UsageError(`ping: connect: ${message}`, 2)
        const told = message.startsWith('message too long') ? `ping: local error: ${message}` : `ping: sendmsg: ${message}`
        await process.stderr.write(`${told}\n`)
      } else if (!quiet) await process.stdout.write(`From ${await show(from)} icmp_seq=${sequence} ${message}\n`)
    },
  })
  const loss =
    trips.sent === 0
      ? ''
      : `, ${Number((((trips.sent - trips.received) * 100) / trips.sent).toPrecision(6))}% packet loss, time ${trips.lastSent - began}ms`
  const errors = trips.errors > 0 ? `, +${trips.errors} errors` : ''
  const lines = ['', `--- ${name} ping statistics ---`, `${trips.sent} packets transmitted, ${trips.received} received${errors}${loss}`]
  if (trips.received > 0) {
    const { least, average, most, deviation } = trips.summary
    lines.push(`rtt min/avg/max/mdev = ${least}/${average}/${most}/${deviation} ms`)
  } else lines.push('')
  await process.stdout.write(`${lines.join('\n')}\n`)
  const short = plan.deadlineMs !== undefined && plan.count !== undefined && trips.received < plan.count
  return trips.received === 0 || short ? 1 : 0
})

/** ping of busybox. */
export const pingBusybox: Command = command('busybox/ping', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: '46qAvc:i:s:t:w:W:I:p:',
    unknown: (option) => `ping: invalid option -- '${option.replace(/^-+/, '')}'\n${busyboxUsage}`,
    missing: (option) => `ping: option requires an argument -- '${option.replace(/^-+/, '')}'\n${busyboxUsage}`,
  })
  const name = options.operands[0]
  if (name === undefined) throw new UsageError(busyboxUsage)
  const found = await lookup(process, name)
  if (!('addresses' in found)) throw new UsageError(`ping: bad address '${name}'`)
  const address = found.addresses[0] as string
  const plan = planOf(process, address, options, 0)
  const quiet = options.has('q')
  await process.stdout.write(`PING ${name} (${address}): ${plan.bytes} data bytes\n`)
  const trips = new RoundTrips()
  await run(process, plan, trips, {
    async reply(sequence, reply, microseconds) {
      if (quiet) return
      await process.stdout.write(
        `${reply.bytes} bytes from ${reply.from}: seq=${sequence} ttl=${reply.ttl} time=${milliseconds(microseconds)} ms\n`,
      )
    },
    error(_sequence, _from, message, type) {
      // Of ICMP errors it says nothing unless asked to; what its own host refuses ends it.
      if (type === -1) throw new UsageError(`ping: sendto: ${libcOf(process.files) === 'musl' ? (muslWords[message] ?? message) : message}`)
    },
  })
  const lost = trips.sent === 0 ? 0 : Math.floor(((trips.sent - trips.received) * 100) / trips.sent)
  const lines = [
    '',
    `--- ${name} ping statistics ---`,
    `${trips.sent} packets transmitted, ${trips.received} packets received, ${lost}% packet loss`,
  ]
  if (trips.received > 0) {
    const { least, average, most } = trips.summary
    lines.push(`round-trip min/avg/max = ${least}/${average}/${most} ms`)
  }
  await process.stdout.write(`${lines.join('\n')}\n`)
  return trips.received === 0 ? 1 : 0
})

const muslWords: Record<string, string> = { 'Network is unreachable': 'Network unreachable', 'No route to host': 'Host is unreachable' }
const busyboxUsage = `BusyBox v1.36.1 multi-call binary.

Usage: ping [OPTIONS] HOST

Send ICMP ECHO_REQUESTs to HOST
`

function planOf(process: Process, address: string, options: Options, firstSequence: number): Plan {
  const number = (name: string) => {
    const text = options.value(name)
    if (text === undefined) return undefined
    const value = Number(text)
    if (!Number.isFinite(value) || value < 0) throw new UsageError(`ping: invalid argument: '${text}'`)
    return value
  }
  const source = options.value('I')
  if (source !== undefined && !process.namespace.link(source) && !process.sockets.addresses().includes(source)) {
    throw new UsageError(`ping: unknown iface: ${source}`, 2)
  }
  const discovery = options.value('M')
  const wait = number('W')
  const deadline = number('w')
  return {
    address,
    count: number('c'),
    intervalMs: (number('i') ?? 1) * 1000,
    bytes: number('s') ?? 56,
    ttl: number('t') ?? Number(process.namespace.sysctl('net.ipv4.ip_default_ttl') ?? 64),
    dontFragment: discovery === undefined ? undefined : discovery === 'do',
    waitMs: wait === undefined ? undefined : wait * 1000,
    deadlineMs: deadline === undefined ? undefined : deadline * 1000,
    firstSequence,
  }
}

/** Sends as planned and reports in order. SIGINT is how people end ping, and no failure. */
async function run(process: Process, plan: Plan, trips: RoundTrips, listener: Listener): Promise<void> {
  const { clock, signal, random } = process
  process.catches?.add('SIGINT')
  const id = random.below(65_536)
  const open: Closer[] = []
  let reports = Promise.resolve()
  let outstanding = 0
  let wake: () => void = () => {}
  let failure: unknown
  const report = (task: () => void | Promise<void>) => {
    reports = reports.then(task).catch((error) => {
      failure ??= error
      wake()
    })
  }
  const send = (sequence: number) => {
    trips.sent++
    trips.lastSent = clock.now()
    outstanding++
    const { bytes, ttl, dontFragment } = plan
    open.push(
      process.sockets.ping(
        plan.address,
        { bytes, ttl, sequence, id, ...(dontFragment === undefined ? {} : { dontFragment }) },
        {
          reply: (reply) => {
            outstanding--
            const microseconds = trips.add(reply.rtt)
            report(() => listener.reply(sequence, reply, microseconds))
            wake()
          },
          error: (from, message, type) => {
            outstanding--
            report(() => listener.error(sequence, from, message, type))
            wake()
          },
        },
      ),
    )
  }
  const began = clock.now()
  const pause = async (ms: number, over: () => boolean) => {
    const done = new AbortController()
    const woken = new Promise<void>((resolve) => {
      wake = () => {
        if (failure !== undefined || over()) resolve()
      }
    })
    try {
      await Promise.race([clock.sleep(ms, AbortSignal.any([signal, done.signal])), woken])
    } finally {
      done.abort()
      wake = () => {}
    }
    await reports
    if (failure !== undefined) throw failure
  }
  try {
    for (let at = 0; plan.count === undefined || at < plan.count; at++) {
      if (plan.deadlineMs !== undefined && clock.now() - began >= plan.deadlineMs) return
      send(plan.firstSequence + at)
      const isLast = plan.count !== undefined && at === plan.count - 1
      if (!isLast) await pause(plan.intervalMs, () => false)
    }
    const linger = plan.waitMs ?? (trips.received > 0 ? Math.max(1000, (2 * trips.most) / 1000) : patience)
    const left = plan.deadlineMs === undefined ? linger : Math.min(linger, plan.deadlineMs - (clock.now() - began))
    if (outstanding > 0 && left > 0) await pause(left, () => outstanding === 0)
    await reports
    if (failure !== undefined) throw failure
  } catch (error) {
    await reports
    if (error instanceof Signalled && error.signal === 'SIGINT') return
    throw error
  } finally {
    for (const ping of open) ping.close()
  }
}
