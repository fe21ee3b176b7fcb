import { isAddress } from './address.ts'
import type { ResourceRecord } from './dns-message.ts'

type Data = ResourceRecord extends infer R ? (R extends ResourceRecord ? Omit<R, 'name' | 'ttl' | 'class'> : never) : never

/** The TTL of a record that names none, seconds; as the Go DNS library's NewRR. */
const defaultTtl = 3600

/** A record that cannot be read; the message says what and where. */
export class RecordTextError extends Error {}

/**
 * One resource record as master files write it (RFC 1035, section 5): `NAME [TTL] [IN] TYPE DATA`, names absolute. Throws RecordTextError,
 * also for a type that is not known here.
 */
export function parseRecord(text: string): ResourceRecord {
  const words = text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []
  const name = words.shift()
  if (name === undefined) throw new RecordTextError('dns: empty record')
  let ttl = defaultTtl
  while (words[0] !== undefined && (/^\d+[smhdw]?$/i.test(words[0]) || /^(IN|CH|HS)$/i.test(words[0]))) {
    const word = words.shift()!
    if (/^\d/.test(word)) ttl = seconds(word)
  }
  const type = words.shift()?.toUpperCase() ?? ''
  const bad = (what: string) => new RecordTextError(`dns: bad ${type} ${what}: "${words.join(' ')}" in "${text}"`)
  const at = (index: number, what: string): string => {
    const word = words[index]
    if (word === undefined) throw bad(what)
    return word
  }
  const number = (index: number, what: string): number => {
    const value = Number(at(index, what))
    if (!Number.isInteger(value) || value < 0) throw bad(what)
    return value
  }
  const host = (index: number, what: string): string => absolute(at(index, what))
  const data = (): Data => {
    switch (type) {
      case 'A':
      case 'AAAA': {
        const address = at(0, type)
        if (!isAddress(address) || address.includes(':') !== (type === 'AAAA')) throw bad(type)
        return { type, data: address }
      }
      case 'CNAME':
      case 'NS':
      case 'PTR':
        return { type, data: host(0, type) }
      case 'MX':
        return { type, data: { preference: number(0, 'Pref'), exchange: host(1, 'Mx') } }
      case 'SRV':
        return {
          type,
          data: { priority: number(0, 'Priority'), weight: number(1, 'Weight'), port: number(2, 'Port'), target: host(3, 'Target') },
        }
      case 'TXT':
        return { type, data: words.map((word) => word.replace(/^"(.*)"$/s, '$1').replaceAll(/\\(.)/g, '$1')) }
      case 'SOA': {
        const [serial, refresh, retry, expire, minimum] = [2, 3, 4, 5, 6].map((index) => seconds(at(index, 'zone parameter'))) as [
          number,
          number,
          number,
          number,
          number,
        ]
        return { type, data: { mname: host(0, 'Ns'), rname: host(1, 'Mbox'), serial, refresh, retry, expire, minimum } }
      }
      default:
        throw new RecordTextError(`dns: the simulated cluster cannot read a record of type "${type}" in "${text}"`)
    }
  }
  return { name: absolute(name), ttl, ...data() }
}

const absolute = (name: string) => (name.endsWith('.') ? name : `${name}.`)

function seconds(text: string): number {
  const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
  const match = /^(\d+)([smhdw]?)$/i.exec(text)
  if (!match) throw new RecordTextError(`dns: not a TTL: "${text}"`)
  return Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1)
}
