import type { Hop, ObjectName } from '../network/trace.ts'
import type { TraceRequest } from './request.ts'

/** Another number wherever a field changes its meaning or goes. */
export const traceVersion = 1

/**
 * One connection attempt, as plain JSON: every packet of it in both directions, hop by hop, and what the client saw in the end.
 * Names of stages, tables, chains and rules are the kernel's; addresses are text; times are ms.
 */
export interface Trace {
  readonly version: typeof traceVersion
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
