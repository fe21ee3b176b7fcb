import { expect, test } from 'vitest'
import { stage } from '../testing/stage.ts'

test('bridge shows where a VXLAN device and a bridge send frames', async () => {
  const { run, net, client } = stage()
  const [node] = net.nodes
  node.addVxlan('flannel.1', { id: 1, local: '172.18.0.2', port: 8472, learning: false }, { mtu: 1450 })
  node.addFdb('flannel.1', { mac: '02:00:00:00:00:09', remote: '172.18.0.3' })
  expect((await run('bridge fdb show dev flannel.1', { from: node })).out).toBe(
    '02:00:00:00:00:09 dev flannel.1 dst 172.18.0.3 self permanent \n',
  )
  await run('ping -c 1 10.244.1.8')
  const port = client.link('eth0')!.peer!
  expect((await run('bridge fdb show br cni0', { from: node })).out).toContain(
    `${client.link('eth0')!.mac} dev ${port.name} master cni0 \n`,
  )
  expect((await run('bridge link', { from: node })).out).toContain(`${port.index}: ${port.name}@if`)
  expect(await run('bridge fdb show dev nope')).toMatchObject({ code: 1, err: 'Cannot find device "nope"\n' })
  expect(await run('bridge vlan')).toMatchObject({ code: 255, err: 'bridge: the simulated bridge does not model the object "vlan"\n' })
})
