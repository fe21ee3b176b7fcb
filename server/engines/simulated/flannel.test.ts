import { expect, it } from 'vitest'
import { pluginWorld } from './testing/plugin-world.ts'

const [one, two] = ['test-worker', 'test-worker2']
const withNetwork = (network: unknown) => (object: any) => {
  if (object.kind === 'ConfigMap') object.data['net-conf.json'] = JSON.stringify(network)
}
const logs = (world: Awaited<ReturnType<typeof pluginWorld>>) => world.logs('app=flannel', 'kube-flannel')

it('logs its start as the real one does', async () => {
  const world = await pluginWorld()
  await world.install('flannel')
  const text = await logs(world)
  for (const line of [
    /W\d{4} .* client_config\.go:667\] Neither --kubeconfig nor --master was specified\. {2}Using the inClusterConfig\. {2}This might not work\./,
    /I\d{4} .* match\.go:291\] Defaulting external address to interface address \(172\.18\.0\.3\)/,
    /vxlan\.go:128\] VXLAN config: VNI=1 Port=0 GBP=false Learning=false DirectRouting=false/,
    /iptables\.go:101\] Current network or subnet \(10\.244\.0\.0\/16, 10\.244\.1\.0\/24\) is not equal to previous one \(0\.0\.0\.0\/0, 0\.0\.0\.0\/0\), trying to recycle old iptables rules/,
    /main\.go:471\] Running backend\./,
    /Batch elem \[0\] is \{ lease\.Event\{Type:0, Lease:lease\.Lease\{EnableIPv4:true, EnableIPv6:false, Subnet:ip\.IP4Net\{IP:0xaf40\d00, PrefixLen:0x18\}/,
    /Received Subnet Event with VxLan: BackendType: vxlan, PublicIP: 172\.18\.0\.4, PublicIPv6: \(nil\), BackendData: \{"VNI":1,"VtepMAC":"[0-9a-f:]{17}"\}/,
  ]) {
    expect(text).toMatch(line)
  }
})

it('gives up where its network does not contain the node pods, and nodes stay without one', async () => {
  const world = await pluginWorld()
  await world.install('flannel', withNetwork({ Network: '10.10.0.0/16', Backend: { Type: 'vxlan' } }))
  expect(await logs(world)).toContain(
    `Error registering network: failed to acquire lease: subnet "10.10.0.0/16" specified in the flannel net config doesn't contain "10.244.1.0/24" PodCIDR of the "${one}" node`,
  )
  // The configuration of the plugin is there, so the node is ready; but pods get no network.
  expect(await world.pod('a', one)).toBeUndefined()
  expect(world.warnings('a').join()).toContain('loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory')
})

it('takes the VNI, port and MTU of its configuration, and those of other nodes must be the same', async () => {
  const world = await pluginWorld()
  await world.install('flannel', withNetwork({ Network: '10.244.0.0/16', Backend: { Type: 'vxlan', VNI: 42, Port: 4789, MTU: 1400 } }))
  expect(world.root(one).link('flannel.42')).toMatchObject({ mtu: 1350, vxlan: { id: 42, port: 4789 } })
  await world.pod('a', one)
  await world.pod('b', two)
  expect(await world.reaches('a', 'b')).toBe(true)
  expect(world.cluster.podPlace('default', 'a').namespace.link('eth0')?.mtu).toBe(1350)
  // One node gets another port, as after a change that only its agent has read.
  const map = { data: { 'net-conf.json': '{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan","VNI":42,"Port":8472}}' } }
  world.api.patch('configmaps', 'kube-flannel', 'kube-flannel-cfg', map, { type: 'merge' })
  const agent = world.api.list<any>('pods', { labelSelector: 'app=flannel' }).find(({ spec }) => spec.nodeName === two)!
  world.api.delete('pods', 'kube-flannel', agent.metadata.name)
  await world.pass(60_000)
  expect(await logs(world)).toContain('"flannel.42" already exists with incompatible configuration: port: 8472 vs 4789; recreating device')
  expect(await world.reaches('a', 'b')).toBe(false)
})

it('routes directly with host-gw and with DirectRouting, and host-gw has no route to a node of another segment', async () => {
  for (const backend of [{ Type: 'host-gw' }, { Type: 'vxlan', DirectRouting: true }]) {
    const world = await pluginWorld()
    await world.install('flannel', withNetwork({ Network: '10.244.0.0/16', Backend: backend }))
    await world.pod('a', one)
    await world.pod('b', two)
    expect(await world.reaches('a', 'b')).toBe(true)
    expect(world.root(one).routing.routes.find(({ dst }) => dst === '10.244.2.0/24')).toMatchObject({ via: '172.18.0.4' })
    if (backend.Type !== 'host-gw') continue
    expect(await logs(world)).toMatch(/route_network\.go:93\] Subnet added: 10\.244\.2\.0\/24 via 172\.18\.0\.4/)
    world.api.create('nodes', {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: 'elsewhere',
        annotations: {
          'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
          'flannel.alpha.coreos.com/backend-type': 'host-gw',
          'flannel.alpha.coreos.com/backend-data': 'null',
          'flannel.alpha.coreos.com/public-ip': '192.168.7.9',
        },
      },
      spec: { podCIDR: '10.244.9.0/24' },
    } as any)
    await world.pass(5000)
    expect(await logs(world)).toMatch(
      /E\d{4} .* route_network\.go:168\] Error adding route to \{Ifindex: \d+ Dst: 10\.244\.9\.0\/24 Src: <nil> Gw: 192\.168\.7\.9 Flags: \[\] Table: 0 Realm: 0\}: network is unreachable/,
    )
    expect(world.defects).toEqual([])
  }
})

it('announces the address that an annotation gives, and host-gw refuses one', async () => {
  const world = await pluginWorld()
  world.api.patch(
    'nodes',
    undefined,
    one,
    { metadata: { annotations: { 'flannel.alpha.coreos.com/public-ip-overwrite': '203.0.113.7' } } },
    { type: 'merge' },
  )
  await world.install('flannel')
  expect(world.api.get<any>('nodes', undefined, one).metadata.annotations).toMatchObject({
    'flannel.alpha.coreos.com/public-ip': '203.0.113.7',
    'flannel.alpha.coreos.com/backend-type': 'vxlan',
    'flannel.alpha.coreos.com/kube-subnet-manager': 'true',
  })
  const map = { data: { 'net-conf.json': '{"Network":"10.244.0.0/16","Backend":{"Type":"host-gw"}}' } }
  world.api.patch('configmaps', 'kube-flannel', 'kube-flannel-cfg', map, { type: 'merge' })
  for (const { metadata } of world.api.list<any>('pods', { labelSelector: 'app=flannel' }))
    world.api.delete('pods', 'kube-flannel', metadata.name)
  await world.pass(60_000)
  expect(await logs(world)).toContain(
    "Error fetching backend: your PublicIP differs from interface IP, meaning that probably you're on a NAT, which is not supported by host-gw backend",
  )
})

it('masquerades only where it is told to, and forwards in any case', async () => {
  const world = await pluginWorld()
  await world.install('flannel', (object) => {
    if (object.kind === 'DaemonSet') object.spec.template.spec.containers[0].args = ['--kube-subnet-mgr']
  })
  const { netfilter } = world.root(one)
  expect(netfilter.chain('nat', 'FLANNEL-POSTRTG')).toBeUndefined()
  expect(netfilter.chain('filter', 'FLANNEL-FWD')?.rules).toHaveLength(2)
  expect(world.files(one).readText('/run/flannel/subnet.env')).toContain('FLANNEL_IPMASQ=false')
})
