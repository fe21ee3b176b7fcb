import { expect, it } from 'vitest'
import { containsCidr, parseNetwork } from './network-configuration.ts'

it('reads keys in any case, and what is absent as flanneld does', () => {
  expect(
    parseNetwork('{"Network": "10.244.0.0/16", "Backend": {"type": "vxlan", "vni": 7, "PORT": 4789, "mtu": 1400, "DirectRouting": true}}'),
  ).toEqual({
    network: '10.244.0.0/16',
    type: 'vxlan',
    vni: 7,
    port: 4789,
    mtu: 1400,
    directRouting: true,
    learning: false,
    nftables: false,
  })
  expect(parseNetwork('{"Network": "10.244.0.0/16"}')).toMatchObject({ type: 'udp', vni: 1, port: 0 })
})

it.each([
  ['{ "Network": "10.244.0.0/16", }', "invalid character '}' looking for beginning of object key string"],
  ['{ "Network": "10.244.0.0/16"', 'unexpected end of JSON input'],
  ['{ "Network": "10.244.0.0/16" "Backend": {} }', `invalid character '"' after object key:value pair`],
  ['{ "Network": 10.244.0.0/16 }', "invalid character '.' after object key:value pair"],
  ['{ "Network": x }', "invalid character 'x' looking for beginning of value"],
  ['{ "Network": "10.244.0.0/16" } }', "invalid character '}' after top-level value"],
  ['{ "Network": "10.244.0.0" , "Network": "ten" }', 'invalid CIDR address: ten'],
])('says of %s what Go says', (text, message) => {
  expect(() => parseNetwork(text)).toThrow(message)
})

it('knows what is within a network', () => {
  expect(containsCidr('10.244.0.0/16', '10.244.3.0/24')).toBe(true)
  expect(containsCidr('10.244.0.0/16', '10.245.3.0/24')).toBe(false)
  expect(containsCidr('10.244.0.0/24', '10.244.0.0/16')).toBe(false)
})
