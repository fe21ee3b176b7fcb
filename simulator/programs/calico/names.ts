import { sha1 } from '@noble/hashes/legacy.js'
import { sha224, sha256 } from '@noble/hashes/sha2.js'
import { sha3_224 } from '@noble/hashes/sha3.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

/** iptables' longest chain name, and ipset's longest set name, as Felix reckons. */
const longestChain = 28
const longestSet = 31

/** `cali` and the first 11 digits of a hash of namespace and name (libcalico-go's VethNameForWorkload). */
export function vethName(namespace: string, pod: string): string {
  return `cali${bytesToHex(sha1(utf8ToBytes(`${namespace}.${pod}`))).slice(0, 11)}`
}

/** A node's VXLAN device has a MAC made from the node's name, so that others know it without asking (felix/calc/vxlan_resolver.go). */
export function vtepMac(node: string): string {
  const digits = `66${bytesToHex(sha1(utf8ToBytes(node))).slice(0, 10)}`
  return digits.match(/../g)!.join(':')
}

/** Prefix and suffix, or where that is too long for a chain the prefix and a hash of the suffix (felix/hashutils). */
export function chainName(prefix: string, suffix: string): string {
  const whole = prefix + suffix
  if (whole.length < longestChain || (whole.length === longestChain && !suffix.startsWith('_'))) return whole
  return `${prefix}_${base64url(sha256(utf8ToBytes(suffix))).slice(0, longestChain - 1 - prefix.length)}`
}

/** `s:…` for a selector, `n:…` for a named port (libcalico-go/lib/hash). */
export function uniqueId(kind: 's' | 'n', content: string): string {
  return `${kind}:${base64url(sha224(utf8ToBytes(`${kind}:${content}`)))}`
}

/** `cali40s:…`: Felix's own IPv4 set of that id. */
export function setName(id: string): string {
  return `cali40${id}`.slice(0, longestSet)
}

/** A chain for several policies with one selector (felix/rules PolicyGroup). */
export function groupChainName(group: {
  readonly tier: string
  readonly selector: string
  readonly direction: 'inbound' | 'outbound'
  readonly policies: readonly string[]
}): string {
  const lines = [group.tier, group.selector, group.direction, String(group.policies.length), ...group.policies]
  const prefix = group.direction === 'inbound' ? 'cali-gi-' : 'cali-go-'
  return prefix + base64url(sha3_224(utf8ToBytes(lines.map((line) => `${line}\n`).join('')))).slice(0, longestChain - prefix.length)
}

/** Each rule's hash, which Felix writes into its comment to know the rule again; it chains in the rules before it. */
export function ruleHashes(chain: string, rules: readonly string[]): string[] {
  let hash = sha224(utf8ToBytes(chain))
  return rules.map((rule) => {
    hash = sha224.create().update(hash).update(utf8ToBytes(rule)).digest()
    return base64url(hash.subarray(0, 12))
  })
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Unpadded, URL-safe. */
function base64url(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    const left = Math.min(3, bytes.length - at)
    for (let digit = 0; digit <= left; digit++) text += digits[(word >>> (18 - 6 * digit)) & 63]
  }
  return text
}
