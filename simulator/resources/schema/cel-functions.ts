import type { Environment } from '@marcbachmann/cel-js'
import { goPattern } from '../../go-pattern.ts'
import { type Address, type Cidr, cidrContains, formatAddress, parseAddress, parseCidr } from '../addresses.ts'
import { parseQuantity } from '../quantity.ts'
import { goMatches } from './cel-text.ts'
import { isOfFormat } from './formats.ts'

/** Wrapped, so that CEL knows the type by its class. */
class Ip {
  readonly address: Address
  constructor(text: string) {
    const address = parseAddress(text)
    if (!address) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`)
    this.address = address
  }
}

class Network {
  readonly cidr: Cidr
  /** As it was written, host bits and all. */
  readonly address: Ip
  constructor(text: string) {
    const cidr = parseCidr(text)
    if (!cidr) throw new Error(`network address parse error during conversion from string: network address ${JSON.stringify(text)}`)
    this.cidr = cidr
    this.address = new Ip(text.slice(0, text.indexOf('/')))
  }
}

class Amount {
  readonly nanos: bigint
  constructor(text: string) {
    const quantity = parseQuantity(text)
    if (!quantity) throw new Error(`quantities must match the regular expression, got ${JSON.stringify(text)}`)
    this.nanos = quantity.nanos
  }
}

const sameAddress = ({ address }: Ip, { address: other }: Ip) => address.family === other.family && address.value === other.value

type Comparable = string | number | bigint | boolean | Date
const least = (list: Comparable[], sign: 1 | -1) => {
  if (list.length === 0) throw new Error(`${sign > 0 ? 'min' : 'max'} called on empty list`)
  return list.reduce((before, one) => ((sign > 0 ? one < before : one > before) ? one : before))
}
const pattern = (text: string) => {
  const compiled = goPattern(text)
  if (!compiled) throw new Error(`Illegal regex: ${text}`)
  return compiled
}

/**
 * The functions that Kubernetes adds to CEL (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-cel-libraries) as far as
 * they are modelled: lists, regular expressions, strings, IP, CIDR and quantities. Others do not compile, and are refused by that.
 */
const functions: Readonly<Record<string, (...values: any[]) => unknown>> = {
  'list.isSorted(): bool': (list: Comparable[]) => list.every((one, index) => index === 0 || list[index - 1]! <= one),
  'list.sum(): dyn': (list: (number | bigint)[]) =>
    list.reduce((sum, one) => (sum as number) + (one as number), (typeof list[0] === 'number' ? 0 : 0n) as number | bigint),
  'list.min(): dyn': (list: Comparable[]) => least(list, 1),
  'list.max(): dyn': (list: Comparable[]) => least(list, -1),
  'list.indexOf(dyn): int': (list: unknown[], one: unknown) => BigInt(list.indexOf(one)),
  'list.lastIndexOf(dyn): int': (list: unknown[], one: unknown) => BigInt(list.lastIndexOf(one)),
  [`string.${goMatches}(string): bool`]: (text: string, regex: string) => pattern(regex).test(text),
  'string.find(string): string': (text: string, regex: string) => pattern(regex).exec(text)?.[0] ?? '',
  'string.findAll(string): list<string>': (text: string, regex: string) =>
    [...text.matchAll(new RegExp(pattern(regex).source, `${pattern(regex).flags}g`))].map(([found]) => found),
  'string.charAt(int): string': (text: string, index: bigint) => [...text][Number(index)] ?? '',
  'string.replace(string, string): string': (text: string, from: string, to: string) => text.replaceAll(from, () => to),
  'isURL(string): bool': (text: string) => isOfFormat('uri', text),
  'isIP(string): bool': (text: string) => parseAddress(text) !== undefined,
  'ip(string): IP': (text: string) => new Ip(text),
  'IP.family(): int': ({ address }: Ip) => (address.family === 'IPv4' ? 4n : 6n),
  'string(IP): string': ({ address }: Ip) => formatAddress(address),
  'isCIDR(string): bool': (text: string) => parseCidr(text) !== undefined,
  'cidr(string): CIDR': (text: string) => new Network(text),
  'CIDR.ip(): IP': ({ address }: Network) => address,
  'CIDR.masked(): CIDR': ({ cidr }: Network) =>
    new Network(`${formatAddress({ family: cidr.family, value: cidr.network })}/${cidr.prefix}`),
  'CIDR.prefixLength(): int': ({ cidr }: Network) => BigInt(cidr.prefix),
  'CIDR.containsIP(string): bool': ({ cidr }: Network, text: string) => cidrContains(cidr, new Ip(text).address),
  'CIDR.containsIP(IP): bool': ({ cidr }: Network, { address }: Ip) => cidrContains(cidr, address),
  'CIDR.containsCIDR(string): bool': ({ cidr }: Network, text: string) => {
    const inner = new Network(text).cidr
    return inner.prefix >= cidr.prefix && cidrContains(cidr, { family: inner.family, value: inner.network })
  },
  'isQuantity(string): bool': (text: string) => parseQuantity(text) !== undefined,
  'quantity(string): Quantity': (text: string) => new Amount(text),
  'Quantity.isLessThan(Quantity): bool': (one: Amount, other: Amount) => one.nanos < other.nanos,
  'Quantity.isGreaterThan(Quantity): bool': (one: Amount, other: Amount) => one.nanos > other.nanos,
  'Quantity.compareTo(Quantity): int': (one: Amount, other: Amount) => (one.nanos < other.nanos ? -1n : one.nanos > other.nanos ? 1n : 0n),
}

export function registerKubernetesFunctions(environment: Environment): void {
  environment.registerType('IP', Ip).registerType('CIDR', Network).registerType('Quantity', Amount)
  for (const [signature, handler] of Object.entries(functions)) environment.registerFunction(signature, handler)
  environment.registerOperator('IP == IP', (one: Ip, other: Ip) => sameAddress(one, other))
  environment.registerOperator('CIDR == CIDR', ({ cidr, address }: Network, other: Network) => {
    return cidr.prefix === other.cidr.prefix && sameAddress(address, other.address)
  })
  environment.registerOperator('Quantity == Quantity', (one: Amount, other: Amount) => one.nanos === other.nanos)
}
