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

/** Every node's kube-proxy names the same chains, each of them several times. */
const known = new Map<string, string>()
const mostKnown = 10_000

function portHash(text: string): string {
  let hash = known.get(text)
  if (hash === undefined) {
    if (known.size >= mostKnown) known.clear()
    known.set(text, (hash = base32(sha256(utf8ToBytes(text)))))
  }
  return hash
}

/** The first 16 characters (80 bits) of the base32 form (RFC 4648). */
function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes.subarray(0, 10)) {
    bits = ((bits << 8) | byte) & 0xfff
    held += 8
    while (held >= 5) {
      held -= 5
      text += alphabet[(bits >> held) & 31]
    }
  }
  return text
}
