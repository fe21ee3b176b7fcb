import type { Link } from '../../../network/link.ts'
import type { Packet } from '../../../network/packet.ts'
import { Signalled } from '../../process.ts'
import { command } from '../command.ts'
import { parseOptions, UsageError } from '../options.ts'
import { parseFilter } from './filter.ts'
import { packetLine, type Sequences, timeOfDay } from './line.ts'

/** tcpdump: live lines of an interface or of `any`; -i -n -c -e -t -q -v -l -S -D. Writing and reading files is refused. */
export const tcpdump = command('tcpdump/tcpdump', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: '+i:nc:etqvlSDAXw:r:s:pUQ:',
    unknown: (option) => `tcpdump: invalid option -- '${option.replace(/^-+/, '')}'`,
  })
  for (const refused of ['w', 'r', 'A', 'X'])
    if (options.has(refused)) throw new UsageError(`tcpdump: the simulated tcpdump does not model -${refused}`)
  const { namespace } = process
  if (options.has('D')) {
    const lines = [
      ...namespace.links().map((link, index) => `${index + 1}.${link.name} [Up, Running]`),
      `${namespace.links().length + 1}.any (Pseudo-device that captures on all interfaces) [Up, Running]`,
    ]
    await process.stdout.write(`${lines.join('\n')}\n`)
    return 0
  }
  const name = options.value('i') ?? namespace.links().find((link) => link.up && link.kind !== 'loopback')?.name ?? 'lo'
  if (name !== 'any' && !namespace.link(name)) throw new UsageError(`tcpdump: ${name}: No such device exists\n(No such device exists)`)
  const filter = parseFilter(options.operands)
  const count = options.value('c') === undefined ? undefined : Number(options.value('c'))
  const any = name === 'any'
  const kind = any ? 'LINUX_SLL2 (Linux cooked v2)' : 'EN10MB (Ethernet)'
  await process.stderr.write(
    `${any ? 'tcpdump: data link type LINUX_SLL2\n' : ''}tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\nlistening on ${name}, link-type ${kind}, snapshot length 262144 bytes\n`,
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.catches?.add(signal)
  const sequences: Sequences = new Map()
  let seen = 0
  let received = 0
  let finish: () => void = () => {}
  const full = new Promise<void>((resolve) => {
    finish = resolve
  })
  let writing: Promise<void> = Promise.resolve()
  const tap = namespace.tap(name, (packet, direction, link, at) => {
    if (!filter(packet)) return
    received++
    if (count !== undefined && seen >= count) return
    seen++
    const text = lineOf(packet, direction, link, at)
    writing = writing.then(() => process.stdout.write(text))
    if (seen === count) finish()
  })
  const lineOf = (packet: Packet, direction: 'in' | 'out', link: Link, at: number) => {
    const time = options.has('t') ? '' : `${timeOfDay(at)} `
    const device = any ? `${link.name.padEnd(5)} ${direction === 'in' ? 'In ' : 'Out'} ` : ''
    const ethernet =
      options.has('e') && !any
        ? `${packet.srcMac} > ${packet.dstMac}, ethertype ${packet.arp ? 'ARP (0x0806)' : 'IPv4 (0x0800)'}, length ${packet.size + 14}: `
        : ''
    return `${time}${device}${ethernet}${packetLine(packet, sequences, options.has('S'))}\n`
  }
  try {
    await Promise.race([
      full,
      new Promise<never>((_, reject) => process.signal.addEventListener('abort', () => reject(process.signal.reason), { once: true })),
    ])
  } catch (error) {
    if (!(error instanceof Signalled) || (error.signal !== 'SIGINT' && error.signal !== 'SIGTERM')) throw error
  } finally {
    tap.close()
    await writing
  }
  const plural = (n: number, what: string) => `${n} packet${n === 1 ? '' : 's'} ${what}`
  await process.stderr.write(`${plural(seen, 'captured')}\n${plural(received, 'received by filter')}\n0 packets dropped by kernel\n`)
  return 0
})
