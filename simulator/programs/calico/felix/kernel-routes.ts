import type { NetworkNamespace } from '../../../network/namespace.ts'
import type { NewRoute, Route } from '../../../network/routing.ts'

/** Makes the routes of one program, which are known by their protocol, what they should be; what is right already is left alone. */
export function syncRoutes({ routing }: NetworkNamespace, protocol: Route['protocol'], wanted: readonly NewRoute[]): void {
  const fits = (route: Route, one: NewRoute) =>
    route.dst === one.dst && route.via === one.via && route.dev === one.dev && route.type === (one.type ?? 'unicast')
  const mine = routing.routes.filter((route) => route.protocol === protocol)
  for (const route of mine) if (!wanted.some((one) => fits(route, one))) routing.remove({ dst: route.dst, protocol })
  for (const one of wanted) {
    if (!routing.routes.some((route) => route.protocol === protocol && fits(route, one))) routing.add({ ...one, protocol }, true)
  }
}
