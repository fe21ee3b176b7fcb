import { parseAddress } from '../../network/address.ts'

/** Another node's part of the network, from its annotations. */
export interface Lease {
  readonly node: string
  readonly subnet: string
  readonly publicIp: string
  readonly backendType: string
  readonly backendData: string
}

/** An event as Go prints it with `%#v`. */
export function goEvent({ subnet, publicIp, backendType, backendData }: Lease, removed: boolean): string {
  const [base = '', length = '0'] = subnet.split('/')
  const hex = (address: string) => `0x${((parseAddress(address)?.[0] ?? 0) >>> 0).toString(16)}`
  const bytes = [...new TextEncoder().encode(backendData)].map((byte) => `0x${byte.toString(16)}`).join(', ')
  const attributes = `lease.LeaseAttrs{PublicIP:${hex(publicIp)}, PublicIPv6:(*ip.IP6)(nil), BackendType:"${backendType}", BackendData:json.RawMessage{${bytes}}, BackendV6Data:json.RawMessage(nil)}`
  return `lease.Event{Type:${removed ? 1 : 0}, Lease:lease.Lease{EnableIPv4:true, EnableIPv6:false, Subnet:ip.IP4Net{IP:${hex(base)}, PrefixLen:0x${Number(length).toString(16)}}, IPv6Subnet:ip.IP6Net{IP:(*ip.IP6)(nil), PrefixLen:0x0}, Attrs:${attributes}, Expiration:time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC), Asof:0}}`
}
