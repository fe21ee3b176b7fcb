import { isLoopback, lastAddress, parseAddress, parsePrefix, prefixContains } from './address.ts'
import { KernelError } from './kernel-error.ts'
import type { Link, LinkAddress } from './link.ts'
import type { NetworkNamespace } from './namespace.ts'

export type RouteType = 'unicast' | 'local' | 'broadcast' | 'blackhole' | 'unreachable' | 'prohibit'
export type RouteTable = 'local' | 'main' | 'default' | number

/** As `ip route`. `dst` is a prefix (`0.0.0.0/0` for `default`). */
export interface Route {
  readonly dst: string
  readonly type: RouteType
  readonly via?: string
  readonly dev?: string
  readonly src?: string
  readonly metric: number
  readonly table: RouteTable
  readonly scope: 'global' | 'link' | 'host'
  readonly protocol: 'kernel' | 'boot' | 'static' | 'bird' | 'dhcp' | number
  readonly onlink?: boolean
  /** Lower than the interface's, where set. */
  readonly mtu?: number
}

export type NewRoute = Pick<Route, 'dst'> & Partial<Route>

/** As `ip rule`. */
export interface RoutingRule {
  readonly priority: number
  readonly from?: string
  readonly to?: string
  readonly fwmark?: { readonly value: number; readonly mask: number }
  readonly iif?: string
  readonly table: RouteTable
}

export const defaultRules: readonly RoutingRule[] = [
  { priority: 0, table: 'local' },
  { priority: 32766, table: 'main' },
  { priority: 32767, table: 'default' },
]

/** Where a packet goes. `link` is undefined for the types that refuse. */
export interface Decision {
  readonly route: Route
  readonly link: Link | undefined
  /** Whose MAC is wanted: the gateway, or the destination itself. */
  readonly nextHop: string
}

interface Flow {
  readonly dst: string
  readonly src?: string
  readonly mark?: number
  readonly iif?: string
}

/** A namespace's routing tables and policy rules. Arrays are replaced, never changed: snapshots share them. */
export class Routing {
  readonly #namespace: NetworkNamespace
  #routes: readonly Route[] = []
  #rules: readonly RoutingRule[] = defaultRules
  // Decisions by destination, valid while no rule looks at anything else and nothing changed.
  readonly #cache = new Map<string, Decision | null>()

  constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace
  }

  /** In the order of addition; the kernel's own local and broadcast routes included. */
  get routes(): readonly Route[] {
    return this.#routes
  }

  get rules(): readonly RoutingRule[] {
    return this.#rules
  }

  load(routes: readonly Route[], rules: readonly RoutingRule[]): void {
    this.#routes = routes
    this.#rules = rules
    this.#cache.clear()
  }

  /**
   * `ip route add`, or `replace` with the same destination, metric and table.
   * Throws EEXIST, ENODEV, EINVAL and ENETUNREACH (the gateway is not on a link).
   */
  add(wanted: NewRoute, replace = false): void {
    const route = this.#complete(wanted)
    const same = (other: Route) => other.dst === route.dst && other.metric === route.metric && other.table === route.table
    const exists = this.#routes.some((other) => same(other) && (route.type !== 'local' || other.type === 'local'))
    if (exists && !replace && route.protocol !== 'kernel') throw new KernelError('EEXIST', `route ${route.dst}`)
    const kept = replace ? this.#routes.filter((other) => !same(other)) : this.#routes
    this.#set([...kept, route])
  }

  /** `ip route del`: the first route that agrees in all that is given. Throws ESRCH. */
  remove(wanted: Pick<Route, 'dst'> & Partial<Route>): void {
    const asked = { table: 'main' as RouteTable, ...wanted, dst: parsePrefix(wanted.dst).text }
    const found = this.#routes.find((route) =>
      Object.entries(asked).every(([key, value]) => value === undefined || route[key as keyof Route] === value),
    )
    if (!found) throw new KernelError('ESRCH', `route ${wanted.dst}`)
    this.#set(this.#routes.filter((route) => route !== found))
  }

  addRule(rule: RoutingRule): void {
    this.#rules = [...this.#rules, rule].sort((a, b) => a.priority - b.priority)
    this.#cache.clear()
  }

  removeRule(priority: number): void {
    if (!this.#rules.some((rule) => rule.priority === priority)) throw new KernelError('ENOENT', `rule ${priority}`)
    this.#rules = this.#rules.filter((rule) => rule.priority !== priority)
    this.#cache.clear()
  }

  /** The kernel's routes for an address: itself, its broadcast, and the subnet on its link. */
  addressAdded(link: Link, { address, length, scope }: LinkAddress): void {
    const kernel = { dev: link.name, src: address, protocol: 'kernel', metric: 0 } as const
    const prefix = parsePrefix(`${address}/${length}`)
    const added: Route[] = [{ ...kernel, dst: hostPrefix(address), type: 'local', table: 'local', scope: 'host' }]
    if (isLoopback(address) && length < 32) added.push({ ...kernel, dst: prefix.text, type: 'local', table: 'local', scope: 'host' })
    else if (length < prefix.words.length * 32) {
      added.push({ ...kernel, dst: prefix.text, type: 'unicast', table: 'main', scope: scope === 'host' ? 'host' : 'link' })
      const broadcast = lastAddress(prefix)
      if (length < 31) added.push({ ...kernel, dst: hostPrefix(broadcast), type: 'broadcast', table: 'local', scope: 'link' })
    }
    const known = (route: Route) =>
      this.#routes.some((other) => other.dst === route.dst && other.dev === route.dev && other.table === route.table)
    this.#set([...this.#routes, ...added.filter((route) => !known(route))])
  }

  addressRemoved(link: Link, { address, length }: LinkAddress): void {
    const own = [hostPrefix(address), parsePrefix(`${address}/${length}`).text]
    this.#set(
      this.#routes.filter(
        (route) =>
          !(route.src === address && (route.protocol !== 'kernel' || route.dev === link.name)) &&
          !(route.protocol === 'kernel' && route.dev === link.name && own.includes(route.dst) && route.src === address),
      ),
    )
  }

  /** Down or gone: the kernel forgets every route through it; addresses' own local routes stay while it exists. */
  linkDown(link: Link, gone: boolean): void {
    this.#set(this.#routes.filter((route) => route.dev !== link.name || (!gone && route.table === 'local')))
  }

  linkUp(link: Link): void {
    for (const address of link.addresses) this.addressAdded(link, address)
  }

  renamed(from: string, to: string): void {
    this.#set(this.#routes.map((route) => (route.dev === from ? { ...route, dev: to } : route)))
  }

  /** Something that decisions depend on changed elsewhere (a link's state). */
  changed(): void {
    this.#cache.clear()
  }

  /** The routing decision for a flow (`ip route get`), or undefined: network is unreachable. */
  lookup(flow: Flow): Decision | undefined {
    if (this.#rules !== defaultRules && !this.#rules.every((rule) => !rule.from && !rule.fwmark && !rule.iif && !rule.to))
      return this.#decide(flow)
    let decision = this.#cache.get(flow.dst)
    if (decision === undefined) {
      decision = this.#decide(flow) ?? null
      if (this.#cache.size > 10_000) this.#cache.clear()
      this.#cache.set(flow.dst, decision)
    }
    return decision ?? undefined
  }

  isLocal(address: string): boolean {
    return this.lookup({ dst: address })?.route.type === 'local'
  }

  /** The address that the kernel gives to a packet that leaves by this decision with none (`inet_select_addr`). */
  sourceFor({ route, link, nextHop }: Decision): string | undefined {
    if (route.type === 'local')
      return route.src !== undefined && !isLoopback(nextHop) ? nextHop : isLoopback(nextHop) ? '127.0.0.1' : nextHop
    if (route.src) return route.src
    const onLink = link?.addresses.filter((address) => address.scope !== 'host') ?? []
    const near = onLink.find((address) => prefixContains(parsePrefix(`${address.address}/${address.length}`), nextHop))
    if (near ?? onLink[0]) return (near ?? onLink[0])!.address
    for (const other of this.#namespace.links()) {
      const address = other.addresses.find((candidate) => candidate.scope === 'global')
      if (address) return address.address
    }
    return undefined
  }

  #set(routes: readonly Route[]): void {
    this.#routes = routes
    this.#cache.clear()
  }

  #decide(flow: Flow): Decision | undefined {
    if (!parseAddress(flow.dst)) return undefined
    for (const rule of this.#rules) {
      if (!ruleMatches(rule, flow)) continue
      const route = this.#longest(rule.table, flow.dst)
      if (!route) continue
      return { route, link: route.dev === undefined ? undefined : this.#namespace.link(route.dev), nextHop: route.via ?? flow.dst }
    }
    return undefined
  }

  #longest(table: RouteTable, dst: string): Route | undefined {
    let best: Route | undefined
    let bestLength = -1
    for (const route of this.#routes) {
      if (route.table !== table) continue
      const prefix = parsePrefix(route.dst)
      if (prefix.length < bestLength || (prefix.length === bestLength && route.metric >= best!.metric)) continue
      if (!prefixContains(prefix, dst)) continue
      best = route
      bestLength = prefix.length
    }
    return best
  }

  /** fib_check_nh: the route's own table is asked first, so that a gateway may be an address of this host behind another interface. */
  #gateway(table: RouteTable, via: string): Decision | undefined {
    const own = this.#longest(table, via)
    if (own?.dev !== undefined && own.via === undefined) return { route: own, link: this.#namespace.link(own.dev), nextHop: via }
    return this.#decide({ dst: via })
  }

  #complete(wanted: NewRoute): Route {
    const type = wanted.type ?? 'unicast'
    let dev = wanted.dev
    if (type === 'unicast') {
      if (wanted.via !== undefined && wanted.onlink !== true) {
        const toGateway = this.#gateway(wanted.table ?? 'main', wanted.via)
        const reached = toGateway?.link
        if (
          !reached ||
          toGateway.route.type !== 'unicast' ||
          toGateway.route.via !== undefined ||
          (dev !== undefined && reached.name !== dev)
        ) {
          throw new KernelError('ENETUNREACH', `nexthop ${wanted.via} of route ${wanted.dst}`)
        }
        dev = reached.name
      }
      if (dev === undefined) throw new KernelError('ENODEV', `route ${wanted.dst} without a device`)
      const link = this.#namespace.link(dev)
      if (!link) throw new KernelError('ENODEV', `device "${dev}" of route ${wanted.dst}`)
      if (!link.up) throw new KernelError('ENETUNREACH', `device "${dev}" of route ${wanted.dst} is down`)
    }
    if (wanted.src !== undefined && !this.isLocal(wanted.src))
      throw new KernelError('EINVAL', `source ${wanted.src} of route ${wanted.dst}`)
    return {
      metric: 0,
      table: type === 'local' || type === 'broadcast' ? 'local' : 'main',
      scope: wanted.via !== undefined || type !== 'unicast' ? 'global' : 'link',
      protocol: 'boot',
      ...wanted,
      type,
      dst: parsePrefix(wanted.dst).text,
      ...(type === 'unicast' || dev !== undefined ? { dev } : {}),
    }
  }
}

function hostPrefix(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`
}

function ruleMatches(rule: RoutingRule, flow: Flow): boolean {
  if (rule.from !== undefined && !(flow.src && prefixContains(parsePrefix(rule.from), flow.src))) return false
  if (rule.to !== undefined && !prefixContains(parsePrefix(rule.to), flow.dst)) return false
  if (rule.iif !== undefined && rule.iif !== flow.iif) return false
  return rule.fwmark === undefined || ((flow.mark ?? 0) & rule.fwmark.mask) >>> 0 === rule.fwmark.value >>> 0
}
