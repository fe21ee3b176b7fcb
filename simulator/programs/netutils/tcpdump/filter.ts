import { parsePrefix, prefixContains } from '../../../network/address.ts'
import type { Packet } from '../../../network/packet.ts'
import { UsageError } from '../options.ts'

export type Filter = (packet: Packet) => boolean

/**
 * pcap-filter(7), as far as people use it: `host`, `net`, `port`, `portrange` with `src` and `dst`, the protocols, `and`, `or`, `not`, parentheses.
 * Throws UsageError for the rest.
 */
export function parseFilter(words: readonly string[]): Filter {
  const tokens = words
    .join(' ')
    .replace(/([()!])/g, ' $1 ')
    .replace(/&&/g, ' and ')
    .replace(/\|\|/g, ' or ')
    .split(/\s+/)
    .filter((token) => token !== '')
  if (tokens.length === 0) return () => true
  let at = 0
  const fail = () => new UsageError(`tcpdump: can't parse filter expression: syntax error`, 1)
  const either = (): Filter => {
    let left = both()
    while (tokens[at] === 'or') {
      at++
      const [first, second] = [left, both()]
      left = (packet) => first(packet) || second(packet)
    }
    return left
  }
  const both = (): Filter => {
    let left = single()
    while (tokens[at] === 'and') {
      at++
      const [first, second] = [left, single()]
      left = (packet) => first(packet) && second(packet)
    }
    return left
  }
  const single = (): Filter => {
    const token = tokens[at]
    if (token === undefined) throw fail()
    if (token === 'not' || token === '!') {
      at++
      const inner = single()
      return (packet) => !inner(packet)
    }
    if (token === '(') {
      at++
      const inner = either()
      if (tokens[at++] !== ')') throw fail()
      return inner
    }
    return primitive()
  }
  const primitive = (): Filter => {
    let protocol: Filter | undefined
    let side: 'src' | 'dst' | undefined
    for (;;) {
      const token = tokens[at++]
      switch (token) {
        case 'tcp':
        case 'udp':
        case 'icmp':
        case 'arp': {
          const only: Filter = (packet) => packet.protocol === token
          const next = tokens[at]
          if (next === undefined || !['src', 'dst', 'port', 'portrange', 'host'].includes(next)) return only
          protocol = only
          break
        }
        case 'ip':
          return (packet) => packet.protocol !== 'arp'
        case 'ip6':
          return () => false
        case 'src':
        case 'dst':
          side = token
          if (!['host', 'port', 'net', 'portrange'].includes(tokens[at] ?? '')) return within(protocol, hostTest(tokens[at++], side))
          break
        case 'host':
          return within(protocol, hostTest(tokens[at++], side))
        case 'net':
          return within(protocol, hostTest(tokens[at++], side))
        case 'port':
        case 'portrange':
          return within(protocol, portTest(tokens[at++], side))
        default:
          throw token === undefined ? fail() : new UsageError(`tcpdump: the simulated tcpdump does not model "${token}" in filters`, 1)
      }
    }
  }
  const filter = either()
  if (at < tokens.length) throw fail()
  return filter
}

function within(protocol: Filter | undefined, test: Filter): Filter {
  return protocol ? (packet) => protocol(packet) && test(packet) : test
}

function hostTest(text: string | undefined, side: 'src' | 'dst' | undefined): Filter {
  let prefix: ReturnType<typeof parsePrefix>
  try {
    prefix = parsePrefix(text ?? '')
  } catch {
    throw new UsageError(`tcpdump: unknown host '${text ?? ''}'`, 1)
  }
  return ({ src, dst }) => (side !== 'dst' && prefixContains(prefix, src)) || (side !== 'src' && prefixContains(prefix, dst))
}

const named: Readonly<Record<string, number>> = { domain: 53, http: 80, https: 443, ssh: 22, mysql: 3306 }

function portTest(text: string | undefined, side: 'src' | 'dst' | undefined): Filter {
  const [low = '', high = low] = (text ?? '').split('-')
  const number = (word: string) => named[word] ?? Number(word)
  const [first, last] = [number(low), number(high)]
  if (!Number.isInteger(first) || !Number.isInteger(last)) throw new UsageError(`tcpdump: unknown port '${text ?? ''}'`, 1)
  const fits = (port: number) => port >= first && port <= last
  return ({ protocol, sport, dport }) =>
    (protocol === 'tcp' || protocol === 'udp') && ((side !== 'dst' && fits(sport)) || (side !== 'src' && fits(dport)))
}
