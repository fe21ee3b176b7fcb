import { parsePrefix, prefixContains } from '../../../network/address.ts'
import type { NetworkNamespace } from '../../../network/namespace.ts'
import type { NewRoute } from '../../../network/routing.ts'
import type { InformerCache } from '../../informers.ts'
import { type IPAMBlock, type IPPool, isUsable, resources } from '../datastore.ts'
import { syncRoutes } from '../felix/kernel-routes.ts'

/** The blocks of this node, which BIRD tells its neighbours of. */
export function exported(cache: InformerCache, node: string): string[] {
  return ownBlocks(cache, node)
    .filter((cidr) => {
      const pool = poolOf(cache, cidr)
      return pool !== undefined && !pool.spec.disableBGPExport
    })
    .sort()
}

/**
 * Routes of `proto bird`: to each neighbour's blocks, by tunl0 or straight as the pool says, and a hole for what nobody of the own blocks
 * has (the templates bird_ipam.cfg and bird_aggr.cfg). Pools with VXLAN are Felix's.
 */
export function syncBirdRoutes(
  namespace: NetworkNamespace,
  cache: InformerCache,
  node: string,
  learned: ReadonlyMap<string, readonly string[]>,
): void {
  const own = namespace.link('eth0')?.addresses[0]
  const wanted: NewRoute[] = []
  const mine = ownBlocks(cache, node)
  for (const dst of mine) if (!usesVxlan(poolOf(cache, dst))) wanted.push({ dst, type: 'blackhole' })
  for (const [via, nets] of learned) {
    for (const dst of nets) {
      const pool = poolOf(cache, dst)
      if (usesVxlan(pool) || mine.includes(dst) || wanted.some((route) => route.dst === dst)) continue
      const mode = pool?.spec.ipipMode ?? 'Never'
      const near = own !== undefined && prefixContains(parsePrefix(`${own.address}/${own.length}`), via)
      const tunnel = mode === 'Always' || (mode === 'CrossSubnet' && !near)
      wanted.push(tunnel ? { dst, via, dev: 'tunl0', onlink: true } : { dst, via, dev: 'eth0' })
    }
  }
  const possible = wanted.filter(({ dev }) => dev === undefined || namespace.link(dev)?.up)
  syncRoutes(namespace, 'bird', possible)
}

function ownBlocks(cache: InformerCache, node: string): string[] {
  return cache.list<IPAMBlock>(resources.blocks).flatMap(({ spec }) => (spec.affinity === `host:${node}` ? spec.cidr : []))
}

function poolOf(cache: InformerCache, cidr: string): IPPool | undefined {
  const address = cidr.split('/')[0]!
  return cache.list<IPPool>(resources.pools).find((pool) => isUsable(pool) && prefixContains(parsePrefix(pool.spec.cidr), address))
}

function usesVxlan(pool: IPPool | undefined): boolean {
  return pool?.spec.vxlanMode === 'Always' || pool?.spec.vxlanMode === 'CrossSubnet'
}
