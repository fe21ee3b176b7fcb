import fc from 'fast-check'
import { expect, it } from 'vitest'
import { extensionWorld } from '../../apiserver/extensions/testing/extension-world.ts'
import { calicoKinds } from '../../bootstrap/calico-kinds/kinds.ts'
import { calicoObject, type IPAMBlock, type IPPool, resources } from './datastore.ts'
import { assignAddress, releaseHandle } from './ipam.ts'

function cluster(cidr = '10.244.0.0/16', blockSize = 26) {
  const { api, settle } = extensionWorld()
  for (const kind of calicoKinds) api.create('customresourcedefinitions.apiextensions.k8s.io', kind)
  settle()
  api.create<IPPool>(resources.pools, calicoObject('IPPool', 'default-ipv4-ippool', { cidr, blockSize }))
  const take = (node: string, handle: string) => assignAddress(api, { node, handle, attributes: { node } })
  return { api, take }
}

it('gives addresses of the block that the node claimed, which the API then shows', () => {
  const { api, take } = cluster()
  const given = ['a', 'b', 'c'].map((handle) => take('node-1', handle))
  const other = take('node-2', 'd')
  const blocks = api.list<IPAMBlock>(resources.blocks)
  expect(blocks).toHaveLength(2)
  const own = blocks.find(({ spec }) => spec.affinity === 'host:node-1')!
  const base = own.spec.cidr.split('/')[0]!
  expect(given[0]).toBe(base)
  expect(own.spec.allocations.slice(0, 4)).toEqual([0, 1, 2, null])
  expect(own.metadata?.name).toBe(own.spec.cidr.replace(/[./]/g, '-'))
  expect(api.list(resources.affinities).map(({ metadata }) => metadata?.name)).toContain(`node-1-${own.metadata?.name}`)
  expect(given).not.toContain(other)
})

it('says what the real one says where there is nothing to give', () => {
  const { api, take } = cluster('10.0.0.0/30', 30)
  for (let index = 0; index < 4; index++) take('node-1', `h${index}`)
  expect(() => take('node-1', 'more')).toThrow(/^Assigned 0 out of 1 requested IPv4 addresses; /)
  api.delete(resources.pools, undefined, 'default-ipv4-ippool')
  expect(() => take('node-1', 'more')).toThrow('no configured Calico pools for node node-1')
})

it('never gives an address twice, and has room for as many as the pool holds', () => {
  const step = fc.record({ node: fc.nat(2), handle: fc.nat(30), release: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { api, take } = cluster('10.9.0.0/24', 28)
      const held = new Map<string, string>()
      for (const { node, handle, release } of steps) {
        const name = `h${handle}`
        if (release) {
          expect(releaseHandle(api, name)).toEqual(held.has(name) ? [held.get(name)] : [])
          held.delete(name)
        } else if (!held.has(name)) {
          const address = take(`node-${node}`, name)
          expect([...held.values()]).not.toContain(address)
          held.set(name, address)
        }
      }
      const counted = api.list<IPAMBlock>(resources.blocks).flatMap(({ spec }) => spec.allocations.filter((one) => one !== null))
      expect(counted).toHaveLength(held.size)
      expect(api.list(resources.handles)).toHaveLength(held.size)
    }),
    { numRuns: 100 },
  )
})
