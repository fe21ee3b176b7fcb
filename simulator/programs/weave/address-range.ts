import { formatAddress, parseAddress, parsePrefix } from '../../network/address.ts'

/** IPv4 addresses as numbers, the end excluded. */
export interface Range {
  readonly start: number
  readonly end: number
}

export function toNumber(address: string): number {
  return (parseAddress(address)?.[0] ?? 0) >>> 0
}

export function toText(number: number): string {
  return formatAddress([number >>> 0])
}

/** Throws where the text is no prefix. */
export function rangeOf(cidr: string): Range {
  const { words, length } = parsePrefix(cidr)
  const start = (words[0] ?? 0) >>> 0
  return { start, end: start + 2 ** (32 - length) }
}

export const sizeOf = ({ start, end }: Range): number => end - start

/** The largest part of a range that a CIDR can name, the leftmost of several (net/address's BiggestCIDRRange). */
export function biggestCidr({ start, end }: Range): Range {
  let best: Range = { start, end: start }
  for (let at = start; at < end; ) {
    let size = at === 0 ? 2 ** 32 : lowestBit(at)
    while (at + size > end) size /= 2
    if (size > sizeOf(best)) best = { start: at, end: at + size }
    at += size
  }
  return best
}

/** As few CIDRs as cover a range. */
export function cidrsOf({ start, end }: Range): string[] {
  const cidrs: string[] = []
  for (let at = start; at < end; ) {
    let size = at === 0 ? 2 ** 32 : lowestBit(at)
    while (at + size > end) size /= 2
    cidrs.push(`${toText(at)}/${32 - Math.log2(size)}`)
    at += size
  }
  return cidrs
}

function lowestBit(number: number): number {
  let bit = 1
  while (number % (bit * 2) === 0) bit *= 2
  return bit
}
