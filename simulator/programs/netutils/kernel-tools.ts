import { lastAddress, parsePrefix } from '../../network/address.ts'
import { KernelError } from '../../network/kernel-error.ts'
import { hasCarrier } from '../../network/link.ts'
import type { Connection } from '../../network/netfilter/conntrack.ts'
import { command } from './command.ts'
import { parseOptions, UsageError } from './options.ts'

/** `sysctl KEY`, `sysctl -a`, `sysctl -w KEY=VALUE`, of the keys that the simulated kernel has. */
export const sysctl = command('procps/sysctl', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'anwqeNp',
    unknown: (option) => `sysctl: invalid option -- '${option.replace(/^-+/, '')}'`,
  })
  const { namespace } = process
  const plain = (key: string) => key.replaceAll('/', '.')
  const show = (key: string, value: string) => (options.has('n') ? `${value}\n` : `${key} = ${value}\n`)
  if (options.has('a')) {
    const all = Object.entries(namespace.sysctls()).sort(([a], [b]) => (a < b ? -1 : 1))
    await process.stdout.write(all.map(([key, value]) => show(key, value)).join(''))
    return 0
  }
  let status = 0
  for (const operand of options.operands) {
    const [left = '', ...rest] = operand.split('=')
    const key = plain(left.trim())
    const value = namespace.sysctl(key)
    if (value === undefined) {
      await process.stderr.write(`sysctl: cannot stat /proc/sys/${key.replaceAll('.', '/')}: No such file or directory\n`)
      status = 255
    } else if (operand.includes('=')) {
      const wanted = rest.join('=').trim()
      try {
        namespace.setSysctl(key, wanted)
      } catch (error) {
        if (!(error instanceof KernelError)) throw error
        throw new UsageError(`sysctl: setting key "${key}": ${error.strerror}`, 255)
      }
      if (!options.has('q')) await process.stdout.write(show(key, wanted))
    } else await process.stdout.write(show(key, value))
  }
  return status
})

/** `conntrack -L [-p PROTO] [-s ADDR] [-d ADDR] [--dport PORT]`, `-C` and `-D`/`-F`. */
export const conntrack = command('conntrack-tools/conntrack', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'LCDFEp:s:d:o:f:n',
    long: [
      'dump',
      'count',
      'delete',
      'flush',
      'proto:',
      'src:',
      'orig-src:',
      'dst:',
      'orig-dst:',
      'dport:',
      'orig-port-dst:',
      'sport:',
      'reply-src:',
    ],
    unknown: (option) =>
      `conntrack v1.4.7 (conntrack-tools): unknown option \`${option}'\nTry \`conntrack -h' or 'conntrack --help' for more information.`,
    status: 2,
  })
  if (options.has('E')) throw new UsageError('conntrack: the simulated conntrack does not model -E', 2)
  const { conntrack: table } = process.namespace.netfilter
  const wants = (connection: Connection) => {
    const { protocol, original } = connection
    const fits = (value: string | undefined, actual: string | number) => value === undefined || value === String(actual)
    return (
      fits(options.value('p', 'proto'), protocol) &&
      fits(options.value('s', 'src', 'orig-src'), original.src) &&
      fits(options.value('d', 'dst', 'orig-dst'), original.dst) &&
      fits(options.value('dport', 'orig-port-dst'), original.dport) &&
      fits(options.value('sport'), original.sport) &&
      fits(options.value('reply-src'), connection.reply.src)
    )
  }
  if (options.has('C', 'count')) {
    await process.stdout.write(`${table.size}\n`)
    return 0
  }
  const chosen = table.list().filter(wants)
  const lines = chosen.map((connection) => connectionLine(connection, process.clock.now()))
  if (options.has('F', 'flush')) {
    table.remove(() => true)
    await process.stderr.write('conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n')
    return 0
  }
  await process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  const removing = options.has('D', 'delete')
  if (removing) table.remove(wants)
  await process.stderr.write(
    `conntrack v1.4.7 (conntrack-tools): ${chosen.length} flow entries have been ${removing ? 'deleted' : 'shown'}.\n`,
  )
  return removing && chosen.length === 0 ? 1 : 0
})

function connectionLine({ protocol, original, reply, tcp, expires, seenReply, assured, mark }: Connection, now: number): string {
  const number = { tcp: 6, udp: 17, icmp: 1 }[protocol as 'tcp' | 'udp' | 'icmp'] ?? 4
  const tuple = ({ src, sport, dst, dport }: Connection['original']) =>
    protocol === 'icmp' ? `src=${src} dst=${dst} type=${dport} code=0 id=${sport}` : `src=${src} dst=${dst} sport=${sport} dport=${dport}`
  const left = Math.max(0, Math.ceil((expires - now) / 1000))
  const words = [
    `${protocol.padEnd(8)} ${number}`,
    `${left}`,
    tcp ?? '',
    tuple(original),
    seenReply ? '' : '[UNREPLIED]',
    tuple(reply),
    assured ? '[ASSURED]' : '',
    `mark=${mark}`,
    'use=1',
  ]
  return words.filter((word) => word !== '').join(' ')
}

/** ifconfig of busybox and net-tools: shows only. */
export const ifconfig = command('net-tools/ifconfig', async (process) => {
  const [name, more] = process.argv.slice(1).filter((word) => word !== '-a')
  if (more !== undefined) throw new UsageError('ifconfig: the simulated ifconfig only shows; use ip to change')
  const links = process.namespace.links().filter((link) => (name === undefined ? link.up : link.name === name))
  if (name !== undefined && links.length === 0)
    throw new UsageError(`ifconfig: ${name}: error fetching interface information: Device not found`)
  const texts = links.map((link) => {
    const [first] = link.addresses
    const loopback = link.kind === 'loopback'
    const mac = loopback ? 'Local Loopback  ' : `Ethernet  HWaddr ${link.mac.toUpperCase()}  `
    const prefix = first && parsePrefix(`${first.address}/${first.length}`)
    const mask =
      first && [24, 16, 8, 0].map((shift) => ((first.length === 0 ? 0 : 0xffffffff << (32 - first.length)) >>> shift) & 255).join('.')
    const inet = first
      ? `          inet addr:${first.address}  ${loopback || !prefix ? '' : `Bcast:${lastAddress(prefix)}  `}Mask:${mask}\n`
      : ''
    const flags = [
      ...(link.up ? ['UP'] : []),
      loopback ? 'LOOPBACK' : 'BROADCAST',
      ...(hasCarrier(link) ? ['RUNNING'] : []),
      ...(loopback ? [] : ['MULTICAST']),
    ]
    const { rxPackets, rxBytes, rxDropped, txPackets, txBytes, txDropped } = link.counters
    return `${link.name.padEnd(10)}Link encap:${mac}\n${inet}          ${flags.join(' ')}  MTU:${link.mtu}  Metric:1\n          RX packets:${rxPackets} errors:0 dropped:${rxDropped} overruns:0 frame:0\n          TX packets:${txPackets} errors:0 dropped:${txDropped} overruns:0 carrier:0\n          collisions:0 txqueuelen:1000 \n          RX bytes:${rxBytes}  TX bytes:${txBytes}\n\n`
  })
  await process.stdout.write(texts.join(''))
  return 0
})

/** `arp -n` and `arp -a`. */
export const arp = command('net-tools/arp', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'anev',
    unknown: (option) => `arp: invalid option -- '${option.replace(/^-+/, '')}'`,
  })
  const entries = process.namespace.links().flatMap((link) => [...link.neighbours.values()].map((entry) => ({ link, ...entry })))
  if (options.has('a')) {
    await process.stdout.write(
      entries.map(({ address, mac, link }) => `? (${address}) at ${mac ?? '<incomplete>'} [ether]  on ${link.name}\n`).join(''),
    )
    return 0
  }
  const rows = entries.map(
    ({ address, mac, link, state }) =>
      `${address.padEnd(24)} ${mac ? 'ether' : '     '}   ${(mac ?? '(incomplete)').padEnd(19)} ${(mac ? (state === 'PERMANENT' ? 'CM' : 'C') : '').padEnd(21)} ${link.name}\n`,
  )
  await process.stdout.write(`Address                  HWtype  HWaddress           Flags Mask            Iface\n${rows.join('')}`)
  return 0
})
