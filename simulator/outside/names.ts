import type { ResourceRecord, Soa } from '../network/dns-message.ts'

/** A host on the simulated Internet. */
export interface Site {
  readonly machine: string
  readonly address: string
  /** Its network's router there, and the prefix length of that network. */
  readonly gateway: string
  readonly length: number
}

/** Public resolvers; addresses as everyone knows them. */
export const publicResolvers: readonly Site[] = [
  { machine: 'dns.google', address: '8.8.8.8', gateway: '8.8.8.254', length: 24 },
  { machine: 'one.one.one.one', address: '1.1.1.1', gateway: '1.1.1.254', length: 24 },
]

/** Documentation addresses (RFC 5737) stand for the sites: nobody is to mistake them for the real ones. */
export const webServer: Site = { machine: 'web-host', address: '203.0.113.80', gateway: '203.0.113.254', length: 24 }

/** Zones with the names in them that exist, relative to the zone; every one points to the web server. */
const zones: Readonly<Record<string, readonly string[]>> = {
  'example.com.': ['', 'www.'],
  'example.org.': ['', 'www.'],
  'kubernetes.io.': ['', 'www.'],
  'k8s.io.': ['', 'registry.', 'dl.', 'kind.sigs.'],
  'docker.io.': ['', 'registry-1.', 'auth.'],
  'github.com.': ['', 'www.', 'api.'],
  'githubusercontent.com.': ['raw.'],
}

export interface PublicAnswer {
  readonly rcode: 'NOERROR' | 'NXDOMAIN'
  readonly answers: readonly ResourceRecord[]
  readonly authorities: readonly ResourceRecord[]
}

const ttl = 300

/** What the public DNS says about a name (lower case, with the final dot). */
export function publicAnswer(name: string, type: string): PublicAnswer {
  const reverse = reverseNames.get(name)
  if (reverse) {
    const answers: ResourceRecord[] = type === 'PTR' ? [{ name, ttl, type: 'PTR', data: reverse }] : []
    return { rcode: 'NOERROR', answers, authorities: answers.length > 0 ? [] : [soa(name)] }
  }
  const zone = Object.keys(zones).find((origin) => name === origin || name.endsWith(`.${origin}`))
  // No such top-level or second-level name: the root says so, as for cluster.local.
  if (!zone) return { rcode: 'NXDOMAIN', answers: [], authorities: [soa('.')] }
  const known = (zones[zone] as readonly string[]).some((label) => `${label}${zone}` === name)
  if (!known) return { rcode: 'NXDOMAIN', answers: [], authorities: [soa(zone)] }
  if (type !== 'A') return { rcode: 'NOERROR', answers: [], authorities: [soa(zone)] }
  return { rcode: 'NOERROR', answers: [{ name, ttl, type: 'A', data: webServer.address }], authorities: [] }
}

const reverseNames = new Map([
  ['8.8.8.8.in-addr.arpa.', 'dns.google.'],
  ['1.1.1.1.in-addr.arpa.', 'one.one.one.one.'],
])

function soa(zone: string): ResourceRecord {
  const times = { refresh: 1800, retry: 900, expire: 604_800 }
  const data: Soa =
    zone === '.'
      ? {
          mname: 'a.root-servers.net.',
          rname: 'nstld.verisign-grs.com.',
          serial: 2_025_112_400,
          ...times,
          expire: 604_800,
          minimum: 86_400,
        }
      : { mname: `ns1.${zone}`, rname: `hostmaster.${zone}`, serial: 2_025_112_401, ...times, minimum: 300 }
  return { name: zone, ttl: zone === '.' ? 86_400 : 300, type: 'SOA', data }
}
