import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** `prod/mysql:sql`, or `prod/mysql` where the port has no name: how kube-proxy names a Service port. */
export function servicePortName(namespace: string, service: string, port: string | undefined): string {
  return port ? `${namespace}/${service}:${port}` : `${namespace}/${service}`
}

/** The chains of a Service port, with the hash that upstream's pkg/proxy/iptables gives them. */
export function serviceChains(name: string, protocol: string) {
  const hash = portHash(name + protocol.toLowerCase())
  return { cluster: `KUBE-SVC-${hash}`, local: `KUBE-SVL-${hash}`, firewall: `KUBE-FW-${hash}`, external: `KUBE-EXT-${hash}` }
}

export function endpointChain(name: string, protocol: string, endpoint: string): string {
  return `KUBE-SEP-${portHash(name + protocol.toLowerCase() + endpoint)}`
}

/** The first 16 characters of the base32 form (RFC 4648) of the SHA-256. */
function portHash(text: string): string {
  const bytes = sha256(utf8ToBytes(text))
  let hash = ''
  for (let at = 0; hash.length < 16; at += 5) {
    let bits = 0n
    for (let index = 0; index < 5; index++) bits = (bits << 8n) | BigInt(bytes[at + index] as number)
    for (let shift = 35n; shift >= 0n; shift -= 5n) hash += alphabet[Number((bits >> shift) & 31n)]
  }
  return hash.slice(0, 16)
}
