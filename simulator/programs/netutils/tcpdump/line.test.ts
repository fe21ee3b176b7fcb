import { expect, test } from 'vitest'
import { udpPacket } from '../../../network/packet.ts'
import { packetLine } from './line.ts'

test('what is inside a tunnel is told by its port', () => {
  const inner = udpPacket('10.244.1.2', 4000, '10.244.2.2', 5000, new Uint8Array(3))
  const line = (port: number) => {
    const outer = udpPacket('172.18.0.3', 40_000, '172.18.0.4', port, new Uint8Array())
    return packetLine({ ...outer, inner, vni: 1, size: outer.size + inner.size + 22 }, new Map(), false)
  }
  expect(line(4789)).toBe(
    'IP 172.18.0.3.40000 > 172.18.0.4.4789: VXLAN, flags [I] (0x08), vni 1\nIP 10.244.1.2.4000 > 10.244.2.2.5000: UDP, length 3',
  )
  expect(line(8472)).toContain('8472: OTV, flags [I] (0x08), overlay 0, instance 1\nIP 10.244.1.2.4000 >')
  expect(line(6784)).toBe('IP 172.18.0.3.40000 > 172.18.0.4.6784: UDP, length 53')
})
