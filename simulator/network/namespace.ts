import type { Closer } from '../clock.ts'
import { parseAddress, parsePrefix, randomMac } from './address.ts'
import type { TcHook } from './bpf.ts'
import * as device from './device.ts'
import { Ip } from './ip.ts'
import { KernelError } from './kernel-error.ts'
import {
  type FdbEntry,
  type IpipSettings,
  isLinkName,
  type Link,
  type LinkAddress,
  type LinkKind,
  newLink,
  type VxlanSettings,
} from './link.ts'
import type { Machine } from './machine.ts'
import { receiveArp, resolve } from './neighbour.ts'
import { Netfilter } from './netfilter/netfilter.ts'
import type { Network } from './network.ts'
import { copyPacket, type Packet } from './packet.ts'
import { Routing } from './routing.ts'
import { SocketTable } from './socket-table.ts'
import type { Sockets } from './sockets.ts'
import { defaultSysctls } from './sysctls.ts'

export type TapHandler = (packet: Packet, direction: 'in' | 'out', link: Link, at: number) => void

interface Tap {
  readonly interface: string
  readonly handler: TapHandler
}

interface InterfaceSettings {
  readonly forwards: boolean
  readonly rp_filter: number
  readonly route_localnet: boolean
  readonly accept_local: boolean
}

/** A network namespace: interfaces, addresses, routes, neighbours, the packet filter, sockets. Errors are the kernel's own (`KernelError`). */
export class NetworkNamespace {
  readonly machine: Machine
  /** Empty for a machine's root namespace. */
  readonly name: string
  readonly network: Network
  readonly routing: Routing
  readonly netfilter: Netfilter
  readonly ip: Ip
  readonly table: SocketTable
  /** Sockets of no process in particular; processes get their own with `socketsFor`. */
  readonly sockets: Sockets
  #links: Link[] = []
  #nextIndex = 1
  #sysctls: Readonly<Record<string, string>> = defaultSysctls
  #taps: readonly Tap[] = []
  readonly #interfaceSettings = new Map<string, InterfaceSettings>()

  constructor(machine: Machine, name: string) {
    this.machine = machine
    this.name = name
    this.network = machine.network
    this.routing = new Routing(this)
    this.netfilter = new Netfilter(this)
    this.ip = new Ip(this)
    this.table = new SocketTable(this)
    this.sockets = this.table.scope('kernel')
    this.#add('lo', 'loopback', { mtu: 65_536, mac: '00:00:00:00:00:00' })
  }

  // --- interfaces

  links(): readonly Link[] {
    return this.#links
  }

  link(name: string): Link | undefined {
    for (const link of this.#links) if (link.name === name) return link
    return undefined
  }

  /** As `link`; throws ENODEV. */
  needLink(name: string): Link {
    const link = this.link(name)
    if (!link) throw new KernelError('ENODEV', `Cannot find device "${name}"`)
    return link
  }

  get loopback(): Link {
    return this.#links[0]!
  }

  /** `ip link add NAME type veth peer name PEER netns PEERNAMESPACE`. Both ends begin down. */
  addVeth(
    name: string,
    peerNamespace: NetworkNamespace,
    peerName: string,
    options: { mtu?: number; mac?: string; peerMac?: string } = {},
  ): Link {
    peerNamespace.#checkName(peerName)
    if (peerNamespace === this && name === peerName) throw new KernelError('EEXIST', `device "${name}"`)
    const mtu = options.mtu ?? 1500
    const link = this.#add(name, 'veth', { mtu, mac: options.mac })
    const peer = peerNamespace.#add(peerName, 'veth', { mtu, mac: options.peerMac })
    link.peer = peer
    peer.peer = link
    return link
  }

  addBridge(name: string, options: { mtu?: number; mac?: string } = {}): Link {
    return this.#add(name, 'bridge', options)
  }

  /** `ovs-dpctl add-dp NAME`: a datapath and its own interface; `setLink` makes others its ports. */
  addDatapath(name: string, options: { mtu?: number; mac?: string } = {}): Link {
    return this.#add(name, 'openvswitch', options)
  }

  /** `dev` costs the MTU 50 bytes where none is given, as the kernel reckons. */
  addVxlan(name: string, vxlan: VxlanSettings, options: { mtu?: number; mac?: string } = {}): Link {
    const lower = vxlan.dev === undefined ? undefined : this.needLink(vxlan.dev)
    return this.#add(name, 'vxlan', { mtu: lower ? lower.mtu - 50 : 1500, ...options }, { vxlan })
  }

  addIpip(name: string, ipip: IpipSettings, options: { mtu?: number } = {}): Link {
    return this.#add(name, 'ipip', { mtu: 1480, mac: '', ...options }, { ipip })
  }

  addDummy(name: string, options: { mtu?: number; mac?: string } = {}): Link {
    return this.#add(name, 'dummy', options)
  }

  /** An Ethernet card; `network.attach` plugs it in. */
  addEthernet(name: string, options: { mtu?: number; mac?: string } = {}): Link {
    return this.#add(name, 'ethernet', options)
  }

  /** `ip link del`: a veth takes its peer along. Throws ENODEV; EOPNOTSUPP for lo. */
  removeLink(name: string): void {
    const link = this.needLink(name)
    if (link.kind === 'loopback') throw new KernelError('EOPNOTSUPP', `device "${name}"`)
    this.#detach(link)
    if (link.peer) link.peer.namespace.#detach(link.peer)
  }

  /** `ip link set`. `master: null` is `nomaster`; `hairpin` is the bridge port's flag. */
  setLink(
    name: string,
    change: { up?: boolean; mtu?: number; mac?: string; master?: string | null; hairpin?: boolean; noarp?: boolean; name?: string },
  ): void {
    const link = this.needLink(name)
    if (change.name !== undefined && change.name !== name) {
      this.#checkName(change.name)
      link.name = change.name
      this.routing.renamed(name, change.name)
    }
    if (change.mtu !== undefined) {
      if (change.mtu < 68) throw new KernelError('EINVAL', `mtu ${change.mtu} of device "${link.name}"`)
      link.mtu = change.mtu
    }
    if (change.mac !== undefined) link.mac = change.mac
    if (change.hairpin !== undefined) link.hairpin = change.hairpin
    if (change.noarp !== undefined) link.noarp = change.noarp
    if (change.master !== undefined) this.#setMaster(link, change.master)
    if (change.up !== undefined && change.up !== link.up) {
      link.up = change.up
      if (link.up) this.routing.linkUp(link)
      else this.routing.linkDown(link, false)
    }
    this.#changed()
  }

  /** `ip link set NAME netns OTHER`: addresses and routes are lost, the interface is down there. */
  moveLink(name: string, to: NetworkNamespace, newName = name): void {
    const link = this.needLink(name)
    to.#checkName(newName)
    this.#detach(link)
    link.up = false
    link.addresses = []
    link.name = newName
    link.namespace = to
    link.index = to.#nextIndex++
    to.#links.push(link)
    this.#changed()
  }

  /** `tc filter … bpf` (or tcx): the program at an interface's hook; undefined takes it away. Throws ENODEV. */
  attachTc(name: string, hook: TcHook, program: string | undefined): void {
    const link = this.needLink(name)
    if (link.tc[hook] === program) return
    const { [hook]: _before, ...others } = link.tc
    link.tc = program === undefined ? others : { ...others, [hook]: program }
  }

  // --- addresses

  /** `ip addr add 10.244.1.1/24 dev NAME`. Throws ENODEV, EEXIST. */
  addAddress(name: string, cidr: string, options: { scope?: LinkAddress['scope']; broadcast?: string } = {}): void {
    const link = this.needLink(name)
    const [address = ''] = cidr.split('/')
    const { length, words } = parsePrefix(cidr)
    if (words.length !== 1) throw new Error(`the simulated network does not carry IPv6 yet: cannot add ${cidr} to ${name}`)
    if (link.addresses.some((known) => known.address === address && known.length === length))
      throw new KernelError('EEXIST', `address ${cidr}`)
    const added: LinkAddress = {
      address,
      length,
      scope: options.scope ?? (link.kind === 'loopback' ? 'host' : 'global'),
      ...(options.broadcast ? { broadcast: options.broadcast } : {}),
    }
    link.addresses = [...link.addresses, added]
    if (link.up) this.routing.addressAdded(link, added)
    this.#changed()
  }

  /** Throws ENODEV, EADDRNOTAVAIL. */
  removeAddress(name: string, cidr: string): void {
    const link = this.needLink(name)
    const [address, length] = cidr.split('/')
    const found = link.addresses.find((known) => known.address === address && (length === undefined || known.length === Number(length)))
    if (!found) throw new KernelError('EADDRNOTAVAIL', `address ${cidr}`)
    link.addresses = link.addresses.filter((known) => known !== found)
    this.routing.addressRemoved(link, found)
    this.#changed()
  }

  /** Addresses of all interfaces, loopback last. */
  addresses(): string[] {
    const of = (link: Link) => link.addresses.map(({ address }) => address)
    return [...this.#links.slice(1).flatMap(of), ...of(this.loopback)]
  }

  // --- neighbours

  /** `ip neigh replace ADDRESS lladdr MAC dev NAME nud permanent`. */
  setNeighbour(name: string, address: string, mac: string): void {
    const entry = { address, mac, state: 'PERMANENT' as const, heard: this.network.clock.now(), topology: 0, waiting: [], timer: undefined }
    if (!parseAddress(address)) throw new KernelError('EINVAL', `neighbour ${address}`)
    const { neighbours } = this.needLink(name)
    neighbours.get(address)?.timer?.close()
    neighbours.set(address, entry)
  }

  /** Throws ENOENT. */
  removeNeighbour(name: string, address: string): void {
    const { neighbours } = this.needLink(name)
    neighbours.get(address)?.timer?.close()
    if (!neighbours.delete(address)) throw new KernelError('ENOENT', `neighbour ${address}`)
  }

  /** `bridge fdb append` (or `replace`): for a VXLAN device the tunnel end behind which a MAC lives; several only for the MAC of zeros. */
  addFdb(name: string, entry: Omit<FdbEntry, 'permanent'>, replace = false): void {
    const { fdb } = this.needLink(name)
    const added: FdbEntry = { ...entry, permanent: true }
    const others = replace
      ? []
      : (fdb.get(entry.mac) ?? []).filter((known) => known.permanent && (known.remote !== entry.remote || known.port !== entry.port))
    fdb.set(entry.mac, [...others, added])
  }

  /** Throws ENOENT. */
  removeFdb(name: string, mac: string, remote?: string): void {
    const { fdb } = this.needLink(name)
    const known = fdb.get(mac) ?? []
    const kept = remote === undefined ? [] : known.filter((entry) => entry.remote !== remote)
    if (kept.length === known.length) throw new KernelError('ENOENT', `fdb entry ${mac} of device "${name}"`)
    if (kept.length > 0) fdb.set(mac, kept)
    else fdb.delete(mac)
  }

  // --- sysctls

  /** Undefined for what does not exist here. */
  sysctl(key: string): string | undefined {
    const value = this.#sysctls[key]
    if (value !== undefined) return value
    const parts = /^net\.ipv4\.conf\.([^.]+)\.([a-z_]+)$/.exec(key)
    if (!parts || !this.link(parts[1]!)) return undefined
    return parts[2] === 'forwarding' ? this.#sysctls['net.ipv4.ip_forward'] : this.#sysctls[`net.ipv4.conf.default.${parts[2]}`]
  }

  /** `sysctl -w`. Throws ENOENT for what is not modelled. */
  setSysctl(key: string, value: string): void {
    if (this.sysctl(key) === undefined) throw new KernelError('ENOENT', `sysctl: cannot stat /proc/sys/${key.replaceAll('.', '/')}`)
    // What is set to what it is changes nothing, as in the kernel; every pod's CNI plugin turns forwarding on again.
    if (this.#sysctls[key] === value) return
    const changed = { ...this.#sysctls, [key]: value }
    if (key === 'net.ipv4.ip_forward') changed['net.ipv4.conf.all.forwarding'] = value
    if (key === 'net.ipv4.conf.all.forwarding') changed['net.ipv4.ip_forward'] = value
    if (key === 'net.ipv4.ip_forward' || key === 'net.ipv4.conf.all.forwarding') {
      for (const other of Object.keys(changed)) if (/^net\.ipv4\.conf\.(?!all\.)[^.]+\.forwarding$/.test(other)) changed[other] = value
    }
    this.#sysctls = changed
    this.#interfaceSettings.clear()
  }

  sysctls(): Readonly<Record<string, string>> {
    return this.#sysctls
  }

  forwards(link: Link): boolean {
    return this.#settings(link).forwards
  }

  /** A flag that holds where `all` or the interface's own says so. */
  interfaceFlag(flag: 'route_localnet' | 'accept_local', link: Link): boolean {
    return this.#settings(link)[flag]
  }

  /** 0 off, 1 strict, 2 loose. */
  reversePathFilter(link: Link): number {
    return this.#settings(link).rp_filter
  }

  bridgeNetfilter(): boolean {
    return this.#sysctls['net.bridge.bridge-nf-call-iptables'] === '1'
  }

  // --- sockets and taps

  /** Sockets of one process (`owner` is what `ss -p` would name); closing closes exactly those, as the end of the process does. */
  socketsFor(owner: string): Sockets & Closer {
    return this.table.scope(owner)
  }

  /** Sees copies of the packets that an interface (or `any`) sends and receives; `at` is ms since the epoch, with time on the wire. */
  tap(interfaceName: string, handler: TapHandler): Closer {
    if (interfaceName !== 'any') this.needLink(interfaceName)
    const tap: Tap = { interface: interfaceName, handler }
    this.#taps = [...this.#taps, tap]
    return {
      close: () => {
        this.#taps = this.#taps.filter((other) => other !== tap)
      },
    }
  }

  get taps(): readonly Tap[] {
    return this.#taps
  }

  // --- what the layers call

  tapped(link: Link, packet: Packet, direction: 'in' | 'out'): void {
    const at = this.network.clock.now() + packet.latency
    for (const tap of this.#taps) {
      if (tap.interface !== 'any' && tap.interface !== link.name) continue
      const copy = copyPacket(packet)
      this.network.clock.soon(() => {
        if (this.#taps.includes(tap)) tap.handler(copy, direction, link, at)
      })
    }
  }

  transmit(link: Link, packet: Packet): void {
    device.transmit(link, packet)
  }

  /** A tunnel took its wrapping off. */
  arrive(link: Link, packet: Packet): void {
    device.receive(link, packet)
  }

  /** A bridge passes a frame for the host up. */
  up(link: Link, packet: Packet, filtered: boolean): void {
    device.receiveUp(link, packet, filtered)
  }

  arp(link: Link, packet: Packet): void {
    receiveArp(link, packet)
  }

  neighbourMac(link: Link, address: string, packet: Packet): string | undefined {
    return resolve(link, address, packet)
  }

  /** An interface without an address (a pod's, on Calico) lends another's of this host (inet_select_addr). */
  masqueradeAddress(out: Link, destination: string): string | undefined {
    const decision = this.routing.lookup({ dst: destination })
    if (!decision) return out.addresses[0]?.address
    const { src: _preferred, ...route } = decision.route
    return this.routing.sourceFor({ route, link: out, nextHop: decision.nextHop })
  }

  /** The machine lost its power: sockets are gone and nobody was told. */
  dropSockets(): void {
    this.table.drop()
  }

  /** The namespace's end: its processes' sockets are closed, then its interfaces go. */
  destroy(): void {
    this.table.closeAll()
    for (const link of this.#links.slice(1)) if (this.#links.includes(link)) this.removeLink(link.name)
    this.#taps = []
    this.table.drop()
  }

  /** For `restore`: forgets everything, then holds exactly these interfaces. */
  load(links: Link[], nextIndex: number, sysctls: Readonly<Record<string, string>>): void {
    for (const link of this.#links) for (const neighbour of link.neighbours.values()) neighbour.timer?.close()
    this.table.drop()
    this.#links = links
    this.#nextIndex = nextIndex
    this.#sysctls = sysctls
    this.#interfaceSettings.clear()
    this.#taps = []
  }

  /** What the sysctls come to for an interface; asked for every packet, so kept until one changes. */
  #settings(link: Link): InterfaceSettings {
    let settings = this.#interfaceSettings.get(link.name)
    if (!settings) {
      const own = (key: string) => this.#sysctls[`net.ipv4.conf.${link.name}.${key}`] ?? this.#sysctls[`net.ipv4.conf.default.${key}`]
      const either = (key: string) => own(key) === '1' || this.#sysctls[`net.ipv4.conf.all.${key}`] === '1'
      settings = {
        forwards: (this.#sysctls[`net.ipv4.conf.${link.name}.forwarding`] ?? this.#sysctls['net.ipv4.ip_forward']) === '1',
        rp_filter: Math.max(Number(own('rp_filter')), Number(this.#sysctls['net.ipv4.conf.all.rp_filter'])),
        route_localnet: either('route_localnet'),
        accept_local: either('accept_local'),
      }
      this.#interfaceSettings.set(link.name, settings)
    }
    return settings
  }

  get nextIndex(): number {
    return this.#nextIndex
  }

  #add(name: string, kind: LinkKind, options: { mtu?: number; mac?: string | undefined }, settings: Partial<Link> = {}): Link {
    this.#checkName(name)
    const link = newLink({
      id: this.network.nextLinkId(),
      index: this.#nextIndex++,
      name,
      kind,
      namespace: this,
      mac: options.mac ?? randomMac(this.network.random),
      mtu: options.mtu ?? 1500,
      ...settings,
    })
    this.#links.push(link)
    return link
  }

  #checkName(name: string): void {
    if (!isLinkName(name)) throw new KernelError('EINVAL', `"${name}" not a valid ifname`)
    if (this.link(name)) throw new KernelError('EEXIST', `device "${name}"`)
  }

  #setMaster(link: Link, master: string | null): void {
    if (link.master) {
      const { master: old } = link
      old.ports.splice(old.ports.indexOf(link), 1)
      for (const [mac, entries] of old.fdb) if (entries[0]?.port === link.name) old.fdb.delete(mac)
      link.master = undefined
    }
    if (master === null) return
    const bridge = this.needLink(master)
    if (bridge.kind !== 'bridge' && bridge.kind !== 'openvswitch') throw new KernelError('EOPNOTSUPP', `device "${master}" is no bridge`)
    link.master = bridge
    bridge.ports.push(link)
  }

  #detach(link: Link): void {
    if (!this.#links.includes(link)) return
    this.#setMaster(link, null)
    for (const port of link.ports.slice()) this.#setMaster(port, null)
    if (link.segment) {
      link.segment.links.splice(link.segment.links.indexOf(link), 1)
      link.segment = undefined
    }
    for (const neighbour of link.neighbours.values()) neighbour.timer?.close()
    link.neighbours.clear()
    this.#links = this.#links.filter((other) => other !== link)
    this.#forgetSettings(link.name)
    this.routing.linkDown(link, true)
    this.#changed()
  }

  /** An interface's own directory below /proc/sys/net/ipv4/conf goes with it. */
  #forgetSettings(name: string): void {
    this.#interfaceSettings.delete(name)
    const prefix = `net.ipv4.conf.${name}.`
    const own = Object.keys(this.#sysctls).filter((key) => key.startsWith(prefix))
    if (own.length === 0) return
    const kept = { ...this.#sysctls }
    for (const key of own) delete kept[key]
    this.#sysctls = kept
  }

  #changed(): void {
    this.network.topology++
    this.routing.changed()
  }
}
