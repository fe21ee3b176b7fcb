import type { SocketEntry } from '../../network/socket-table.ts'
import type { Process } from '../process.ts'
import { command } from './command.ts'
import { parseOptions, UsageError } from './options.ts'

interface Selection {
  readonly tcp: boolean
  readonly udp: boolean
  readonly listening: boolean
  readonly all: boolean
}

function selected(process: Process, { tcp, udp, listening, all }: Selection): SocketEntry[] {
  const both = !tcp && !udp
  return process.namespace.table.entries().filter((entry) => {
    if (entry.protocol === 'tcp' ? !(tcp || both) : !(udp || both)) return false
    const isListening = entry.state === 'LISTEN' || entry.state === 'UNCONN'
    return all || isListening === listening
  })
}

/** ss of iproute2: -t -u -l -a -n -p -H -e. Process ids are not known to a socket: `-p` shows the name alone. */
export const ss = command('iproute2/ss', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'tulanpHeoim46sxOr',
    long: ['tcp', 'udp', 'listening', 'all', 'numeric', 'processes', 'no-header', 'summary'],
    unknown: (option) => `ss: invalid option -- '${option.replace(/^-+/, '')}'\nUsage: ss [ OPTIONS ]\n       ss [ OPTIONS ] [ FILTER ]`,
    status: 255,
  })
  if (options.operands.length > 0) throw new UsageError('ss: the simulated ss does not model filters: pipe it into grep', 255)
  const [tcp, udp] = [options.has('t', 'tcp'), options.has('u', 'udp')]
  const withNetid = tcp === udp
  const entries = selected(process, { tcp, udp, listening: options.has('l', 'listening'), all: options.has('a', 'all') })
  const rows = entries.map((entry) => [
    ...(withNetid ? [entry.protocol] : []),
    entry.state,
    '0',
    entry.state === 'LISTEN' ? '4096' : `${entry.sendQueue}`,
    `${entry.local.address}:${entry.local.port}`,
    entry.remote ? `${entry.remote.address}:${entry.remote.port}` : '0.0.0.0:*',
    options.has('p', 'processes') && entry.owner !== 'kernel' ? `users:(("${entry.owner}"))` : '',
  ])
  const head = [...(withNetid ? ['Netid'] : []), 'State', 'Recv-Q', 'Send-Q', 'Local Address:Port', 'Peer Address:Port', 'Process']
  const table = options.has('H', 'no-header') ? rows : [head, ...rows]
  const widths = head.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  const right = new Set(['Local Address:Port', 'Peer Address:Port'].map((title) => head.indexOf(title)))
  const lines = table.map((row) =>
    row
      .map((cell, column) => (right.has(column) ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number)))
      .join(' '),
  )
  await process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  return 0
})

const netstatStates: Partial<Record<SocketEntry['state'], string>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-SENT': 'SYN_SENT',
  'SYN-RECV': 'SYN_RECV',
  'FIN-WAIT-1': 'FIN_WAIT1',
  'FIN-WAIT-2': 'FIN_WAIT2',
  'CLOSE-WAIT': 'CLOSE_WAIT',
  'LAST-ACK': 'LAST_ACK',
  'TIME-WAIT': 'TIME_WAIT',
  UNCONN: '',
}

/** netstat of net-tools and busybox: sockets, and with -r the routes. */
export const netstat = command('net-tools/netstat', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'tulanprWeo46',
    unknown: (option) => `netstat: invalid option -- '${option.replace(/^-+/, '')}'`,
  })
  if (options.has('r')) {
    await process.stdout.write(routeTable(process, 'netstat'))
    return 0
  }
  const [listening, all] = [options.has('l'), options.has('a')]
  const entries = selected(process, { tcp: options.has('t'), udp: options.has('u'), listening, all })
  const which = listening ? 'only servers' : all ? 'servers and established' : 'w/o servers'
  const owner = options.has('p')
  const lines = [
    `Active Internet connections (${which})`,
    `Proto Recv-Q Send-Q Local Address           Foreign Address         State       ${owner ? 'PID/Program name    ' : ''}`,
  ]
  for (const { protocol, state, local, remote, sendQueue, owner: name } of entries) {
    const foreign = remote ? `${remote.address}:${remote.port}` : '0.0.0.0:*'
    const shown = netstatStates[state] ?? state
    lines.push(
      `${protocol.padEnd(5)} ${'0'.padStart(6)} ${`${sendQueue}`.padStart(6)} ${`${local.address}:${local.port}`.padEnd(23)} ${foreign.padEnd(23)} ${shown.padEnd(11)} ${owner ? `-/${name}`.padEnd(20) : ''}`,
    )
  }
  await process.stdout.write(`${lines.join('\n')}\n`)
  return 0
})

/** `route -n`. */
export const route = command('net-tools/route', async (process) => {
  const options = parseOptions(process.argv.slice(1), {
    short: 'neA:',
    unknown: (option) => `route: invalid option -- '${option.replace(/^-+/, '')}'`,
  })
  if (options.operands.length > 0) throw new UsageError('route: the simulated route only shows; use ip route to change')
  await process.stdout.write(routeTable(process, 'route'))
  return 0
})

function routeTable({ namespace }: Process, tool: 'route' | 'netstat'): string {
  const mask = (length: number) => {
    const word = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
    return [24, 16, 8, 0].map((shift) => (word >>> shift) & 255).join('.')
  }
  const columns = tool === 'route' ? 'Flags Metric Ref    Use Iface' : 'Flags   MSS Window  irtt Iface'
  const lines = ['Kernel IP routing table', `Destination     Gateway         Genmask         ${columns}`]
  for (const route of namespace.routing.routes.filter(({ table, type }) => table === 'main' && type === 'unicast')) {
    const [address = '', length = '32'] = route.dst.split('/')
    const flags = `U${route.via ? 'G' : ''}${length === '32' ? 'H' : ''}`
    const rest =
      tool === 'route'
        ? `${flags.padEnd(5)} ${`${route.metric}`.padEnd(6)} 0        0 ${route.dev}`
        : `${flags.padEnd(9)} 0 0          0 ${route.dev}`
    lines.push(`${address.padEnd(15)} ${(route.via ?? '0.0.0.0').padEnd(15)} ${mask(Number(length)).padEnd(15)} ${rest}`)
  }
  return `${lines.join('\n')}\n`
}
