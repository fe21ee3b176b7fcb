import type { Process } from '../../process.ts'
import { type BirdProtocol, peerAddress, readProtocols } from '../bird/control.ts'
import { CtlError } from './connection.ts'
import { framed } from './tables.ts'

const kinds: Readonly<Record<string, string>> = { Global: 'global', Mesh: 'node-to-node mesh', Node: 'node specific' }

/** `calicoctl node status`, on a node: whether Calico runs there, and BIRD's neighbours. Throws CtlError. */
export async function nodeStatus(process: Process): Promise<string> {
  if (!(await felixRuns(process))) throw new CtlError('Calico process is not running.')
  const protocols = readProtocols(process.files)
  if (!protocols) return 'Calico process is running.\n\nThe BGP backend process (BIRD) is not running.\n\n'
  const headings = ['PEER ADDRESS', 'PEER TYPE', 'STATE', 'SINCE', 'INFO']
  const rows = protocols.map((one) => [
    peerAddress(one),
    kinds[one.name.split('_')[0]!] ?? '',
    one.state,
    sinceOf(one, process.clock.now()),
    one.info,
  ])
  const four = rows.length > 0 ? framed(headings, rows) : 'No IPv4 peers found.\n'
  return `Calico process is running.\n\nIPv4 BGP status\n${four}\nIPv6 BGP status\nNo IPv6 peers found.\n\n`
}

/** Upstream looks through the processes of the host; here Felix is known by the port on which it says how it is. */
function felixRuns({ sockets }: Process): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = sockets.connectTcp(
      { address: '127.0.0.1', port: 9099 },
      {
        connected() {
          connection.reset()
          resolve(true)
        },
        error: () => resolve(false),
      },
    )
  })
}

/** BIRD's short form: a time of day, or a date where that was not today. */
function sinceOf({ since }: BirdProtocol, now: number): string {
  const iso = new Date(since).toISOString()
  return now - since < 20 * 3_600_000 ? iso.slice(11, 19) : iso.slice(0, 10)
}
