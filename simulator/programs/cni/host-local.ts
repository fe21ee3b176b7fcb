import { type CniCall, CniError, type CniPlugin, type CniResult } from '../process.ts'

interface Ipam {
  readonly type: string
  readonly ranges?: readonly (readonly {
    readonly subnet: string
    readonly gateway?: string
    readonly rangeStart?: string
    readonly rangeEnd?: string
  }[])[]
  readonly subnet?: string
  readonly gateway?: string
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[]
  readonly dataDir?: string
}

/** Hands out addresses of a range, noted as files under /var/lib/cni/networks. Follows containernetworking/plugins' host-local. */
export const hostLocal: CniPlugin = {
  kind: 'cni',
  id: 'cni/host-local',
  add(call): CniResult {
    const ipam = call.config['ipam'] as Ipam
    const folder = folderOf(call, ipam)
    const sets = ipam.ranges ?? (ipam.subnet ? [[{ subnet: ipam.subnet, gateway: ipam.gateway }]] : [])
    if (sets.length === 0) throw new CniError(7, 'no IP ranges specified')
    if (!call.files.exists(folder)) call.files.makeDirectory(folder, { parents: true })
    const ips = sets.map((set, index) => {
      for (const range of set) {
        const address = reserve(call, folder, range, index)
        if (address) return address
      }
      throw new CniError(
        11,
        `failed to allocate for range ${index}: no IP addresses available in range set: ${set.map(describe).join(', ')}`,
      )
    })
    return { interfaces: [], ips, routes: ipam.routes ?? [] }
  },
  del(call) {
    const folder = folderOf(call, call.config['ipam'] as Ipam)
    if (!call.files.exists(folder)) return
    for (const { name, directory } of call.files.list(folder)) {
      if (directory || !/^\d/.test(name)) continue
      if (call.files.readText(`${folder}/${name}`).startsWith(call.containerId)) call.files.remove(`${folder}/${name}`)
    }
  },
}

function folderOf({ config }: CniCall, ipam: Ipam): string {
  return `${ipam.dataDir ?? '/var/lib/cni/networks'}/${config['name']}`
}

/** The next free address after the one given out last, so that a freed address is not used again at once. */
function reserve(
  call: CniCall,
  folder: string,
  range: { subnet: string; gateway?: string; rangeStart?: string; rangeEnd?: string },
  index: number,
) {
  const { first, last, length } = bounds(range)
  const gateway = range.gateway ?? toText(networkOf(range.subnet).base + 1)
  const marker = `${folder}/last_reserved_ip.${index}`
  const previous = call.files.exists(marker) ? toNumber(call.files.readText(marker)) : first - 1
  const count = last - first + 1
  for (let step = 1; step <= count; step++) {
    const candidate = first + ((previous - first + step + count) % count)
    const address = toText(candidate)
    if (address === gateway || call.files.exists(`${folder}/${address}`)) continue
    call.files.write(`${folder}/${address}`, `${call.containerId}\r\n${call.interfaceName}`)
    call.files.write(marker, address)
    return { address: `${address}/${length}`, gateway }
  }
  return undefined
}

function bounds(range: { subnet: string; rangeStart?: string; rangeEnd?: string }) {
  const { base, length } = networkOf(range.subnet)
  return {
    first: range.rangeStart ? toNumber(range.rangeStart) : base + 1,
    last: range.rangeEnd ? toNumber(range.rangeEnd) : base + 2 ** (32 - length) - 2,
    length,
  }
}

function describe(range: { subnet: string; rangeStart?: string; rangeEnd?: string }): string {
  const { first, last } = bounds(range)
  return `${toText(first)}-${toText(last)}`
}

function networkOf(subnet: string): { base: number; length: number } {
  const [address = '', bits = '32'] = subnet.split('/')
  const length = Number(bits)
  const size = 2 ** (32 - length)
  return { base: Math.floor(toNumber(address) / size) * size, length }
}

function toNumber(address: string): number {
  return address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0)
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}
