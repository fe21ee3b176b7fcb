import type { FieldError } from './definition.ts'
import { invalid } from './fields.ts'

/** An address as a number, so that ranges are arithmetic. */
export interface Address {
  readonly family: 'IPv4' | 'IPv6'
  readonly value: bigint
}

export interface Cidr {
  readonly family: 'IPv4' | 'IPv6'
  /** The first address: host bits are zero. */
  readonly network: bigint
  readonly prefix: number
}

/** Undefined where the text is no address. Leading zeros in IPv4 are tolerated, as the API's older fields do. */
export function parseAddress(text: string): Address | undefined {
  const four = parseIPv4(text)
  if (four !== undefined) return { family: 'IPv4', value: four }
  const six = parseIPv6(text)
  return six === undefined ? undefined : { family: 'IPv6', value: six }
}

export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  const address = match && parseAddress(match[1]!)
  if (!address) return undefined
  const bits = address.family === 'IPv4' ? 32 : 128
  const prefix = Number(match[2])
  if (prefix > bits) return undefined
  const hostBits = BigInt(bits - prefix)
  return { family: address.family, network: (address.value >> hostBits) << hostBits, prefix }
}

export function cidrContains(cidr: Cidr, address: Address): boolean {
  if (cidr.family !== address.family) return false
  const hostBits = BigInt((cidr.family === 'IPv4' ? 32 : 128) - cidr.prefix)
  return address.value >> hostBits === cidr.network >> hostBits
}

/** Canonical text: dotted quad, or RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 'IPv4') return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - index * 16)) & 0xffffn))
  let best = { start: 0, length: 0 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.length < 2) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}

function parseIPv4(text: string): bigint | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (!match) return undefined
  let value = 0n
  for (const part of match.slice(1)) {
    if (Number(part) > 255) return undefined
    value = (value << 8n) | BigInt(Number(part))
  }
  return value
}

function parseIPv6(text: string): bigint | undefined {
  if (!text.includes(':')) return undefined
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (embedded) {
    const four = parseIPv4(embedded[2]!)
    if (four === undefined) return undefined
    text = `${embedded[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((half) => (half ? half.split(':') : []))
  const count = groups.reduce((sum, half) => sum + half.length, 0)
  if (halves.length === 2 ? count > 7 : count !== 8) return undefined
  const all = halves.length === 2 ? [...groups[0]!, ...Array<string>(8 - count).fill('0'), ...groups[1]!] : groups[0]!
  let value = 0n
  for (const group of all) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
    value = (value << 16n) | BigInt(`0x${group}`)
  }
  return value
}

export function validateAddress(field: string, text: string): FieldError[] {
  return parseAddress(text) ? [] : [invalid(field, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]
}

export function validateCidr(field: string, text: string): FieldError[] {
  return parseCidr(text) ? [] : [invalid(field, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]
}

const within = (address: Address, text: string) => cidrContains(parseCidr(text)!, address)

/** Addresses that make no sense as an endpoint or an external IP (core validation's ValidateEndpointIP). */
export function validateEndpointAddress(field: string, text: string): FieldError[] {
  const address = parseAddress(text)
  if (!address) return [invalid(field, text, 'must be a valid IP address')]
  const errors: FieldError[] = []
  if (address.value === 0n) errors.push(invalid(field, text, `may not be unspecified (${text})`))
  if (within(address, '127.0.0.0/8') || within(address, '::1/128')) {
    errors.push(invalid(field, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'))
  }
  if (within(address, '169.254.0.0/16') || within(address, 'fe80::/10')) {
    errors.push(invalid(field, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'))
  }
  if (within(address, '224.0.0.0/24') || within(address, 'ff02::/16')) {
    errors.push(invalid(field, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'))
  }
  return errors
}
