import type { Network } from '../network/network.ts'
import type { SocketEntry } from '../network/socket-table.ts'

/** Ports above are those that sockets draw when they begin a conversation: nobody waits there. */
const firstEphemeral = 32_768

/**
 * Opens in `copy` what listens in `live` and not there: sockets of processes that no snapshot holds. They take connections and datagrams
 * and never answer. Returns a sentence for each.
 */
export function standIn(live: Network, copy: Network): string[] {
  const said: string[] = []
  for (const machine of live.machines()) {
    for (const namespace of machine.namespaces()) {
      const there = copy.machine(machine.name)?.namespace(namespace.name)
      if (!there) continue
      const known = new Set(there.table.entries().filter(isServer).map(keyOf))
      for (const entry of namespace.table.entries()) {
        if (!isServer(entry) || known.has(keyOf(entry))) continue
        const sockets = there.socketsFor(entry.owner)
        const { address, port } = entry.local
        if (entry.protocol === 'tcp') sockets.listenTcp({ address, port }, () => ({}))
        else sockets.bindUdp({ address, port }, { datagram: () => {} })
        const where = namespace.name || machine.name
        said.push(
          `${entry.owner} (${entry.protocol} port ${port}, ${where}) was started by hand: in the trace it takes what comes and answers nothing.`,
        )
      }
    }
  }
  return said
}

function isServer({ state, local }: SocketEntry): boolean {
  return state === 'LISTEN' || (state === 'UNCONN' && local.port < firstEphemeral)
}

function keyOf({ protocol, local }: SocketEntry): string {
  return `${protocol} ${local.address} ${local.port}`
}
