import type { FileSystem } from '../../files.ts'
import { isAddress } from '../../network/address.ts'

/** What `/etc/resolv.conf` says, with the defaults of resolv.conf(5). */
export interface ResolverConfiguration {
  readonly nameservers: readonly string[]
  readonly search: readonly string[]
  readonly ndots: number
  /** ms. */
  readonly timeoutMs: number
  readonly attempts: number
  /** `use-vc`: TCP only. */
  readonly tcp: boolean
}

/** MAXNS: no libc asks more servers. */
const maxNameservers = 3

export function resolverConfiguration(files: FileSystem): ResolverConfiguration {
  const nameservers: string[] = []
  let search: string[] = []
  const options = new Map<string, string>()
  for (const line of readLines(files, '/etc/resolv.conf')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver' && rest[0] && isAddress(rest[0])) nameservers.push(rest[0])
    else if (word === 'search') search = rest
    else if (word === 'domain' && rest[0]) search = [rest[0]]
    else if (word === 'options') {
      for (const option of rest) {
        const [name = '', value = ''] = option.split(':')
        options.set(name, value)
      }
    }
  }
  const number = (name: string, otherwise: number, most: number) => {
    const text = options.get(name)
    return text !== undefined && /^\d+$/.test(text) ? Math.min(Number(text), most) : otherwise
  }
  return {
    // Without a nameserver line both libcs ask the host itself.
    nameservers: nameservers.length > 0 ? nameservers.slice(0, maxNameservers) : ['127.0.0.1'],
    search: search.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''),
    ndots: number('ndots', 1, 15),
    timeoutMs: Math.max(1, number('timeout', 5, 30)) * 1000,
    attempts: Math.max(1, number('attempts', 2, 5)),
    tcp: options.has('use-vc'),
  }
}

/** The addresses that `/etc/hosts` gives a name, in the order of its lines. */
export function hostsAddresses(files: FileSystem, name: string): string[] {
  const wanted = name.replace(/\.$/, '').toLowerCase()
  const found: string[] = []
  for (const line of readLines(files, '/etc/hosts')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address && isAddress(address) && names.some((known) => known.toLowerCase() === wanted)) found.push(address)
  }
  return found
}

/** The first name that `/etc/hosts` gives an address. */
export function hostsName(files: FileSystem, address: string): string | undefined {
  for (const line of readLines(files, '/etc/hosts')) {
    const [known, name] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (known === address && name) return name
  }
  return undefined
}

export type Libc = 'glibc' | 'musl'

/** Which C library a root file system has: Alpine's images carry musl's loader. */
export function libcOf(files: FileSystem): Libc {
  return files.exists(muslLoader) ? 'musl' : 'glibc'
}

export const muslLoader = '/lib/ld-musl-x86_64.so.1'

function readLines(files: FileSystem, path: string): string[] {
  return files.exists(path) ? files.readText(path).split('\n') : []
}
