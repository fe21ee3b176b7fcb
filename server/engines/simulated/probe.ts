import { StatusError } from '../../../simulator/apiserver/api.ts'
import type { SimulatedCluster } from '../../../simulator/cluster/cluster.ts'
import type { Place } from '../../../simulator/kubelet/runtime/run-process.ts'
import { isAddress } from '../../../simulator/network/address.ts'
import { connect, DialTimeout } from '../../../simulator/network/async.ts'
import { httpRequest } from '../../../simulator/network/http.ts'
import type { HttpResponse } from '../../../simulator/network/http-message.ts'
import { NetworkError } from '../../../simulator/network/sockets.ts'
import { resolve } from '../../../simulator/programs/resolver/resolver.ts'
import type { Probe, ProbeResult, ProbeSource } from '../engine.ts'
import { dnsProbe } from './dns-probe.ts'
import { outcomeOf } from './outcome.ts'

type Seen = Omit<ProbeResult, 'from' | 'elapsed'>

/** Tries what a check asks, with the source's own network namespace, resolver and hosts file; leaves no trace in the cluster. */
export async function probe(cluster: SimulatedCluster, from: ProbeSource, what: Probe, signal: AbortSignal): Promise<ProbeResult> {
  const source = sourceOf(cluster, from)
  if ('missing' in source) return { outcome: 'unknown', elapsed: 0, from: source.title, error: source.missing }
  const began = performance.now()
  const seen = await attempt(source.place, what, signal)
  return { ...seen, from: source.title, elapsed: performance.now() - began }
}

async function attempt(place: Place, what: Probe, signal: AbortSignal): Promise<Seen> {
  if (what.kind === 'dns') return dnsProbe(place, what, signal)
  const target = what.kind === 'tcp' ? { host: what.host, port: what.port } : urlTarget(what.url)
  const address = await addressOf(place, target.host, signal)
  if (typeof address !== 'string') return address
  const to = { address, port: target.port }
  if (what.kind === 'tcp') return tcp(place, to, what.timeoutMs, signal)
  return http(place, to, what, signal)
}

async function tcp(place: Place, to: { address: string; port: number }, timeoutMs: number, signal: AbortSignal): Promise<Seen> {
  try {
    const connection = await connect(place.namespace.sockets, to, { clock: place.clock, timeoutMs, signal })
    connection.close()
    return { outcome: 'answered' }
  } catch (error) {
    return failed(error, `dial tcp ${to.address}:${to.port}`)
  }
}

function http(place: Place, to: { address: string; port: number }, what: Probe & { kind: 'http' }, signal: AbortSignal): Promise<Seen> {
  const url = new URL(what.url)
  return new Promise((done) => {
    const host = what.host ?? url.host
    const finish = (seen: Seen) => {
      timer.close()
      signal.removeEventListener('abort', abort)
      request.close()
      done(seen)
    }
    const abort = () => finish({ outcome: 'unknown', error: 'the probe was cancelled' })
    const timer = place.clock.after(what.timeoutMs, () =>
      finish({ outcome: 'timeout', error: `Get "${what.url}": no answer within ${what.timeoutMs} ms` }),
    )
    const request = httpRequest(
      place.namespace.sockets,
      to,
      {
        target: `${url.pathname}${url.search}`,
        headers: [
          ['Host', host],
          ['User-Agent', 'faultline-probe'],
          ['Accept', '*/*'],
        ],
      },
      {
        response: (response) => finish({ outcome: 'answered', http: plainResponse(response) }),
        error: (error) => finish(failed(error, `Get "${what.url}"`)),
      },
    )
    signal.addEventListener('abort', abort, { once: true })
  })
}

function plainResponse({ status, headers, body }: HttpResponse): NonNullable<ProbeResult['http']> {
  return {
    status,
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    body: new TextDecoder().decode(body),
  }
}

async function addressOf(place: Place, host: string, signal: AbortSignal): Promise<string | Seen> {
  const literal = host.replace(/^\[|\]$/g, '')
  if (isAddress(literal)) return literal
  const { namespace, files, clock, random } = place
  const found = await resolve({ sockets: namespace.sockets, files, clock, random }, host, { signal })
  if ('addresses' in found && found.addresses[0]) return found.addresses[0]
  return { outcome: 'unresolved', error: `the name ${host} does not resolve` }
}

function urlTarget(text: string): { host: string; port: number } {
  const url = new URL(text)
  return { host: url.hostname, port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) }
}

export function failed(error: unknown, doing: string): Seen {
  if (error instanceof DialTimeout) return { outcome: 'timeout', error: `${doing}: i/o timeout` }
  if (!(error instanceof NetworkError))
    return { outcome: 'unknown', error: `${doing}: ${error instanceof Error ? error.message : String(error)}` }
  return { outcome: outcomeOf(error), error: `${doing}: ${error.message}` }
}

function sourceOf(cluster: SimulatedCluster, from: ProbeSource): { title: string; place: Place } | { title: string; missing: string } {
  if ('workstation' in from) return { title: 'the workstation', place: cluster.workstation }
  if ('node' in from) {
    const place = cluster.nodePlace(from.node)
    return place ? { title: `node ${from.node}`, place } : { title: `node ${from.node}`, missing: `there is no node ${from.node}` }
  }
  const { namespace, name, selector, container } = from.pod
  const chosen = name ?? podFor(cluster, namespace, selector ?? '')
  if (!chosen)
    return { title: `a pod of ${namespace} with ${selector}`, missing: `no pod in ${namespace} with labels ${selector} is running` }
  const title = `pod ${namespace}/${chosen}`
  try {
    return { title, place: cluster.podPlace(namespace, chosen, container) }
  } catch (error) {
    // The pod is gone, or has no running container: the question cannot be asked from there.
    return { title, missing: error instanceof StatusError || error instanceof Error ? error.message : String(error) }
  }
}

/** A running pod of the selector: a ready one before others, the youngest of those, as that is what a repair made. */
function podFor(cluster: SimulatedCluster, namespace: string, labelSelector: string): string | undefined {
  interface Candidate {
    metadata?: { name?: string; creationTimestamp?: string; deletionTimestamp?: string }
    status?: { phase?: string; conditions?: { type: string; status: string }[] }
  }
  const rank = ({ status }: Candidate) =>
    status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ? 1 : 0
  const born = ({ metadata }: Candidate) => Date.parse(metadata?.creationTimestamp ?? '')
  const running = cluster.api
    .list<Candidate & Record<string, unknown>>('pods', { namespace, labelSelector })
    .filter(({ metadata, status }) => !metadata?.deletionTimestamp && status?.phase === 'Running')
  return [...running].sort((a, b) => rank(b) - rank(a) || born(b) - born(a))[0]?.metadata?.name
}
