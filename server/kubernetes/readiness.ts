import { Refused } from '../refused.ts'
import type { KubeClient } from './client.ts'
import { follow } from './follow.ts'
import { builtinKind } from './kinds.ts'
import { type KubeObject, nameOf } from './object.ts'

const kinds = ['Deployment', 'StatefulSet', 'DaemonSet', 'Pod'] as const

interface Counts {
  readonly [field: string]: number | undefined
}

/** What an object still lacks to be ready, in words; undefined when it is. As `kubectl rollout status` judges. */
export function lacks(object: KubeObject): string | undefined {
  const spec = (object['spec'] ?? {}) as { replicas?: number }
  const status = (object['status'] ?? {}) as Counts & { conditions?: { type: string; status: string }[]; phase?: string }
  const generation = object.metadata['generation'] as number | undefined
  if (generation !== undefined && (status['observedGeneration'] ?? 0) < generation) return 'its controller has not seen it yet'
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet': {
      const wanted = spec.replicas ?? 1
      const updated = status['updatedReplicas'] ?? (wanted === 0 ? 0 : undefined)
      const ready = status['readyReplicas'] ?? 0
      if ((updated ?? 0) < wanted) return `${updated ?? 0} of ${wanted} replicas are up to date`
      if ((status['replicas'] ?? 0) > wanted) return 'old replicas are not gone yet'
      return ready < wanted ? `${ready} of ${wanted} replicas are ready` : undefined
    }
    case 'DaemonSet': {
      const wanted = status['desiredNumberScheduled']
      if (wanted === undefined || status['observedGeneration'] === undefined) return 'it is not scheduled yet'
      if ((status['updatedNumberScheduled'] ?? 0) < wanted)
        return `${status['updatedNumberScheduled'] ?? 0} of ${wanted} pods are up to date`
      return (status['numberReady'] ?? 0) < wanted ? `${status['numberReady'] ?? 0} of ${wanted} pods are ready` : undefined
    }
    case 'Pod': {
      if (object.metadata['ownerReferences'] !== undefined || status.phase === 'Succeeded') return undefined
      return status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')
        ? undefined
        : `it is ${status.phase ?? 'Pending'}`
    }
    default:
      return undefined
  }
}

/** Resolves when every workload of the cluster, and each of `wanted`, is ready; refuses after `timeoutMs` with what is not. */
export async function awaitReady(client: KubeClient, wanted: readonly KubeObject[], timeoutMs: number, signal: AbortSignal): Promise<void> {
  const watching = new AbortController()
  const until = AbortSignal.any([signal, watching.signal])
  const missing = new Map(
    wanted.filter((object) => (kinds as readonly string[]).includes(object.kind)).map((object) => [nameOf(object), 'it does not exist']),
  )
  const listed = await Promise.all(
    kinds.map(async (kind) => (await client.list(required(kind), {}, signal)).map((object) => [nameOf(object), lacks(object)] as const)),
  )
  for (const [name, lack] of listed.flat()) note(name, lack)
  if (missing.size === 0) return
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(notReady(missing, timeoutMs)), timeoutMs)
      until.addEventListener('abort', () => reject(until.reason), { once: true })
      for (const kind of kinds) {
        void follow(
          client,
          required(kind),
          ({ type, object }) => {
            note(nameOf(object), type === 'DELETED' ? undefined : lacks(object))
            if (missing.size === 0) resolve()
          },
          until,
        )
      }
    })
  } finally {
    clearTimeout(timer)
    watching.abort()
  }

  function note(name: string, lack: string | undefined): void {
    if (lack === undefined) missing.delete(name)
    else missing.set(name, lack)
  }
}

function required(kind: string) {
  const found = builtinKind(kind)
  if (found === undefined) throw new Error(`${kind} is not in the table of kinds`)
  return found
}

function notReady(missing: ReadonlyMap<string, string>, timeoutMs: number): Refused {
  const list = [...missing].map(([name, lack]) => `${name} (${lack})`)
  return new Refused(
    'not-ready',
    `The cluster was not ready after ${timeoutMs / 1000} s: ${list.slice(0, 5).join(', ')}${list.length > 5 ? ', …' : ''}.`,
    {
      mend: 'Start the lab again; if it happens again, the lab or the cluster engine is at fault.',
      status: 500,
    },
  )
}
