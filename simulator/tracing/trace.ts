import type { Pod, Service } from 'kubernetes-types/core/v1'
import type { HeldTime } from '../clock.ts'
import type { KubeObject } from '../kubernetes.ts'
import { isAddress } from '../network/address.ts'
import type { ObjectName } from '../network/trace.ts'
import { attemptsOf } from './attempts.ts'
import { clientProgram, runClient } from './client.ts'
import { decidingHop, summarize } from './deciding.ts'
import { type Attempt, type Trace, traceVersion } from './document.ts'
import { type Cluster, sourceParty, targetParty } from './parties.ts'
import { longestTimeout, TraceError, type TraceRequest } from './request.ts'
import { standIn } from './stand-ins.ts'
import { type Opened, watchSockets } from './watched-sockets.ts'

/** A copy of a cluster whose time only moves when it is told to. */
export interface Rehearsal {
  readonly cluster: Cluster
  readonly time: HeldTime
  /** Lets promise callbacks run. */
  turn(): Promise<void>
}

const usualTimeout = 5000
/** For daemons and containers' commands to open their sockets again, ms of the copy's time. */
const settlingMs = 100
const stepMs = 100

/**
 * Tries what `request` asks on a copy of the cluster, and records it. A copy, because then a trace changes nothing that a learner could see: no
 * counter, no conntrack entry, no line in a server's log; because minutes of waiting pass in no time; and because the same question has the
 * same answer. What runs only in memory (a server that somebody started by hand in a pod) is not in a copy: where such a socket listens,
 * a stand-in takes the connection, and the trace's `limits` say so. Bounded: ends at the latest when the client's own patience does.
 * Throws TraceError.
 */
export async function trace(live: Cluster, { cluster, time, turn }: Rehearsal, request: TraceRequest): Promise<Trace> {
  const timeoutMs = request.timeoutMs ?? usualTimeout
  if (!(timeoutMs >= 1 && timeoutMs <= longestTimeout))
    throw new TraceError('bad-request', `a trace waits 1 to ${longestTimeout} ms, not ${timeoutMs}`)
  const { party: from, place } = sourceParty(cluster, request.from)
  const goal = targetParty(cluster, request)
  await time.pass(settlingMs, turn)
  const limits = standIn(live.network, cluster.network)
  const began = cluster.clock.now()
  const opened: Opened[] = []
  const owned = place.namespace.socketsFor(clientProgram(goal))
  const sockets = watchSockets(owned, () => cluster.clock.now(), opened)
  const recorder = cluster.network.record()
  try {
    let ended = false
    const running = runClient(place, sockets, goal, timeoutMs, opened).finally(() => {
      ended = true
      recorder.close()
    })
    // Whatever it throws is told below; until then nobody listens.
    running.catch(() => {})
    // A resolver has its own patience: two servers, two rounds, each search domain.
    const limit = 4 * timeoutMs + 120_000
    await turn()
    for (let passed = 0; !ended && passed < limit; passed += stepMs) await time.pass(stepMs, turn)
    if (!ended) throw new Error(`the traced client did not end within ${limit} ms`)
    const client = await running
    const where = { machine: place.namespace.machine.name, namespace: place.namespace.name }
    const attempts = attemptsOf(recorder.hops, opened, where, began, !isAddress(goal.host), servicesOf(cluster))
    const deciding = decidingHop(attempts, client)
    const told: Omit<Trace, 'summary'> = {
      version: traceVersion,
      at: new Date(began).toISOString(),
      request,
      from,
      to: goal.party,
      pods: podsOf(cluster, attempts),
      attempts,
      client,
      ...(deciding ? { deciding } : {}),
      limits,
    }
    return { ...told, summary: summarize(told) }
  } finally {
    recorder.close()
    owned.close()
  }
}

function servicesOf(cluster: Cluster): (address: string) => ObjectName | undefined {
  const services = cluster.api.list<KubeObject & Service>('services')
  return (address) => {
    const found = services.find(({ spec }) => spec?.clusterIP === address)
    return found && { kind: 'Service', namespace: found.metadata?.namespace ?? '', name: found.metadata?.name ?? '' }
  }
}

/** A pod is known by its address, which only its own namespace has; pods of the host network have none of their own. */
function podsOf(cluster: Cluster, attempts: readonly Attempt[]): Trace['pods'] {
  const byAddress = new Map<string, ObjectName>()
  for (const { metadata, spec, status } of cluster.api.list<KubeObject & Pod>('pods')) {
    if (!status?.podIP || spec?.hostNetwork || status.phase === 'Succeeded' || status.phase === 'Failed') continue
    byAddress.set(status.podIP, { kind: 'Pod', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' })
  }
  const found = new Map<string, Trace['pods'][number]>()
  for (const { machine, namespace } of attempts.flatMap(({ legs }) => legs.flatMap(({ hops }) => hops))) {
    const key = `${machine} ${namespace}`
    if (namespace === '' || found.has(key)) continue
    const addresses = cluster.network.machine(machine)?.namespace(namespace)?.addresses() ?? []
    const pod = addresses.map((address) => byAddress.get(address)).find((one) => one !== undefined)
    if (pod) found.set(key, { machine, network: namespace, pod })
  }
  return [...found.values()]
}
