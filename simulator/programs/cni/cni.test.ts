import { expect, it } from 'vitest'
import { EventLoop, HeldTime } from '../../clock.ts'
import { MemoryFiles } from '../../memory-files.ts'
import { createNetwork, upLoopback } from '../../network/network.ts'
import { Random } from '../../random.ts'
import { type CniCall, CniError, type CniPlugin } from '../process.ts'
import { bridge } from './bridge.ts'
import { flannelPlugin } from './flannel.ts'
import { hostLocal } from './host-local.ts'
import { portmap } from './portmap.ts'
import { ptp } from './ptp.ts'

const plugins: Record<string, CniPlugin> = { bridge, flannel: flannelPlugin, 'host-local': hostLocal, portmap, ptp }

function node() {
  const clock = new EventLoop(new HeldTime(0), (error) => {
    throw error
  })
  const network = createNetwork({ clock, random: new Random(1) })
  const machine = network.addMachine('node')
  upLoopback(machine.root)
  const files = new MemoryFiles({ now: () => clock.now() })
  let count = 0
  const call = (config: Record<string, unknown>, previous?: CniCall['previous']): CniCall => {
    const namespace = machine.addNamespace(`cni-${count}`)
    upLoopback(namespace)
    const one: CniCall = {
      containerId: `container${count++}`,
      namespace,
      interfaceName: 'eth0',
      config: { name: 'net', cniVersion: '1.0.0', ...config },
      previous,
      args: {},
      files,
      host: machine.root,
      delegate: (type, delegated, before) => plugins[type]!.add({ ...one, config: delegated, previous: before }),
      delegateDel: (type, delegated) => plugins[type]!.del({ ...one, config: delegated }),
      connectApi: () => {
        throw new Error('not part of this node')
      },
      request: () => {
        throw new Error('not part of this node')
      },
    }
    return one
  }
  return { machine, files, call }
}

const ipam = { type: 'host-local', ranges: [[{ subnet: '10.244.1.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] }

it('ptp gives each pod a routed veth with the gateway behind it', () => {
  const { machine, call } = node()
  const one = call({ type: 'ptp', ipam, mtu: 1450 })
  const result = ptp.add(one)
  expect(result.ips[0]).toMatchObject({ address: '10.244.1.2/24', gateway: '10.244.1.1' })
  expect(one.namespace.link('eth0')).toMatchObject({ mtu: 1450, up: true })
  expect(one.namespace.routing.lookup({ dst: '8.8.8.8' })?.nextHop).toBe('10.244.1.1')
  expect(one.namespace.routing.lookup({ dst: '10.244.1.9' })?.nextHop).toBe('10.244.1.1')
  expect(machine.root.routing.lookup({ dst: '10.244.1.2' })?.link?.name).toMatch(/^veth/)
  expect(machine.root.sysctl('net.ipv4.ip_forward')).toBe('1')
})

it('bridge puts pods of a node on one bridge that is their gateway', () => {
  const { machine, call } = node()
  const config = { type: 'bridge', bridge: 'cni0', isDefaultGateway: true, hairpinMode: true, ipam }
  const [one, two] = [call(config), call(config)]
  bridge.add(one)
  bridge.add(two)
  expect(machine.root.link('cni0')?.addresses).toMatchObject([{ address: '10.244.1.1', length: 24 }])
  expect(machine.root.link('cni0')?.ports).toHaveLength(2)
  expect(machine.root.link('cni0')?.ports.every(({ hairpin }) => hairpin)).toBe(true)
  expect(one.namespace.routing.lookup({ dst: '8.8.8.8' })?.nextHop).toBe('10.244.1.1')
})

it('everything is gone again after DEL', () => {
  for (const plugin of [ptp, bridge]) {
    const { machine, files, call } = node()
    const one = call({ type: 'x', ipam })
    plugin.add(one)
    plugin.del(one)
    expect(one.namespace.link('eth0')).toBeUndefined()
    expect(machine.root.links().filter(({ kind }) => kind === 'veth')).toEqual([])
    expect(files.list('/var/lib/cni/networks/net').map(({ name }) => name)).toEqual(['last_reserved_ip.0'])
  }
})

it('host-local does not give an address out twice, moves on, and says when there is none left', () => {
  const { call } = node()
  const small = { type: 'host-local', ranges: [[{ subnet: '10.0.0.0/29' }]] }
  const given = Array.from({ length: 5 }, () => hostLocal.add(call({ ipam: small })).ips[0]?.address)
  expect(given).toEqual(['10.0.0.2/29', '10.0.0.3/29', '10.0.0.4/29', '10.0.0.5/29', '10.0.0.6/29'])
  expect(() => hostLocal.add(call({ ipam: small }))).toThrow('no IP addresses available in range set: 10.0.0.1-10.0.0.6')
})

it('flannel waits for flanneld to have written its subnet, and delegates with it', () => {
  const { files, call } = node()
  const config = { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } }
  expect(() => flannelPlugin.add(call(config))).toThrow(
    new CniError(100, 'loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory'),
  )
  files.makeDirectory('/run/flannel', { parents: true })
  files.write(
    '/run/flannel/subnet.env',
    'FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  )
  const one = call(config)
  expect(flannelPlugin.add(one).ips[0]?.address).toBe('10.244.1.2/24')
  expect(one.namespace.link('eth0')?.mtu).toBe(1450)
  expect(one.namespace.routing.lookup({ dst: '10.244.7.7' })?.nextHop).toBe('10.244.1.1')
})

it('portmap forwards a host port, and takes it away again', () => {
  const { machine, call } = node()
  const previous = { interfaces: [], ips: [{ address: '10.244.1.2/24' }], routes: [] }
  const one = call({ type: 'portmap', runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] } }, previous)
  expect(portmap.add(one)).toBe(previous)
  const rules = () => machine.root.netfilter.chain('nat', 'CNI-HOSTPORT-DNAT')?.rules ?? []
  expect(rules()).toHaveLength(1)
  portmap.del(one)
  expect(rules()).toEqual([])
})
