import { KernelError } from '../kernel-error.ts'
import type { Link } from '../link.ts'
import type { NetworkNamespace } from '../namespace.ts'
import type { Packet } from '../packet.ts'
import { headerOf, note } from '../trace.ts'
import { chainEntries, chainIn, type EditableChains, editable, removeChain } from './chains.ts'
import { Conntrack, type Tracking } from './conntrack.ts'
import { evaluate, interfacesOf } from './evaluate.ts'
import type { Context } from './match.ts'
import { type Manip, setSource, translate } from './nat.ts'
import { type Chain, conntrackPriority, emptyTables, type Hook, type Rule, type Table } from './rule.ts'
import type { IpSet } from './sets.ts'

type Step = { readonly priority: number; readonly order: number } & (
  | { readonly kind: 'conntrack' }
  | { readonly kind: 'filter' | 'nat'; readonly table: string; readonly chain: string }
)

type Plan = Readonly<Record<Hook, readonly Step[]>>

// Table records that were handed out are never changed, so a plan made once serves every fork that shares them.
const plans = new WeakMap<Readonly<Record<string, Table>>, Plan>()

const hooks: readonly Hook[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']

/**
 * The packet filter of one namespace: tables, sets, recent lists, connection tracking.
 * Chains and rules are immutable data; a change makes a new chain and a new table record.
 */
export class Netfilter {
  readonly conntrack: Conntrack
  readonly #namespace: NetworkNamespace
  #tables: Readonly<Record<string, Table>> = emptyTables
  #sets: Readonly<Record<string, IpSet>> = {}
  readonly #recent = new Map<string, Map<string, number>>()
  #steps: Plan | undefined
  // Whether the current table record belongs to this namespace alone, so that edits may reuse it.
  #owned = new Set<string>()

  constructor(namespace: NetworkNamespace) {
    this.#namespace = namespace
    this.conntrack = new Conntrack(namespace.network.clock)
  }

  get tables(): Readonly<Record<string, Table>> {
    // Whoever reads may keep it (a snapshot does), so the next edit copies.
    this.#owned.clear()
    return this.#tables
  }

  get sets(): Readonly<Record<string, IpSet>> {
    return this.#sets
  }

  /** When each address was last seen by the `recent` list `name`, ms since the epoch. */
  recent(name: string): Map<string, number> {
    let list = this.#recent.get(name)
    if (!list) {
      list = new Map()
      this.#recent.set(name, list)
    }
    return list
  }

  recentLists(): Record<string, [string, number][]> {
    return Object.fromEntries([...this.#recent].map(([name, list]) => [name, [...list]]))
  }

  load(tables: Readonly<Record<string, Table>>, sets: Readonly<Record<string, IpSet>>, recent: Record<string, [string, number][]>): void {
    this.#tables = tables
    this.#sets = sets
    this.#owned.clear()
    this.#recent.clear()
    for (const [name, list] of Object.entries(recent)) this.#recent.set(name, new Map(list))
    this.#steps = undefined
  }

  /** One table; unlike `tables`, for whoever only looks. */
  table(name: string): Table | undefined {
    return this.#tables[name]
  }

  chain(table: string, chain: string): Chain | undefined {
    const found = this.#tables[table]
    return found && chainIn(found.chains, chain)
  }

  /** Names of a table's chains; none where there is no such table. */
  chainNames(table: string): string[] {
    const found = this.#tables[table]
    return found ? chainEntries(found.chains).map(([name]) => name) : []
  }

  /** `iptables -N`. Throws EEXIST. */
  addChain(table: string, chain: string): void {
    if (this.chain(table, chain)) throw new KernelError('EEXIST', `chain ${chain} of table ${table}`)
    this.#edit(table).changed[chain] = { rules: [] }
  }

  /** `iptables -F CHAIN`, or -X with it: base chains stay. Throws ENOENT, EBUSY (something jumps there). */
  removeChain(table: string, chain: string): void {
    const found = this.#need(table, chain)
    if (found.hook) throw new KernelError('EINVAL', `base chain ${chain} of table ${table}`)
    const jumps = (other: Chain) => other.rules.some((rule) => rule.target?.target === 'jump' && rule.target.chain === chain)
    if (chainEntries(this.#tables[table]!.chains).some(([, other]) => jumps(other)))
      throw new KernelError('EBUSY', `chain ${chain} of table ${table}`)
    removeChain(this.#edit(table), chain)
  }

  append(table: string, chain: string, ...rules: Rule[]): void {
    this.setRules(table, chain, [...this.#need(table, chain).rules, ...rules])
  }

  /** `iptables -I`; `index` counts from 0. */
  insert(table: string, chain: string, rule: Rule, index = 0): void {
    this.setRules(table, chain, this.#need(table, chain).rules.toSpliced(index, 0, rule))
  }

  /** `iptables -D`: the first rule for which `selects` holds. Throws ENOENT. */
  delete(table: string, chain: string, selects: (rule: Rule, index: number) => boolean): void {
    const { rules } = this.#need(table, chain)
    const index = rules.findIndex(selects)
    if (index < 0) throw new KernelError('ENOENT', `rule of chain ${chain} of table ${table}`)
    this.setRules(table, chain, rules.toSpliced(index, 1))
  }

  /** Replaces a chain's rules; an empty list flushes. Throws ENOENT. */
  setRules(table: string, chain: string, rules: readonly Rule[]): void {
    const found = this.#need(table, chain)
    this.#edit(table).changed[chain] = { ...found, rules }
  }

  setPolicy(table: string, chain: string, policy: 'ACCEPT' | 'DROP'): void {
    const found = this.#need(table, chain)
    if (!found.hook) throw new KernelError('EINVAL', `policy of user chain ${chain}`)
    this.#edit(table).changed[chain] = { ...found, policy }
  }

  /**
   * `iptables-restore --noflush`: declared chains are made or flushed and filled, chains in `removed` go, all at once.
   * A base chain that is declared loses the rules it had. Throws ENOENT where a rule jumps to a chain that does not exist; then nothing changed.
   */
  restore(table: string, declared: Readonly<Record<string, readonly Rule[]>>, removed: readonly string[] = []): void {
    const before = this.#tables[table]
    if (!before) throw new KernelError('ENOENT', `table ${table}`)
    const gone = new Set(removed)
    for (const [name, rules] of Object.entries(declared)) {
      for (const { target } of rules) {
        if (target?.target !== 'jump') continue
        if (gone.has(target.chain) || !(declared[target.chain] ?? chainIn(before.chains, target.chain))) {
          throw new KernelError('ENOENT', `chain ${target.chain}, target of a rule in ${name} of table ${table}`)
        }
      }
    }
    const chains = this.#edit(table)
    for (const [name, rules] of Object.entries(declared)) chains.changed[name] = { ...chainIn(chains, name), rules }
    for (const name of removed) if (!chainIn(chains, name)?.hook) removeChain(chains, name)
  }

  /** Replaces or makes a whole table, as an nft transaction does. Undefined removes it. iptables' own four are only emptied. */
  setTable(name: string, table: Table | undefined): void {
    const tables = { ...this.#tables }
    if (table) tables[name] = table
    else if (emptyTables[name]) tables[name] = emptyTables[name]
    else delete tables[name]
    this.#tables = tables
    this.#owned.delete(name)
    this.#steps = undefined
  }

  /** Makes or replaces an ipset; no members and no set removes nothing: use `removeSet`. */
  setSet(set: IpSet): void {
    this.#sets = { ...this.#sets, [set.name]: set }
  }

  removeSet(name: string): void {
    const { [name]: _gone, ...rest } = this.#sets
    this.#sets = rest
  }

  /** Runs a hook. True: the packet goes on (perhaps rewritten); false: dropped or rejected, and the reply to that was sent. */
  run(hook: Hook, packet: Packet, inLink: Link | undefined, outLink: Link | undefined, physOut?: string): boolean {
    this.#steps ??= this.#planned()
    const steps = this.#steps[hook]
    if (steps.length === 0) return true
    const context: Context = { namespace: this.#namespace, hook, packet, in: inLink, out: outLink, physOut }
    for (const step of steps) {
      if (step.kind === 'conntrack') {
        if (packet.tracking) continue
        packet.tracking = this.conntrack.track(packet)
        if (this.#namespace.network.recorders.length > 0) this.#noteTracked(context, packet.tracking)
      }
      if (step.kind === 'filter') {
        if (!evaluate(context, this.#tables[step.table]!, step.chain)) return false
      } else if (step.kind === 'nat' && !this.#nat(context, step.table, step.chain)) return false
    }
    return hook === 'INPUT' || hook === 'POSTROUTING' ? this.#confirm(context) : true
  }

  #nat(context: Context, table: string, chain: string): boolean {
    const { packet, hook } = context
    const connection = packet.tracking?.connection
    if (!connection) return true
    const manip: Manip = hook === 'PREROUTING' || hook === 'OUTPUT' ? 'dst' : 'src'
    if (!connection.confirmed && packet.tracking?.state === 'NEW' && !(manip === 'dst' ? connection.dnat : connection.snat)) {
      if (!evaluate(context, this.#tables[table]!, chain)) return false
      // A "null binding" still has to give the connection a reply tuple of its own.
      if (manip === 'src' && !connection.snat) {
        const { random } = this.#namespace.network
        if (!setSource(connection, undefined, undefined, false, this.conntrack, random)) return this.#full(context)
      }
    }
    const recording = this.#namespace.network.recorders.length > 0
    const before = recording ? headerOf(packet) : undefined
    if (translate(packet, manip) && before) {
      const undone = packet.tracking?.reply ? ' undone for a reply' : ''
      note(this.#namespace, hook, packet, {
        ...interfacesOf(context),
        detail: `${manip === 'dst' ? 'destination' : 'source'} rewritten by conntrack${undone}`,
        before,
      })
    }
    return true
  }

  #confirm(context: Context): boolean {
    const connection = context.packet.tracking?.connection
    if (!connection || connection.confirmed || context.packet.tracking?.state !== 'NEW') return true
    if (!this.conntrack.confirm(connection)) return this.#full(context)
    if (this.#namespace.network.recorders.length > 0) {
      note(this.#namespace, 'conntrack', context.packet, { ...interfacesOf(context), detail: 'the first packet got through: entry made' })
    }
    return true
  }

  #noteTracked(context: Context, { state, connection }: Tracking): void {
    const detail = connection ? `${state}${connection.confirmed ? '' : ': no entry yet'}` : `${state}: belongs to no known connection`
    note(this.#namespace, 'conntrack', context.packet, { ...interfacesOf(context), detail })
  }

  #full(context: Context): boolean {
    if (this.#namespace.network.recorders.length > 0) {
      note(this.#namespace, context.hook, context.packet, {
        ...interfacesOf(context),
        detail: 'conntrack has no free tuple for it, or its table is full',
        verdict: 'DROP',
      })
    }
    return false
  }

  #planned(): Plan {
    // What this namespace still edits in place cannot stand for a plan.
    if (this.#owned.size > 0) return this.#plan()
    let plan = plans.get(this.#tables)
    if (!plan) plans.set(this.#tables, (plan = this.#plan()))
    return plan
  }

  /** A namespace without a rule and without a translated connection has nothing to do at any hook, as Linux registers hooks on first use. */
  #plan(): Plan {
    const plan = Object.fromEntries(hooks.map((hook) => [hook, [] as Step[]])) as Record<Hook, Step[]>
    const chains = Object.values(this.#tables).flatMap((table, order) =>
      chainEntries(table.chains).flatMap(([name, chain]) => (chain.hook ? [{ table, name, chain, hook: chain.hook, order }] : [])),
    )
    const used = ({ chain }: { chain: Chain }) => chain.rules.length > 0 || chain.policy === 'DROP'
    if (!chains.some(used)) return plan
    for (const candidate of chains) {
      if (candidate.table.type !== 'nat' && !used(candidate)) continue
      plan[candidate.hook].push({
        kind: candidate.table.type,
        table: candidate.table.name,
        chain: candidate.name,
        priority: candidate.chain.priority ?? 0,
        order: candidate.order,
      })
    }
    for (const hook of ['PREROUTING', 'OUTPUT'] as const) plan[hook].push({ kind: 'conntrack', priority: conntrackPriority, order: -1 })
    for (const hook of hooks) plan[hook].sort((a, b) => a.priority - b.priority || a.order - b.order)
    return plan
  }

  #need(table: string, chain: string): Chain {
    const found = this.chain(table, chain)
    if (!found) throw new KernelError('ENOENT', `chain ${chain} of table ${table}`)
    return found
  }

  #edit(name: string): EditableChains {
    const table = this.#tables[name]
    if (!table) throw new KernelError('ENOENT', `table ${name}`)
    this.#steps = undefined
    if (!this.#owned.has(name)) {
      this.#tables = { ...this.#tables, [name]: { ...table, chains: editable(table.chains) } }
      this.#owned.add(name)
    }
    return this.#tables[name]!.chains as EditableChains
  }
}
