import type { Allocator } from './allocator.ts'
import { type Mesh, named } from './mesh.ts'

export const weaveVersion = '2.8.1'

interface Told {
  readonly name: string
  readonly nickname: string
  readonly mesh: Mesh
  readonly allocator: Allocator
  /** Peers that this one was started with. */
  readonly peers: readonly string[]
  readonly quorum: number
}

/** The texts of `/status…` (weave 2.8's prog/weaver/http.go); undefined for a path that is not served. */
export function statusText(path: string, told: Told): string | undefined {
  switch (path) {
    case '/status':
      return summary(told)
    case '/status/connections':
      return connections(told)
        .map(({ line }) => `${line}\n`)
        .join('')
    case '/status/peers':
      return peers(told)
    case '/status/ipam':
      return ipam(told)
    case '/status/targets':
      return told.peers.map((peer) => `${peer}\n`).join('')
    case '/status/dns':
      return ''
  }
  return undefined
}

function summary(told: Told): string {
  const { mesh, allocator } = told
  const all = connections(told)
  const known = Object.values(mesh.state.peers)
  const between = known.flatMap((peer) => peer.connections.map(({ established }) => (established ? 'established' : 'pending')))
  const connected = counts(
    all.map(({ state }) => state),
    ['established', 'pending', 'retrying', 'failed', 'connecting'],
  )
  const meshed = counts(between, ['established', 'pending'])
  return `${[
    `        Version: ${weaveVersion} (version check update disabled)`,
    '',
    '        Service: router',
    '       Protocol: weave 1..2',
    `           Name: ${told.name}(${told.nickname})`,
    `     Encryption: ${mesh.encrypted ? 'enabled' : 'disabled'}`,
    '  PeerDiscovery: enabled',
    `        Targets: ${told.peers.length}`,
    `    Connections: ${all.length}${connected && ` (${connected})`}`,
    `          Peers: ${known.length}${meshed && ` (with ${meshed} connections)`}`,
    ' TrustedSubnets: none',
    '',
    '        Service: ipam',
    `         Status: ${ipamStatus(told)}`,
    `          Range: ${allocator.cidr}`,
    `  DefaultSubnet: ${allocator.cidr}`,
  ].join('\n')}\n`
}

function ipamStatus({ allocator, quorum }: Told): string {
  const { ring, awaitingConsensus, known } = allocator.state
  if (ring.entries.length > 0) {
    const reachable = allocator.shares().some((share) => share.reachable)
    return reachable ? 'ready' : "all IP ranges owned by unreachable peers - use 'rmpeer' if they are dead"
  }
  return awaitingConsensus ? `awaiting consensus (quorum: ${quorum}, known: ${Object.keys(known).length})` : 'idle'
}

function connections({ mesh }: Told): { state: string; line: string }[] {
  const line = (outbound: boolean, address: string, state: string, info: string, attributes = '') => ({
    state,
    line: `${outbound ? '->' : '<-'} ${address.padEnd(21)} ${state.padEnd(11)} ${info} ${attributes}`,
  })
  const made = Object.values(mesh.state.connections).filter(({ added }) => added)
  return [
    ...made.map((one) => {
      const info = `${mesh.encrypted ? 'encrypted   ' : ''}${one.overlay.padEnd(6)} ${named(one)}`
      const attributes = `${mesh.encrypted ? 'encrypted=true' : ''}mtu=${mesh.mtuOf(one)}`
      return line(one.outbound, one.address, one.established ? 'established' : 'pending', info, attributes)
    }),
    ...Object.entries(mesh.state.targets).flatMap(([address, target]) => {
      if (target.state === 'waiting') {
        const until = new Date(target.tryAfter).toISOString().replace('T', ' ').replace('Z', ' +0000 UTC')
        return [
          target.error
            ? line(true, address, 'failed', `${target.error}, retry: ${until}`)
            : line(true, address, 'waiting', `until: ${until}`),
        ]
      }
      if (target.state === 'attempting') return [line(true, address, target.error ? 'retrying' : 'connecting', target.error ?? '')]
      return []
    }),
  ]
}

function peers({ mesh }: Told): string {
  return Object.values(mesh.state.peers)
    .map(({ name, nickname, connections: list }) => {
      const lines = list.map(
        (one) =>
          `   ${one.outbound ? '->' : '<-'} ${one.address.padEnd(21)} ${`${one.name}(${one.nickname})`.padEnd(37)} ${one.established ? 'established' : 'pending'}\n`,
      )
      return `${name}(${nickname})\n${lines.join('')}`
    })
    .join('')
}

function ipam({ allocator, name }: Told): string {
  const { ring, owned } = allocator.state
  const total = ring.range.end - ring.range.start
  const active = Object.keys(owned).length
  const row = (share: ReturnType<Allocator['shares']>[number]) => {
    const info = share.peer === name ? `(${active} active)` : share.reachable ? '' : '- unreachable!'
    const percent = ((share.addresses * 100) / total).toFixed(1).padStart(4, '0')
    return `${`${share.peer}(${share.nickname})`.padEnd(37)} ${String(share.addresses).padStart(8)} IPs (${percent}% of total) ${info}\n`
  }
  const shares = allocator.shares()
  return [...shares.filter(({ peer }) => peer === name), ...shares.filter(({ peer }) => peer !== name)].map(row).join('')
}

function counts(values: readonly string[], order: readonly string[]): string {
  return order
    .flatMap((value) => {
      const count = values.filter((other) => other === value).length
      return count > 0 ? [`${count} ${value}`] : []
    })
    .join(', ')
}
