import type { Pod } from 'kubernetes-types/core/v1'
import type { EventMemory } from '../events/correlator.ts'
import type { FilesSnapshot } from '../memory-files.ts'
import type { BackOff } from './back-off.ts'
import type { LogLine } from './logs.ts'
import type { MeterState } from './meter.ts'
import type { ProbeKind, ProbeState } from './probes.ts'

/** All that a kubelet and its container runtime remember: plain data, changed in place by the kubelet alone. */
export interface NodeState {
  /** By UID. */
  pods: Record<string, PodState>
  /** Pulled images by full reference. */
  images: Record<string, PulledImage>
  events: EventMemory
  nextPid: number
  /** Its process does not run; its containers may. */
  halted: boolean
  /** When the node came up, ms since the epoch. */
  bootedAt: number
  /** When something last happened here; see `disturb`. */
  disturbedAt: number
  /** When steady probes run, as an offset within their period, ms; see `Rhythm`. */
  beat: number
  /** No probe has a turn before something happens in the cluster; see `armProbes`. */
  asleep?: boolean
  /** Digest of each static pod's manifest by file path. */
  manifests: Record<string, { uid: string; pod: Pod }>
}

export interface PulledImage {
  /** `docker.io/library/nginx@sha256:…` */
  readonly id: string
  readonly bytes: number
}

export interface PodState {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** ms since the epoch: when this kubelet first saw it. */
  readonly startedAt: number
  sandbox?: Sandbox
  /** By volume name; set once mounted. */
  volumes?: Record<string, VolumeState>
  /** By container name. */
  containers: Record<string, ContainerState>
  /** Image pull back-offs by reference. */
  pulls: Record<string, BackOff & { error: string; reason: string }>
  /** How often in a row the volumes could not be set up. */
  mountFailures: number
  initialized: boolean
  /** Set while its containers are being stopped for good. `phase` and `reason` are for pods that end without being deleted. */
  termination?: {
    readonly deadline: number
    readonly since: number
    readonly phase?: 'Failed'
    readonly reason?: string
    readonly message?: string
  }
  /** The pod as it was when it went from the API before its containers had ended: nobody else knows it any more. */
  gone?: Pod
  /** No container of it runs or will run again. */
  over: boolean
}

export interface Sandbox {
  /** 64 hex digits. */
  readonly id: string
  /** Name of its network namespace; undefined with hostNetwork. */
  readonly namespace?: string
  readonly addresses: readonly string[]
  readonly readyAt: number
  /** What was added, for the DEL. */
  readonly network?: { readonly list: NetworkList; readonly result: unknown }
}

/** A CNI network configuration list. */
export interface NetworkList {
  readonly name: string
  readonly cniVersion: string
  readonly plugins: readonly Record<string, unknown>[]
}

export type VolumeState =
  /** Files of its own: emptyDir and projections. `refreshAt`: when the tokens in it are to be renewed, ms since the epoch. */
  | { readonly kind: 'files'; readonly readOnly: boolean; files: FilesSnapshot; refreshAt?: number }
  | { readonly kind: 'hostPath'; readonly path: string }

export interface ContainerState {
  readonly name: string
  /** Why it does not run yet or again. */
  waiting?: { reason: string; message?: string }
  /** The newest instance, running or ended. */
  current?: Instance
  previous?: Instance
  restarts: number
  backOff?: BackOff
  probes: Partial<Record<ProbeKind, ProbeState>>
}

/** One run of a container. */
export interface Instance {
  /** 64 hex digits. */
  readonly id: string
  /** As the runtime reports it, in full. */
  readonly image: string
  readonly imageId: string
  readonly startedAt: number
  /** What the pod added to the image's environment when this instance was made. */
  readonly env: Readonly<Record<string, string>>
  ended?: { at: number; exitCode: number; reason: string; message?: string; signal?: number }
  /** Being stopped: SIGKILL at `killAt`. */
  stopping?: { killAt: number; termSent: boolean }
  started: boolean
  ready: boolean
  log: LogLine[]
  /** How many lines were dropped from the front of `log`. */
  dropped: number
  /** What it wrote into its own layer; current while it does not run, and in snapshots. */
  files: FilesSnapshot
  /** Content of subPath mounts of projected volumes: those do not follow updates. By mount path. */
  frozen: Record<string, FilesSnapshot>
  /** A daemon's own state. */
  daemon: { state?: unknown }
  meter: MeterState
  /** The kernel kills it for its memory. */
  outOfMemory?: boolean
}

export function newNodeState(now: number): NodeState {
  return { pods: {}, images: {}, events: {}, nextPid: 1, halted: false, bootedAt: now, disturbedAt: now, beat: 0, manifests: {} }
}
