import { describe, expect, it } from 'vitest'
import { ninePods } from './testing/nine-pods.ts'

const toNobody = { podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Egress'] }
const dnsToo = {
  ...toNobody,
  egress: [
    {
      to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }],
      ports: [{ protocol: 'UDP', port: 53 as never }],
    },
  ],
}

describe.each(['kindnet', 'calico'] as const)('policies and Services on %s', (cni) => {
  it('judges who is really behind a Service, and forgets DNS where the policy does', async () => {
    const world = await ninePods(cni)
    const { api, clock } = world.cluster
    api.create('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', namespace: 'x' },
      spec: { selector: { pod: 'a' }, ports: [{ port: 8080, targetPort: 80 }] },
    })
    await world.pass(2000)
    const address = api.get<any>('services', 'x', 'a').spec.clusterIP as string
    const reaches = (from: string, to = { address, port: 8080 }) => {
      let connected = false
      const connection = world.netns(from).sockets.connectTcp(to, {
        connected: () => {
          connected = true
        },
      })
      clock.settle()
      connection.reset()
      return connected
    }
    const resolves = (from: string) => {
      let answered = false
      const question = new Uint8Array([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1])
      const socket = world.netns(from).sockets.bindUdp(
        {},
        {
          datagram: () => {
            answered = true
          },
        },
      )
      socket.send(question, { address: '10.96.0.10', port: 53 })
      clock.settle()
      socket.close()
      return answered
    }
    expect([reaches('x/b'), reaches('y/b'), reaches('x/a'), resolves('x/a')]).toEqual([true, true, true, true])

    const fromB = {
      policies: [{ podSelector: { matchLabels: { pod: 'a' } }, ingress: [{ from: [{ podSelector: { matchLabels: { pod: 'b' } } }] }] }],
    }
    world.apply(fromB)
    expect([reaches('x/b'), reaches('y/b')]).toEqual([true, false])
    world.undo(fromB)

    world.apply({ policies: [toNobody] })
    expect([reaches('x/a', { address: world.address('y/b'), port: 80 }), resolves('x/a'), resolves('x/b')]).toEqual([false, false, true])
    world.undo({ policies: [toNobody] })
    world.apply({ policies: [dnsToo] })
    expect([reaches('x/a', { address: world.address('y/b'), port: 80 }), resolves('x/a')]).toEqual([false, true])
    expect(world.defects).toEqual([])
  })
})
