import { isAddress } from '../../network/address.ts'
import { reverseName } from '../../network/dns-message.ts'
import type { Process } from '../process.ts'
import { hostsAddresses, hostsName, type Libc, libcOf, type ResolverConfiguration, resolverConfiguration } from './configuration.ts'
import { type QueryOutcome, query, type ResolverPlace } from './query.ts'

export { type DnsQuery, type QueryOutcome, query, type ResolverPlace } from './query.ts'

/** getaddrinfo's EAI_NONAME, EAI_NODATA, EAI_AGAIN and EAI_FAIL. */
export type ResolveFailure = 'not-found' | 'no-data' | 'try-again' | 'failed'
export type Resolution = { readonly addresses: readonly string[]; readonly canonical: string } | { readonly failure: ResolveFailure }

export interface ResolveOptions {
  /** By default what the place's files say (`libcOf`). */
  readonly libc?: Libc
  readonly signal?: AbortSignal
}

/** As `resolve`, for a running command. */
export function lookup(process: Process, name: string): Promise<Resolution> {
  return resolve(process, name, { signal: process.signal })
}

/** What getaddrinfo finds for a name: an address itself, `/etc/hosts`, then DNS with the search list. Rejects only with `signal.reason`. */
export async function resolve(place: ResolverPlace, name: string, options: ResolveOptions = {}): Promise<Resolution> {
  if (isAddress(name)) return { addresses: [name], canonical: name }
  const listed = hostsAddresses(place.files, name)
  if (listed.length > 0) return { addresses: ipv4First(listed), canonical: name }
  // RFC 6761, 6.3: both libcs answer it without asking.
  if (name === 'localhost') return { addresses: ['127.0.0.1'], canonical: name }
  if (!isHostName(name)) return { failure: 'not-found' }
  const configuration = resolverConfiguration(place.files)
  const libc = options.libc ?? libcOf(place.files)
  return libc === 'musl' ? resolveMusl(place, name, configuration, options) : resolveGlibc(place, name, configuration, options)
}

/** The name behind an address: `/etc/hosts`, then a PTR record. */
export async function reverse(place: ResolverPlace, address: string, options: ResolveOptions = {}): Promise<string | undefined> {
  const listed = hostsName(place.files, address)
  if (listed) return listed
  const { timeoutMs } = resolverConfiguration(place.files)
  const signal = options.signal ? { signal: options.signal } : {}
  const outcome = await query(place, { name: reverseName(address), type: 'PTR', timeoutMs, ...signal })
  const record = 'message' in outcome ? outcome.message.answers.find(({ type }) => type === 'PTR') : undefined
  return record?.type === 'PTR' ? record.data.replace(/\.$/, '') : undefined
}

/** Names to ask for, in glibc's order: with enough dots as it stands first, otherwise last. */
export function glibcCandidates(name: string, { search, ndots }: Pick<ResolverConfiguration, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name]
  const searched = search.map((domain) => `${name}.${domain}.`)
  return dots(name) >= ndots ? [`${name}.`, ...searched] : [...searched, `${name}.`]
}

/** musl never searches for a name with enough dots. */
export function muslCandidates(name: string, { search, ndots }: Pick<ResolverConfiguration, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name]
  return dots(name) >= ndots ? [`${name}.`] : [...search.map((domain) => `${name}.${domain}.`), `${name}.`]
}

/** res_search: names one after the other, servers one after the other; A and AAAA of a name together. SERVFAIL goes to the next server. */
async function resolveGlibc(
  place: ResolverPlace,
  name: string,
  configuration: ResolverConfiguration,
  options: ResolveOptions,
): Promise<Resolution> {
  let failure: ResolveFailure = 'not-found'
  for (const candidate of glibcCandidates(name, configuration)) {
    const answers = await askInTurn(place, candidate, configuration, options)
    if (answers === undefined) return { failure: 'try-again' }
    const found = gather(answers, candidate)
    if ('addresses' in found) return found
    if (found.failure !== 'not-found') failure = found.failure
  }
  return { failure }
}

/** Undefined: no server said anything of use, which ends glibc's search. */
async function askInTurn(
  place: ResolverPlace,
  name: string,
  { nameservers, attempts, timeoutMs, tcp }: ResolverConfiguration,
  options: ResolveOptions,
): Promise<QueryOutcome[] | undefined> {
  let servfail: QueryOutcome[] | undefined
  for (let attempt = 0; attempt < attempts; attempt++) {
    for (const server of nameservers) {
      const outcomes = await askBoth(place, name, server, timeoutMs, tcp, options)
      const [first] = outcomes
      if (first && 'message' in first) {
        if (usable(first)) return outcomes
        servfail = outcomes
      }
    }
    // Only silence is worth another round.
    if (servfail) return servfail
  }
  return undefined
}

/** name_from_dns_search: every server is asked at once and the first answer counts; a round ends after timeout divided by attempts. */
async function resolveMusl(
  place: ResolverPlace,
  name: string,
  configuration: ResolverConfiguration,
  options: ResolveOptions,
): Promise<Resolution> {
  for (const candidate of muslCandidates(name, configuration)) {
    const answers = await askAtOnce(place, candidate, configuration, options)
    if (answers === undefined) return { failure: 'try-again' }
    const found = gather(answers, candidate)
    // Anything but "no such name" ends the search, as a failure or as an answer without addresses.
    if ('addresses' in found || found.failure !== 'not-found') return found
  }
  return { failure: 'not-found' }
}

async function askAtOnce(
  place: ResolverPlace,
  name: string,
  { nameservers, attempts, timeoutMs, tcp }: ResolverConfiguration,
  options: ResolveOptions,
): Promise<QueryOutcome[] | undefined> {
  const wait = Math.floor(timeoutMs / attempts)
  for (let attempt = 0; attempt < attempts; attempt++) {
    const began = place.clock.now()
    const outcomes = await firstUsable(nameservers.map((server) => askBoth(place, name, server, wait, tcp, options)))
    if (outcomes) return outcomes
    // What was refused at once is asked again only when the round is over, as musl waits for an answer that may still come.
    const left = wait - (place.clock.now() - began)
    if (left > 0) await place.clock.sleep(left, options.signal)
  }
  return undefined
}

function firstUsable(asked: readonly Promise<QueryOutcome[]>[]): Promise<QueryOutcome[] | undefined> {
  return new Promise((resolve, reject) => {
    let left = asked.length
    let servfail: QueryOutcome[] | undefined
    for (const asking of asked) {
      asking.then((outcomes) => {
        const [first] = outcomes
        if (first && usable(first)) return resolve(outcomes)
        if (first && 'message' in first) servfail = outcomes
        if (--left === 0) resolve(servfail)
      }, reject)
    }
  })
}

function askBoth(
  place: ResolverPlace,
  name: string,
  server: string,
  timeoutMs: number,
  tcp: boolean,
  options: ResolveOptions,
): Promise<QueryOutcome[]> {
  const signal = options.signal ? { signal: options.signal } : {}
  return Promise.all(['A', 'AAAA'].map((type) => query(place, { name, type, server, timeoutMs, tcp, ...signal })))
}

function usable(outcome: QueryOutcome): boolean {
  return 'message' in outcome && (outcome.message.rcode === 'NOERROR' || outcome.message.rcode === 'NXDOMAIN')
}

/** The simulated interfaces carry IPv4, so the A answer decides; an AAAA one only adds. */
function gather(outcomes: readonly QueryOutcome[], asked: string): Resolution {
  const [a, aaaa] = outcomes
  const addresses: string[] = []
  let canonical = asked
  for (const outcome of [a, aaaa]) {
    if (!outcome || !('message' in outcome)) continue
    for (const record of outcome.message.answers) {
      if (record.type !== 'A' && record.type !== 'AAAA') continue
      addresses.push(record.data)
      canonical = record.name
    }
  }
  if (addresses.length > 0) return { addresses, canonical: canonical.replace(/\.$/, '') }
  if (!a || !('message' in a)) return { failure: 'try-again' }
  const { rcode } = a.message
  if (rcode === 'NOERROR') return { failure: 'no-data' }
  if (rcode === 'NXDOMAIN') return { failure: 'not-found' }
  return { failure: rcode === 'SERVFAIL' ? 'try-again' : 'failed' }
}

function ipv4First(addresses: readonly string[]): string[] {
  return [...addresses.filter((address) => !address.includes(':')), ...addresses.filter((address) => address.includes(':'))]
}

function dots(name: string): number {
  return name.split('.').length - 1
}

function isHostName(name: string): boolean {
  return name.length > 0 && name.length <= 254 && /^([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?$/i.test(name)
}

/** gai_strerror of the two libraries. */
export function resolveMessage(failure: ResolveFailure, libc: Libc): string {
  const glibc = {
    'not-found': 'Name or service not known',
    'no-data': 'No address associated with hostname',
    'try-again': 'Temporary failure in name resolution',
    failed: 'Non-recoverable failure in name resolution',
  }
  const musl = {
    'not-found': 'Name does not resolve',
    'no-data': 'Name has no usable address',
    'try-again': 'Try again',
    failed: 'Non-recoverable error',
  }
  return (libc === 'musl' ? musl : glibc)[failure]
}
