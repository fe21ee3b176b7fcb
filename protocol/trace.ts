/**
 * The record of one connection attempt, as the page draws it and checks may quote it. The simulator writes the same from its own room
 * (`simulator/tracing/document.ts`); the engine's compiler holds the two together.
 */

/**
 * One connection attempt, as plain JSON: every packet of it in both directions, hop by hop, and what the client saw in the end.
 * Names of stages, tables, chains and rules are the kernel's; addresses are text; times are ms.
 */
export interface Trace {
  readonly version: 1
  /** Moment of the cluster at which it began, ISO. */
  readonly at: string
  readonly request: TraceRequest
  readonly from: Party
  readonly to: Party
  /** Whose the namespaces are that the packets crossed: pods by the name of their network namespace. */
  readonly pods: readonly { readonly machine: string; readonly network: string; readonly pod: ObjectName }[]
  /** In the order of their beginning: DNS questions first, then the connection itself, perhaps with several addresses. */
  readonly attempts: readonly Attempt[]
  readonly client: ClientView
  /** Where it was decided; absent where nothing on the way decided against it. Indexes into `attempts`, its `legs` and its `hops`. */
  readonly deciding?: Deciding
  /** One sentence for people. */
  readonly summary: string
  /** What this trace could not take along, sentence by sentence; nearly always empty. */
  readonly limits: readonly string[]
}

export interface Party {
  /** `pod`, `service`, `node`, `workstation`, `outside`, `address`, `name`. */
  readonly kind: string
  /** As people write it: `pod shop/web-0`. */
  readonly title: string
  readonly object?: ObjectName
  /** Where it runs; absent for what is no pod. */
  readonly node?: string
  readonly address?: string
  readonly port?: number
}

/** All packets of one socket of the client. */
export interface Attempt {
  readonly purpose: 'dns' | 'connection'
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly local: { readonly address: string; readonly port: number }
  readonly remote: { readonly address: string; readonly port: number }
  /** The Service whose address the client dialled. */
  readonly service?: ObjectName
  /** Since the trace began. */
  readonly began: number
  /** Where destination NAT sent it, as the last packet that was delivered says; absent where nothing changed it. */
  readonly reached?: { readonly address: string; readonly port: number }
  readonly outcome: 'answered' | 'refused' | 'unreachable' | 'silent'
  /** What the socket was told: `ECONNREFUSED`, `EHOSTUNREACH`. */
  readonly errno?: string
  /** Of a DNS question: what was asked and answered. */
  readonly dns?: DnsView
  readonly legs: readonly Leg[]
}

export interface DnsView {
  /** With its final dot: search domains are tried one by one, each as an attempt. */
  readonly name: string
  readonly type: string
  /** Absent where nobody answered. */
  readonly rcode?: string
  /** The answers' data. */
  readonly answers: readonly string[]
}

/** One packet's walk. */
export interface Leg {
  readonly direction: 'request' | 'reply'
  readonly serial: number
  /** What the packet is: `SYN`, `SYN-ACK`, `78 bytes of data`, `ICMP port unreachable`. */
  readonly what: string
  /** Since the trace began. */
  readonly at: number
  readonly hops: readonly Hop[]
  readonly end: LegEnd
  /** How many later packets went through the same places to the same end: retransmissions that are not listed. */
  readonly repeats?: number
}

/** `waiting`: it is in the queue of a next hop that has not answered yet. */
export interface LegEnd {
  readonly verdict: 'DELIVERED' | 'DROP' | 'REJECT' | 'LOST' | 'waiting'
  /** The hop that says so, an index into the leg's `hops`. */
  readonly hop: number
}

export interface Deciding {
  readonly attempt: number
  readonly leg: number
  readonly hop: number
}

/** What the client's program made of it. */
export interface ClientView {
  readonly outcome: 'answered' | 'refused' | 'timeout' | 'unreachable' | 'unresolved' | 'reset' | 'failed'
  /** The command that a person could type on that spot for the same. */
  readonly command: string
  /** What it prints, standard output and error together; long answers are cut. */
  readonly says: string
  readonly exitCode: number
  readonly errno?: string
  readonly httpStatus?: number
  /** ms of the cluster's time. */
  readonly elapsed: number
}

export interface ObjectName {
  readonly kind: string
  /** Absent for objects without a namespace. */
  readonly namespace?: string
  readonly name: string
}

/** The Kubernetes object because of which a rule exists. */
export interface Origin extends ObjectName {
  /** The object that the rule sends to: an endpoint's pod. */
  readonly target?: ObjectName
  /** Objects of the same kind that stand behind it equally: the other policies of which none let the packet pass. */
  readonly others?: readonly ObjectName[]
}

export type Stage =
  | 'send'
  | 'route'
  | 'PREROUTING'
  | 'INPUT'
  | 'FORWARD'
  | 'OUTPUT'
  | 'POSTROUTING'
  | 'conntrack'
  | 'neighbour'
  | 'transmit'
  | 'receive'
  | 'bridge'
  | 'bpf'
  | 'encapsulate'
  | 'decapsulate'
  | 'forward'
  | 'deliver'

/** A packet's headers at one moment. */
export interface Header {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'ipip' | 'arp'
  readonly src: string
  readonly dst: string
  /** TCP, UDP: ports. ICMP echo: `sport` is the identifier. */
  readonly sport?: number
  readonly dport?: number
  readonly ttl: number
  /** Of the whole IP packet. */
  readonly bytes: number
  /** Don't fragment. */
  readonly df?: true
  /** Into how many it was cut; absent where it was not. */
  readonly fragments?: number
  /** As tcpdump writes them: `S`, `S.`, `.`, `P.`, `F.`, `R`. */
  readonly flags?: string
  readonly icmp?: { readonly type: number; readonly code: number; readonly mtu?: number; readonly about?: Header }
  /** fwmark, where one is set. */
  readonly mark?: number
  /** VXLAN network identifier. */
  readonly vni?: number
  /** What a tunnel carries. */
  readonly inner?: Header
}

/** A flow as addresses and ports; of ICMP echo, `sport` is the identifier. */
export interface Flow {
  readonly src: string
  readonly sport: number
  readonly dst: string
  readonly dport: number
}

/** What conntrack of that namespace knows of the packet. */
export interface ConntrackView {
  readonly state: 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'
  readonly direction?: 'original' | 'reply'
  /** In hops of stage `conntrack`, where it is looked up or made. */
  readonly entry?: {
    readonly original: Flow
    /** What replies look like: where it is no mirror of `original`, the connection is translated. */
    readonly reply: Flow
    readonly tcp?: string
    /** In the table; before that it is only on the packet. */
    readonly confirmed: boolean
  }
}

/** The socket at which a packet ended. */
export interface SocketView {
  /** The process that holds it. */
  readonly owner: string
  readonly state: string
}

/** One thing that happened to one packet in one place. */
export interface Hop {
  /** ms since the epoch, with the packet's time on the wire. */
  readonly at: number
  readonly machine: string
  /** Empty for the machine's root namespace. */
  readonly namespace: string
  readonly stage: Stage
  /** The interface that it is about: in at a receive, out at a transmit; at a netfilter hook `in` or else `out`. */
  readonly interface?: string
  /** Both, at a hook that has both. */
  readonly in?: string
  readonly out?: string
  /** Which packet of the walk: a reply has another serial than its question, what a tunnel wraps around it has the same. */
  readonly serial: number
  /** After what this hop did to it. */
  readonly packet: Header
  /** What happened and why, for people. */
  readonly detail: string
  /** The line of `ip route` that decided. */
  readonly route?: string
  readonly table?: string
  readonly chain?: string
  /** As `iptables-save` prints it; of tables that nft made, as `nft list` does. */
  readonly rule?: string
  readonly origin?: Origin
  readonly conntrack?: ConntrackView
  /** Set where addresses or ports were rewritten: the packet before. */
  readonly before?: Header
  /** Of the neighbour step: who was asked for, and the answer where there was one. */
  readonly neighbour?: { readonly address: string; readonly mac?: string }
  readonly socket?: SocketView
  /** Set where this hop ended the packet's walk, or let it go on because of a rule. */
  readonly verdict?: 'ACCEPT' | 'DROP' | 'REJECT' | 'DELIVERED' | 'LOST'
}

export type TraceSource =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string; readonly container?: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'workstation' }
  /** A host on the Internet behind the cluster's router. */
  | { readonly kind: 'outside' }

export type TraceTarget =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string; readonly port?: number | string }
  /** A port by number or name; absent: the only one. The client dials the cluster IP. */
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string; readonly port?: number | string }
  | { readonly kind: 'node'; readonly name: string; readonly port?: number }
  | { readonly kind: 'address'; readonly address: string; readonly port?: number }
  /** A DNS name, which the client looks up. */
  | { readonly kind: 'name'; readonly name: string; readonly port?: number }
  | { readonly kind: 'url'; readonly url: string }

export type TraceProtocol = 'tcp' | 'udp' | 'icmp' | 'http'

/** What to try. Plain JSON. */
export interface TraceRequest {
  readonly from: TraceSource
  readonly to: TraceTarget
  /** Absent: http for a URL, the Service's own protocol, icmp where there is no port, otherwise tcp. */
  readonly protocol?: TraceProtocol
  /** How long the client waits for a connection or an answer, ms; 5000 where absent, at most `longestTimeout`. */
  readonly timeoutMs?: number
  /** Another draw where something is drawn: which endpoint a Service picks. */
  readonly draw?: number
}
