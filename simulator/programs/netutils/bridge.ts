import { type FdbEntry, floodMac, type Link } from '../../network/link.ts'
import type { NetworkNamespace } from '../../network/namespace.ts'
import { command } from './command.ts'
import { UsageError } from './options.ts'

/** `bridge fdb [show] [dev DEV] [br BRIDGE]` and `bridge link [show] [dev DEV]` of iproute2 (bridge/fdb.c, bridge/link.c); both only show. */
export const bridge = command('iproute2/bridge', async (process) => {
  const [object = '', verb = 'show', ...words] = process.argv.slice(1).filter((word) => word !== '-s' && word !== '-d')
  if (object === '' || object.startsWith('-')) throw new UsageError('Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }', 255)
  const isFdb = 'fdb'.startsWith(object)
  if (!isFdb && !'link'.startsWith(object)) throw new UsageError(`bridge: the simulated bridge does not model the object "${object}"`, 255)
  if (!['show', 'list', 'lst'].some((known) => known.startsWith(verb))) throw new UsageError('bridge: the simulated bridge only shows', 255)
  const wanted = filterOf(words, process.namespace)
  const links = process.namespace.links().filter(wanted)
  await process.stdout.write(links.flatMap((link) => (isFdb ? fdbLines(link) : linkLine(link))).join(''))
  return 0
})

function filterOf(words: readonly string[], namespace: NetworkNamespace): (link: Link) => boolean {
  const tests: ((link: Link) => boolean)[] = []
  for (let at = 0; at < words.length; at += 2) {
    const [key, name = ''] = words.slice(at)
    if (key !== 'dev' && key !== 'br' && key !== 'brport') throw new UsageError(`bridge: the simulated bridge does not model "${key}"`, 255)
    if (!namespace.link(name)) throw new UsageError(`Cannot find device "${name}"`, 1)
    tests.push((link) => link.name === name || (key === 'br' && link.master?.name === name))
  }
  return (link) => tests.every((test) => test(link))
}

/** A VXLAN device's own entries, and those of its bridge that lead to it. What a bridge or port itself is called by is permanent. */
function fdbLines(link: Link): string[] {
  const lines: string[] = []
  const add = (mac: string, rest: string) => lines.push(`${mac} dev ${link.name} ${rest} \n`)
  if (link.master) {
    for (const [mac, entries] of link.master.fdb)
      if (mac !== link.mac && entries.some(({ port }) => port === link.name)) add(mac, `master ${link.master.name}`)
    add(link.mac, `master ${link.master.name} permanent`)
  }
  if (link.kind === 'bridge') add(link.mac, `master ${link.name} permanent`)
  if (link.vxlan) for (const entries of link.fdb.values()) for (const entry of entries) add(entry.mac, ownEntry(entry))
  return lines
}

function ownEntry({ mac, remote, permanent }: FdbEntry): string {
  return `dst ${remote} self${permanent || mac === floodMac ? ' permanent' : ''}`
}

function linkLine(link: Link): string[] {
  if (!link.master) return []
  const flags = `BROADCAST,MULTICAST${link.up ? ',UP,LOWER_UP' : ''}`
  const name = link.peer ? `${link.name}@${link.peer.namespace === link.namespace ? link.peer.name : `if${link.peer.index}`}` : link.name
  return [
    `${link.index}: ${name}: <${flags}> mtu ${link.mtu} master ${link.master.name} state ${link.up ? 'forwarding' : 'disabled'} priority 32 cost 2 \n`,
  ]
}
