import { parsePrefix } from './address.ts'
import { hasCarrier } from './link.ts'
import type { NetworkNamespace } from './namespace.ts'
import type { Route } from './routing.ts'

/** One line of `ip route`. */
export function routeLine(namespace: NetworkNamespace, route: Route): string {
  const bits = parsePrefix(route.dst).words.length * 32
  const dst = /^0\.0\.0\.0\/0$/.test(route.dst) ? 'default' : route.dst.replace(new RegExp(`/${bits}$`), '')
  const link = route.dev === undefined ? undefined : namespace.link(route.dev)
  const words = [
    route.type === 'unicast' ? '' : route.type,
    dst,
    route.via ? `via ${route.via}` : '',
    route.dev ? `dev ${route.dev}` : '',
    typeof route.protocol === 'string' && route.protocol === 'boot' ? '' : `proto ${route.protocol}`,
    route.scope === 'global' || route.type === 'blackhole' ? '' : `scope ${route.scope}`,
    route.src ? `src ${route.src}` : '',
    route.metric > 0 ? `metric ${route.metric}` : '',
    route.mtu === undefined ? '' : `mtu ${route.mtu}`,
    route.onlink ? 'onlink' : '',
    link && route.type === 'unicast' && !hasCarrier(link) ? 'linkdown' : '',
  ]
  return `${words.filter((word) => word !== '').join(' ')} `
}
