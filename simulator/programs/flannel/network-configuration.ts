import { type Prefix, parsePrefix, prefixContains } from '../../network/address.ts'

/** net-conf.json as flanneld reads it: keys in any case, as Go's decoder takes them. Follows flannel 0.27's pkg/subnet/config.go and backends. */
export interface NetworkConfiguration {
  readonly network: string
  readonly type: string
  readonly vni: number
  /** 0: the kernel's own, 8472. */
  readonly port: number
  /** Of the underlay; absent: that of the interface. */
  readonly mtu?: number
  readonly directRouting: boolean
  readonly learning: boolean
  readonly nftables: boolean
}

/** Throws an Error in the decoder's words. */
export function parseNetwork(text: string): NetworkConfiguration {
  let decoded: unknown
  try {
    decoded = JSON.parse(text)
  } catch (error) {
    throw new Error(goSyntaxError(text, error instanceof Error ? error.message : ''))
  }
  const outer = lowered(decoded)
  const network = String(outer['network'] ?? '')
  try {
    parsePrefix(network)
  } catch {
    throw new Error(`invalid CIDR address: ${network}`)
  }
  const backend = lowered(outer['backend'])
  const number = (key: string) => Number(backend[key] ?? 0)
  return {
    network,
    type: outer['backend'] === undefined ? 'udp' : String(backend['type'] ?? ''),
    vni: number('vni') || 1,
    port: number('port'),
    ...(number('mtu') > 0 ? { mtu: number('mtu') } : {}),
    directRouting: backend['directrouting'] === true,
    learning: backend['learning'] === true,
    nftables: outer['enablenftables'] === true,
  }
}

/** Whether all of `inner` is within `outer`. */
export function containsCidr(outer: string, inner: string): boolean {
  const [wide, narrow]: [Prefix, Prefix] = [parsePrefix(outer), parsePrefix(inner)]
  return wide.length <= narrow.length && prefixContains(wide, narrow.text.split('/')[0] as string)
}

function lowered(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), one]))
}

/** encoding/json's words for what JavaScript's parser found at the same place. */
function goSyntaxError(text: string, message: string): string {
  const position = /position (\d+)/.exec(message)?.[1]
  const character = position === undefined ? /^Unexpected token '(.)'/.exec(message)?.[1] : text[Number(position)]
  if (character === undefined) return 'unexpected end of JSON input'
  const places: readonly (readonly [RegExp, string])[] = [
    [/property name or '\}'|double-quoted property name/, 'looking for beginning of object key string'],
    [/after property value/, 'after object key:value pair'],
    [/after array element/, 'after array element'],
    [/after property name/, 'after object key'],
    [/after JSON/, 'after top-level value'],
  ]
  const place = places.find(([pattern]) => pattern.test(message))?.[1] ?? 'looking for beginning of value'
  return `invalid character '${character}' ${place}`
}
