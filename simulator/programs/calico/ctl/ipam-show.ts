import { formatAddress, parsePrefix, prefixContains } from '../../../network/address.ts'
import { type IPAMBlock, type IPPool, isUsable, resources } from '../datastore.ts'
import { CtlError, type Datastore } from './connection.ts'
import { framed } from './tables.ts'

/** `calicoctl ipam show [--show-blocks | --show-borrowed]`. */
export async function showIpam(datastore: Datastore, what: 'pools' | 'blocks' | 'borrowed'): Promise<string> {
  if (what === 'borrowed') return framed(['IP', 'BORROWING-NODE', 'BLOCK', 'BLOCK OWNER', 'TYPE', 'ALLOCATED-TO'], [])
  const blocks = await datastore.list<IPAMBlock>(resources.blocks)
  const rows: string[][] = []
  for (const { spec } of (await datastore.list<IPPool>(resources.pools)).filter(isUsable)) {
    const own = blocks.filter((block) => prefixContains(parsePrefix(spec.cidr), block.spec.cidr.split('/')[0]!))
    const used = (list: readonly IPAMBlock[]) =>
      list.reduce((sum, block) => sum + block.spec.allocations.filter((one) => one !== null).length, 0)
    rows.push(usage('IP Pool', spec.cidr, used(own), 2 ** (32 - parsePrefix(spec.cidr).length)))
    if (what === 'blocks') for (const block of own) rows.push(usage('Block', block.spec.cidr, used([block]), block.spec.allocations.length))
  }
  return framed(['GROUPING', 'CIDR', 'IPS TOTAL', 'IPS IN USE', 'IPS FREE'], rows)
}

/** `calicoctl ipam show --ip=ADDRESS`. */
export async function showAddress(datastore: Datastore, address: string): Promise<string> {
  if (!/^\d+(\.\d+){3}$/.test(address)) throw new CtlError(`Error executing command: invalid IP address specified: ${address}`)
  for (const { spec } of await datastore.list<IPAMBlock>(resources.blocks)) {
    const prefix = parsePrefix(spec.cidr)
    const ordinal = spec.allocations.findIndex((_, index) => formatAddress([prefix.words[0]! + index]) === address)
    const attribute = spec.allocations[ordinal]
    if (ordinal < 0 || attribute === null || attribute === undefined) continue
    const attributes = Object.entries(spec.attributes[attribute]?.secondary ?? {})
    if (attributes.length === 0) return `IP ${address} is in use\nNo attributes defined\n`
    return `IP ${address} is in use\nAttributes:\n${attributes.map(([key, value]) => `  ${key}: ${value}\n`).join('')}`
  }
  return `${address} is not assigned\n`
}

function usage(kind: string, cidr: string, used: number, total: number): string[] {
  const share = (count: number) => `${short(count)} (${((100 * count) / total).toFixed(0)}%)`
  return [kind, cidr, short(total), share(used), share(total - used)]
}

/** Go's %.5g. */
function short(count: number): string {
  return count < 100_000
    ? String(count)
    : count
        .toExponential(4)
        .replace(/\.?0+e/, 'e')
        .replace(/e\+(\d)$/, 'e+0$1')
}
