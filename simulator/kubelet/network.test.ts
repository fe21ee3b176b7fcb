import { expect, test } from 'vitest'
import type { Clock } from '../clock.ts'
import { Network } from '../network/network.ts'
import { hostLocal } from '../programs/cni/host-local.ts'
import { ptp } from '../programs/cni/ptp.ts'
import { executable } from '../programs/process.ts'
import type { Random } from '../random.ts'
import { nullSink, Pipe } from '../streams.ts'
import { catalogue, collect, fakeNode } from './testing/fake-node.ts'

const conflist = {
  cniVersion: '0.3.1',
  name: 'kindnet',
  plugins: [
    {
      type: 'ptp',
      ipMasq: false,
      ipam: { type: 'host-local', dataDir: '/run/cni-ipam-state', routes: [{ dst: '0.0.0.0/0' }], ranges: [[{ subnet: '10.244.1.0/24' }]] },
      mtu: 1500,
    },
  ],
}

/** The same kubelet on a machine whose packets walk, with the plugins that kindnet configures. */
function realNode() {
  return fakeNode({
    network: false,
    machine(clock: Clock, random: Random) {
      const network = new Network({ clock, random })
      const machine = network.addMachine('worker')
      network.attach(machine.root, network.addSegment('kind'), { address: '172.18.0.3/16' })
      machine.root.setLink('lo', { up: true })
      machine.root.setSysctl('net.ipv4.ip_forward', '1')
      return machine
    },
    files: {
      '/opt/cni/bin/ptp': { content: executable(ptp), mode: 0o755 },
      '/opt/cni/bin/host-local': { content: executable(hostLocal), mode: 0o755 },
      '/etc/cni/net.d/10-kindnet.conflist': { content: JSON.stringify(conflist) },
    },
    catalogue: { ...catalogue, nodeExecutables: { '/opt/cni/bin/ptp': ptp, '/opt/cni/bin/host-local': hostLocal } },
  })
}

const web = { containers: [{ name: 'app', image: 'web:1.0', readinessProbe: { httpGet: { port: 8080, path: '/' } } }] }

test('probes walk through the simulated network, and a deleted pod gives its address and namespace back', async () => {
  const node = realNode()
  node.run('web', web)
  await node.pass(2000)
  expect(node.errors).toEqual([])
  expect(node.status('web')?.ready).toBe(true)
  expect(node.pod('web').status.podIP).toMatch(/^10\.244\.1\.\d+$/)
  expect(node.pod('web').status.hostIP).toBe('172.18.0.3')
  const { address } = { address: node.pod('web').status.podIP ?? '' }
  expect(node.files.exists(`/run/cni-ipam-state/kindnet/${address}`)).toBe(true)
  node.api.delete('pods', 'default', 'web')
  await node.pass(2000)
  expect(node.pod('web')).toBeUndefined()
  expect(node.machine.namespaces()).toHaveLength(1)
  expect(node.files.exists(`/run/cni-ipam-state/kindnet/${address}`)).toBe(false)
})

test('port-forward reaches the pod’s loopback, and says what a refused port says', async () => {
  const node = realNode()
  node.run('web', web)
  await node.pass(2000)
  const forward = node.kubelet.api.portForward('default', 'web')
  const { signal } = new AbortController()
  let answer = ''
  const sink = {
    write: async (bytes: Uint8Array | string) => {
      answer += new TextDecoder().decode(bytes as Uint8Array)
    },
  }
  const source = new Pipe()
  await source.write('GET / HTTP/1.1\r\n\r\n')
  const over = forward(8080, { source, sink }, signal)
  await node.pass(1500)
  expect(node.errors).toEqual([])
  expect(answer).toContain('HTTP/1.1 200 OK')
  await over
  const refused = forward(81, { source: new Pipe(), sink }, signal)
  const failure = expect(refused).rejects.toThrow(
    /^error forwarding port 81 to pod [0-9a-f]{64}, uid : failed to execute portforward in network namespace "\/var\/run\/netns\/cni-\S+": failed to connect to localhost:81 inside namespace "[0-9a-f]{64}", IPv4: dial tcp4 127\.0\.0\.1:81: connect: connection refused IPv6 dial tcp6 \[::1\]:81: connect: cannot assign requested address $/,
  )
  await node.pass(100)
  await failure
})

test('forwarded connections end with their pod, and the next one is told', async () => {
  const node = realNode()
  node.run('web', web)
  await node.pass(2000)
  const forward = node.kubelet.api.portForward('default', 'web')
  const { signal } = new AbortController()
  const open = forward(8080, { source: new Pipe(), sink: nullSink }, signal)
  await node.pass(100)
  node.api.delete('pods', 'default', 'web', { gracePeriodSeconds: 0 })
  await node.pass(2000)
  await open
  await expect(forward(8080, { source: new Pipe(), sink: nullSink }, signal)).rejects.toThrow(
    /uid : failed to find sandbox "[0-9a-f]{64}" in store: not found$/,
  )
  expect(() => node.kubelet.api.portForward('default', 'web')).toThrow('pod does not exist')
  expect(node.errors).toEqual([])
})

test('after a restore the daemons listen again', async () => {
  const node = realNode()
  node.run('web', web)
  await node.pass(12_000)
  const before = node.pod('web').status
  node.restart()
  await node.pass(25_000)
  expect(node.errors).toEqual([])
  expect(node.pod('web').status).toEqual(before)
  expect(
    await collect((output) =>
      node.kubelet.api.exec('default', 'web', { command: ['echo', 'hi'], stdin: false, stdout: true, stderr: true, tty: false }, output),
    ),
  ).toEqual({
    code: 0,
    stdout: 'hi\n',
    stderr: '',
  })
})
