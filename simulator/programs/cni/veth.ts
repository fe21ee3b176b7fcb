import { sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { CniCall } from '../process.ts'

/** A veth pair between the host and the container; the host's end has a name made from the container's id. Both ends are up. */
export function vethPair({ containerId, interfaceName, namespace, host }: CniCall, mtu: number): { host: string; mac: string } {
  const name = `veth${bytesToHex(sha512(utf8ToBytes(containerId + interfaceName))).slice(0, 8)}`
  const link = host.addVeth(name, namespace, interfaceName, { mtu })
  namespace.setLink(interfaceName, { up: true })
  host.setLink(name, { up: true })
  return { host: name, mac: link.peer?.mac ?? '' }
}

/** The MTU of the interface with the default route: what plugins take where none is configured. */
export function defaultMtu({ host }: CniCall): number {
  return host.link('eth0')?.mtu ?? 1500
}
