import type { Random } from '../random.ts'

/** 32-bit words of an address, most significant first: one for IPv4, four for IPv6. */
export type Words = readonly number[]

export interface Prefix {
  /** Canonical, host bits cleared: `10.244.0.0/16`. */
  readonly text: string
  readonly words: Words
  readonly length: number
}

// Parsing is on the path of every packet; clusters use few distinct addresses, so a bounded memo answers nearly always.
const memoLimit = 50_000
const addresses = new Map<string, Words | null>()
const prefixes = new Map<string, Prefix>()

/** The words of an IPv4 or IPv6 address as written, or undefined where the text is none. */
export function parseAddress(text: string): Words | undefined {
  let words = addresses.get(text)
  if (words === undefined) {
    words = (text.includes(':') ? parseIpv6(text) : parseIpv4(text)) ?? null
    if (addresses.size >= memoLimit) addresses.clear()
    addresses.set(text, words)
  }
  return words ?? undefined
}

export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined
}

/** A prefix as written (`10.0.0.0/8`; a bare address is its own /32 or /128). Throws where the text is none. */
export function parsePrefix(text: string): Prefix {
  let prefix = prefixes.get(text)
  if (prefix) return prefix
  const [address = '', lengthText] = text.split('/')
  const words = parseAddress(address)
  const bits = words ? words.length * 32 : 0
  const length = lengthText === undefined ? bits : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : -1
  if (!words || length < 0 || length > bits) throw new Error(`"${text}" is not an address prefix (expected for example 10.244.0.0/16)`)
  const masked = maskWords(words, length)
  prefix = { text: `${formatAddress(masked)}/${length}`, words: masked, length }
  if (prefixes.size >= memoLimit) prefixes.clear()
  prefixes.set(text, prefix)
  return prefix
}

export function prefixContains(prefix: Prefix, address: string): boolean {
  const words = parseAddress(address)
  if (!words || words.length !== prefix.words.length) return false
  let left = prefix.length
  for (let i = 0; left > 0; i++, left -= 32) {
    const difference = (words[i]! ^ prefix.words[i]!) >>> 0
    if (left >= 32 ? difference !== 0 : difference >>> (32 - left) !== 0) return false
  }
  return true
}

/** The last address of a prefix: IPv4's directed broadcast. */
export function lastAddress(prefix: Prefix): string {
  return formatAddress(
    prefix.words.map((word, i) => {
      const kept = Math.min(32, Math.max(0, prefix.length - i * 32))
      return kept === 32 ? word : (word | (0xffffffff >>> kept)) >>> 0
    }),
  )
}

/** Negative, zero or positive as `a` is below, equal to or above `b`; IPv4 sorts before IPv6. */
export function compareAddresses(a: string, b: string): number {
  const left = parseAddress(a) ?? fail(a)
  const right = parseAddress(b) ?? fail(b)
  if (left.length !== right.length) return left.length - right.length
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return left[i]! - right[i]!
  return 0
}

/** Canonical text (RFC 5952 for IPv6). */
export function formatAddress(words: Words): string {
  if (words.length === 1) {
    const word = words[0]!
    return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`
  }
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff])
  let [start, best] = [-1, 1]
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > best) [start, best] = [i, end - i]
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  return start < 0 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + best))}`
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

export const broadcastMac = 'ff:ff:ff:ff:ff:ff'

/** A random unicast, locally administered MAC, as the kernel gives to virtual devices. */
export function randomMac(random: Random): string {
  const first = ((random.below(256) & 0xfc) | 0x02).toString(16).padStart(2, '0')
  const rest = random.hex(10)
  return `${first}:${rest.slice(0, 2)}:${rest.slice(2, 4)}:${rest.slice(4, 6)}:${rest.slice(6, 8)}:${rest.slice(8, 10)}`
}

function maskWords(words: Words, length: number): Words {
  return words.map((word, i) => {
    const kept = Math.min(32, Math.max(0, length - i * 32))
    return kept === 0 ? 0 : (word & (0xffffffff << (32 - kept))) >>> 0
  })
}

function parseIpv4(text: string): Words | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let word = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    word = word * 256 + Number(part)
  }
  return [word]
}

function parseIpv6(text: string): Words | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const sides = halves.map(parseGroups)
  if (sides.some((side) => side === undefined)) return undefined
  const head = sides[0] as number[]
  const tail = (sides[1] ?? []) as number[]
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: Math.max(0, missing) }, () => 0), ...tail]
  return [0, 2, 4, 6].map((i) => ((groups[i]! << 16) | groups[i + 1]!) >>> 0)
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const word = parseIpv4(part)?.[0]
      if (word === undefined) return undefined
      groups.push(word >>> 16, word & 0xffff)
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function fail(address: string): never {
  throw new Error(`"${address}" is not an IP address`)
}
