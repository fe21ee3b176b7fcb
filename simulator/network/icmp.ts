import type { RejectWith } from './netfilter/rule.ts'
import { type Errno, NetworkError } from './sockets.ts'

export const echoReply = 0
export const destinationUnreachable = 3
export const echoRequest = 8
export const timeExceeded = 11

/** Codes of "destination unreachable" (RFC 792, 1122, 1812). */
export const unreachableCode = {
  net: 0,
  host: 1,
  protocol: 2,
  port: 3,
  fragmentationNeeded: 4,
  netProhibited: 9,
  hostProhibited: 10,
  adminProhibited: 13,
} as const

/** An ICMP error as a socket is told of it; who complained is what traceroute wants. */
export class IcmpError extends NetworkError {
  readonly from: string
  readonly type: number
  readonly icmpCode: number
  constructor(from: string, type: number, icmpCode: number) {
    super(errnoOf(type, icmpCode), icmpMessage(type, icmpCode))
    this.name = 'IcmpError'
    this.from = from
    this.type = type
    this.icmpCode = icmpCode
  }
}

/** Linux's icmp_err_convert. */
export function errnoOf(type: number, code: number): Errno {
  if (type !== destinationUnreachable) return 'EHOSTUNREACH'
  if (code === unreachableCode.port || code === unreachableCode.protocol) return 'ECONNREFUSED'
  if (code === unreachableCode.fragmentationNeeded) return 'EMSGSIZE'
  return code === unreachableCode.net || code === unreachableCode.netProhibited || code === 6 || code === 11
    ? 'ENETUNREACH'
    : 'EHOSTUNREACH'
}

/** As iputils' ping prints it. */
export function icmpMessage(type: number, code: number, mtu?: number): string {
  if (type === timeExceeded) return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded'
  if (type !== destinationUnreachable) return `Bad ICMP type: ${type}`
  switch (code) {
    case unreachableCode.net:
      return 'Destination Net Unreachable'
    case unreachableCode.host:
      return 'Destination Host Unreachable'
    case unreachableCode.protocol:
      return 'Destination Protocol Unreachable'
    case unreachableCode.port:
      return 'Destination Port Unreachable'
    case unreachableCode.fragmentationNeeded:
      return `Frag needed and DF set${mtu === undefined ? '' : ` (mtu = ${mtu})`}`
    case unreachableCode.netProhibited:
      return 'Destination Net Prohibited'
    case unreachableCode.hostProhibited:
      return 'Destination Host Prohibited'
    case unreachableCode.adminProhibited:
      return 'Packet filtered'
    default:
      return `Dest Unreachable, Bad Code: ${code}`
  }
}

export function rejectCode(kind: Exclude<RejectWith, 'tcp-reset'>): number {
  switch (kind) {
    case 'icmp-net-unreachable':
      return unreachableCode.net
    case 'icmp-host-unreachable':
      return unreachableCode.host
    case 'icmp-proto-unreachable':
      return unreachableCode.protocol
    case 'icmp-port-unreachable':
      return unreachableCode.port
    case 'icmp-net-prohibited':
      return unreachableCode.netProhibited
    case 'icmp-host-prohibited':
      return unreachableCode.hostProhibited
    case 'icmp-admin-prohibited':
      return unreachableCode.adminProhibited
  }
}
