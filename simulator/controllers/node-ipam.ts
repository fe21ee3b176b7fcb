import { type Controller, workQueue } from './controller.ts'
import type { NodeObject } from './placement.ts'

/** Gives every node a /24 of the cluster's pod CIDR. Follows upstream's range allocator in pkg/controller/nodeipam. */
export const nodeIpamController: Controller = {
  name: 'node-ipam-controller',
  start(world) {
    const { api, clock } = world
    const [base = '10.244.0.0', bits = '16'] = world.podCidr.split('/')
    const count = 2 ** Math.max(0, 24 - Number(bits))
    const first = base.split('.').reduce((number, octet) => number * 256 + Number(octet), 0)
    const block = (index: number) => {
      const address = first + index * 256
      return `${[24, 16, 8].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')}.0/24`
    }

    const queue = workQueue('node-ipam', clock, (name) => {
      const node = api.find<NodeObject>('nodes', undefined, name)
      if (!node || node.spec?.podCIDR) return
      const taken = new Set(api.list<NodeObject>('nodes').map(({ spec }) => spec?.podCIDR))
      for (let index = 0; index < count; index++) {
        if (taken.has(block(index))) continue
        api.update('nodes', { ...node, spec: { ...node.spec, podCIDR: block(index), podCIDRs: [block(index)] } })
        return
      }
    })
    api.watch<NodeObject>(
      'nodes',
      ({ type, object }) => {
        if (type !== 'DELETED' && !object.spec?.podCIDR) queue.add(object.metadata?.name ?? '')
      },
      { initial: world.fresh },
    )
  },
}
