import { DnsFormatError, decodeDns, type ResourceRecord } from '../../../network/dns-message.ts'
import { icmpMessage } from '../../../network/icmp.ts'
import { type Packet, tcpFlags } from '../../../network/packet.ts'
import { recordData, recordType } from '../dns-text.ts'

/** `21:55:36.123456`. */
export function timeOfDay(at: number): string {
  const micro = Math.floor((at - Math.floor(at)) * 1000)
  return `${new Date(Math.floor(at)).toISOString().slice(11, 23)}${String(micro).padStart(3, '0')}`
}

/** Remembers where each direction of a connection began: sequence numbers are shown from there. */
export type Sequences = Map<string, number>

/** One packet as `tcpdump -n` prints it, behind the time. */
export function packetLine(packet: Packet, sequences: Sequences, absolute: boolean): string {
  const { protocol, src, dst, sport, dport } = packet
  if (packet.arp) {
    return packet.arp.request
      ? `ARP, Request who-has ${dst} tell ${src}, length ${packet.size}`
      : `ARP, Reply ${src} is-at ${packet.arp.senderMac}, length ${packet.size}`
  }
  if (protocol === 'icmp') return `IP ${src} > ${dst}: ICMP ${icmpText(packet)}, length ${packet.size - 20}`
  if (protocol === 'ipip' && packet.inner) return `IP ${src} > ${dst}: ${packetLine(packet.inner, sequences, absolute)}`
  const ends = `IP ${src}.${sport} > ${dst}.${dport}:`
  if (protocol === 'udp') {
    const tunnel = packet.inner && tunnelName(packet)
    if (packet.inner && tunnel) return `${ends} ${tunnel}\n${packetLine(packet.inner, sequences, absolute)}`
    if (packet.inner) return `${ends} UDP, length ${packet.size - 28}`
    const payload = packet.payload ?? new Uint8Array()
    const dns = sport === 53 || dport === 53 ? dnsText(payload) : undefined
    return `${ends} ${dns ?? 'UDP,'} ${dns ? `(${payload.length})` : `length ${payload.length}`}`
  }
  return `${ends} ${tcpText(packet, sequences, absolute)}`
}

/** print-udp.c goes by the port: 8472, Flannel's, is OTV's to tcpdump, and what it does not know (Weave Net's 6784) is not looked into. */
function tunnelName({ sport, dport, vni }: Packet): string | undefined {
  if (dport === 4789 || sport === 4789) return `VXLAN, flags [I] (0x08), vni ${vni}`
  if (dport === 8472 || sport === 8472) return `OTV, flags [I] (0x08), overlay 0, instance ${vni}`
  return undefined
}

function tcpText(packet: Packet, sequences: Sequences, absolute: boolean): string {
  const tcp = packet.tcp
  if (!tcp) return 'tcp'
  const key = `${packet.src}.${packet.sport}>${packet.dst}.${packet.dport}`
  const back = `${packet.dst}.${packet.dport}>${packet.src}.${packet.sport}`
  if (tcp.syn) sequences.set(key, tcp.seq)
  else if (!sequences.has(key)) sequences.set(key, tcp.seq - 1)
  const length = packet.payload?.length ?? 0
  const from = tcp.syn || absolute ? tcp.seq >>> 0 : tcp.seq - (sequences.get(key) ?? 0)
  const words = [`Flags [${tcpFlags(tcp) || 'none'}]`]
  if (length > 0) words.push(`seq ${from}:${from + length}`)
  else if (tcp.syn || tcp.fin || tcp.rst) words.push(`seq ${from}`)
  if (tcp.isAck) {
    const other = sequences.get(back)
    words.push(`ack ${absolute || tcp.syn || other === undefined ? tcp.ack >>> 0 : tcp.ack - other}`)
  }
  words.push(`win ${tcp.window}`)
  if (tcp.mss !== undefined) words.push(`options [mss ${tcp.mss}]`)
  words.push(`length ${length}`)
  const text = words.join(', ')
  const first = length > 0 && (packet.dport === 80 || packet.sport === 80) ? new TextDecoder().decode(packet.payload).split('\r\n')[0] : ''
  return first && /HTTP\//.test(first) ? `${text}: HTTP: ${first}` : text
}

function icmpText({ icmp, sport }: Packet): string {
  if (!icmp) return ''
  if (icmp.type === 8) return `echo request, id ${sport}, seq ${icmp.sequence ?? 0}`
  if (icmp.type === 0) return `echo reply, id ${sport}, seq ${icmp.sequence ?? 0}`
  if (icmp.type === 11) return 'time exceeded in-transit'
  const about = icmp.about
  if (!about) return icmpMessage(icmp.type, icmp.code)
  switch (icmp.code) {
    case 3:
      return `${about.dst} ${about.protocol} port ${about.dport} unreachable`
    case 4:
      return `${about.dst} unreachable - need to frag (mtu ${icmp.mtu})`
    case 1:
      return `host ${about.dst} unreachable`
    case 0:
      return `net ${about.dst} unreachable`
    default:
      return `host ${about.dst} unreachable - admin prohibited filter`
  }
}

/** As print-domain.c: questions with `+` for recursion, answers with their counts. */
function dnsText(bytes: Uint8Array): string | undefined {
  try {
    const message = decodeDns(bytes)
    const [question] = message.questions
    const asked = question ? `${question.type}? ${question.name}` : ''
    if (!message.response) return `${message.id}${message.recursionDesired ? '+' : ''}${message.edns ? ' [1au]' : ''} ${asked}`
    const { answers, authorities, additionals, rcode } = message
    const failed =
      rcode === 'NOERROR'
        ? ''
        : ` ${{ NXDOMAIN: 'NXDomain', SERVFAIL: 'ServFail', REFUSED: 'Refused', FORMERR: 'FormErr' }[String(rcode)] ?? rcode}`
    const counts = ` ${answers.length}/${authorities.length}/${additionals.length + (message.edns ? 1 : 0)}`
    const shown = (answers.length > 0 ? answers : [])
      .map((record: ResourceRecord) => `${recordType(record)} ${recordData(record)}`)
      .join(', ')
    return `${message.id}${failed}${message.authoritative ? '*' : ''}${message.recursionAvailable ? '' : '-'}${counts}${shown ? ` ${shown}` : ''}`
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined
    throw error
  }
}
