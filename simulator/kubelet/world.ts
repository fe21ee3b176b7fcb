import type { ObjectReference, Pod, Taint } from 'kubernetes-types/core/v1'
import type { Api, UserInfo } from '../apiserver/api.ts'
import type { Attributes, Decision } from '../apiserver/http/reviews.ts'
import type { Clock, Closer, Timers } from '../clock.ts'
import type { EventRecorder } from '../events/recorder.ts'
import type { FileSystem } from '../files.ts'
import type { MemoryFiles } from '../memory-files.ts'
import type { Machine } from '../network/machine.ts'
import type { NetworkNamespace } from '../network/namespace.ts'
import type { HttpsService } from '../network/sockets.ts'
import type { Catalogue, Signal } from '../programs/process.ts'
import type { Random } from '../random.ts'
import type { Pipe } from '../streams.ts'
import type { Terminal } from '../terminal.ts'
import type { Place } from './runtime/run-process.ts'
import type { Instance, NodeState } from './state.ts'

/** What a kubelet is given: its node's hardware, files and network, and the API server. */
export interface KubeletWorld {
  readonly node: string
  readonly api: Api
  readonly clock: Clock
  readonly random: Random
  readonly machine: Machine
  readonly catalogue: Catalogue
  /** The node's own files: CNI configuration and plugins, static pod manifests, /etc/resolv.conf, /etc/hosts. */
  readonly files: MemoryFiles
  readonly clusterDns: string
  /** `cluster.local` */
  readonly clusterDomain: string
  /** The node's InternalIPs; default: the first address of the machine's root namespace. */
  readonly addresses?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  readonly providerId?: string
  /** Quantities; default 8 CPUs, 16 GiB, 110 pods. */
  readonly capacity?: { readonly cpu: string; readonly memory: string; readonly pods: string }
  /**
   * The API behind a service that a daemon reached; undefined where it is no Kubernetes API. `token` reads the one in the pod's files;
   * absent for static pods, which have files of their own for that. Default: `api.as(user)`.
   */
  apiOf?(service: HttpsService, user: UserInfo, token: (() => string | undefined) | undefined): Api | undefined
  /**
   * A token that the API server will accept for this pod, as its TokenRequest answers (StatusError where it refuses);
   * default: one that looks like it and is known to nobody.
   */
  serviceAccountToken?(request: PodTokenRequest): string
  /** Who a bearer token stands for, where a program on the node brings one itself (CNI plugins with a kubeconfig). */
  userOf?(token: string): UserInfo | undefined
  /** The tokens in the snapshot are another cluster's, of which this one is a fork: its API server does not know them. */
  readonly foreignTokens?: boolean
  /** Who asks the kubelet over HTTPS, and whether they may: what the real one asks the API server. Absent: nobody may. */
  authenticate?(request: Request): UserInfo | undefined | Promise<UserInfo | undefined>
  authorize?(user: UserInfo, attributes: Attributes): Decision
  /** The stub resolver of a place, for `fetch` by name. */
  resolver?(place: { namespace: NetworkNamespace; files: FileSystem }): (host: string) => Promise<readonly string[]>
  /** Mistakes in programs, besides the crash of their process. */
  onError(error: unknown): void
}

export interface PodTokenRequest {
  readonly namespace: string
  readonly serviceAccount: string
  readonly audience?: string
  readonly pod: Pod
  readonly expirationSeconds: number
}

/** What stands behind a running container and is made anew after a restore. */
export interface LiveContainer {
  readonly uid: string
  readonly container: string
  readonly instance: Instance
  readonly place: Place
  readonly files: MemoryFiles
  /** Its CPU limit. */
  readonly cores?: number
  readonly stdin?: Pipe
  readonly terminal?: Terminal
  main: { kill(signal: Signal): void; stop(): void }
  /** The main process's number, where that is a daemon. */
  pid?: number
  /** Told after every line and at the end. */
  readonly followers: Set<() => void>
  /** Clients joined to the main process's output. */
  readonly attached: Set<(stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>>
}

export interface LiveVolume {
  readonly files: MemoryFiles
  readonly source: string
  readonly readOnly: boolean
}

/** The kubelet's parts share this. */
export interface Kubelet {
  readonly world: KubeletWorld
  readonly state: NodeState
  readonly events: EventRecorder
  readonly timers: Timers
  readonly hostAddresses: readonly string[]
  /** Pods as last seen, by UID; static ones as their manifests say. */
  readonly pods: Map<string, Pod>
  /** Running containers by container id. */
  readonly live: Map<string, LiveContainer>
  /** `<uid>/<volume>` */
  readonly volumes: Map<string, LiveVolume>
  /** Forwarded connections by the pod's UID: aborted when its sandbox goes. */
  readonly forwards: Map<string, Set<AbortController>>
  readonly watches: Closer[]
  /** The clock's `stirs` when probes were last made. */
  probedAtStir: number
  readonly stopped: boolean
  /** Looks at the pod again in this instant. */
  sync(uid: string): void
  /** Looks at it no later than `at`. */
  syncAt(uid: string, at: number): void
  /** Renews the service account tokens that are due at `at`, or sooner where others are. */
  tokensDueAt(at: number): void
  /** Brings what changed since into its projected volumes now. */
  refreshVolumes(uid: string): void
  /** Writes its status at the end of this instant. */
  writeStatus(uid: string): void
}

export function podReference(
  pod: Pod,
  container?: { name: string; kind: 'containers' | 'initContainers' | 'ephemeralContainers' },
): ObjectReference {
  const { metadata } = pod
  // A mirror pod's events carry its hash as UID, as the kubelet knows the static pod by nothing else.
  return {
    kind: 'Pod',
    namespace: metadata?.namespace,
    name: metadata?.name,
    uid: metadata?.uid,
    apiVersion: 'v1',
    ...(metadata?.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
    ...(container ? { fieldPath: `spec.${container.kind}{${container.name}}` } : {}),
  }
}

/** `coredns-…_kube-system(uid)` */
export function podTitle(pod: Pod): string {
  return `${pod.metadata?.name}_${pod.metadata?.namespace}(${pod.metadata?.uid})`
}
