import type { KubeConfig } from '@kubernetes/client-node'
import type { Trace, TraceRequest } from '../../protocol/trace.ts'

export type EngineName = 'simulated' | 'kind'
export type ClusterId = string
/** An ingress controller that a cluster is made with. */
export const addons = ['ingress-nginx', 'traefik'] as const
export type Addon = (typeof addons)[number]
/** `none`: nodes stay NotReady until somebody installs a plugin. */
export type Cni = 'kindnet' | 'calico' | 'flannel' | 'cilium' | 'weave' | 'none'

export interface ClusterSpec {
  /** The control plane included. */
  readonly nodes: number
  readonly cni: Cni
  /** Kubernetes minor, `1.34`. */
  readonly kubernetes: string
  readonly seed: number
  /** How many load balancers a cloud rents out to it; absent: no cloud, and Services of that type stay pending. */
  readonly loadBalancers?: number | undefined
  /** Absent: none. */
  readonly addons?: readonly Addon[]
}

/** What is wrong, in one sentence for people, and how to mend it. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly mend: string
}
export type Availability = { readonly available: true } | ({ readonly available: false } & Problem)
export type Support = { readonly supported: true } | ({ readonly supported: false } & Problem)

export interface ProvisioningStep {
  readonly name: string
  readonly state: 'running' | 'done' | 'failed'
  /** ms since the step began. */
  readonly elapsed: number
  readonly detail?: string
}

/** Makes clusters. Every engine passes `contract.test.ts`. */
export interface ClusterEngine {
  readonly name: EngineName
  availability(): Promise<Availability>
  supports(spec: ClusterSpec): Support
  /**
   * `hurry`: nobody works in it yet, so where the engine can, time in the cluster may pass faster than outside (until it is forked or
   * has caught up with the present).
   */
  create(
    id: ClusterId,
    spec: ClusterSpec,
    onStep: (step: ProvisioningStep) => void,
    signal: AbortSignal,
    options?: { readonly hurry?: boolean },
  ): Promise<Cluster>
  /** After a restart of the server: the cluster as it was, or undefined where it is gone. */
  reattach(id: ClusterId): Promise<Cluster | undefined>
  /** Removes what a crash left behind: everything of ours that is not in `known`. Returns the removed ids. */
  sweep(known: readonly ClusterId[]): Promise<ClusterId[]>
  /** What only some engines can do; ask before use. */
  readonly templates?: Templates
  /** Releases threads and listeners; clusters stay as they are. */
  close(): Promise<void>
}

/** Where a probe starts: a pod (by name, or the first ready one that a selector finds), a node, or the workstation. */
export type ProbeSource =
  | { readonly pod: { readonly namespace: string; readonly name?: string; readonly selector?: string; readonly container?: string } }
  | { readonly node: string }
  | { readonly workstation: true }

export type Probe =
  | { readonly kind: 'http'; readonly url: string; readonly host?: string; readonly timeoutMs: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly timeoutMs: number }
  | {
      readonly kind: 'dns'
      readonly name: string
      readonly type: 'A' | 'AAAA' | 'SRV' | 'PTR' | 'CNAME' | 'TXT'
      readonly server?: string
      readonly timeoutMs: number
    }

/** What was seen. `unknown` is for a probe that could not be tried at all (its pod is gone), which is no failure of what it asks about. */
export type ProbeOutcome = 'answered' | 'refused' | 'timeout' | 'unreachable' | 'unresolved' | 'unknown'
export interface ProbeResult {
  readonly outcome: ProbeOutcome
  /** ms. */
  readonly elapsed: number
  /** Where it was tried from, for people: `pod shop/web-5d7…`. */
  readonly from: string
  readonly http?: { readonly status: number; readonly headers: Record<string, string>; readonly body: string }
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL` … and the answers' data as text. */
  readonly dns?: { readonly rcode: string; readonly answers: readonly string[]; readonly server: string }
  /** The error as a client on that spot would word it. */
  readonly error?: string
}

export interface TerminalStream {
  /** Bytes from the keyboard. */
  input(bytes: Uint8Array): void
  resize(columns: number, rows: number): void
  /** Ends the shell. */
  close(): void
  /** Exit code of the shell. */
  readonly exit: Promise<number>
}

export interface Cluster {
  readonly id: ClusterId
  readonly engine: EngineName
  readonly spec: ClusterSpec
  /** `platform` is the cluster administrator of the platform itself; `learner` what the page offers for download. */
  kubeconfig(audience: 'platform' | 'learner'): Promise<KubeConfig>
  /** Text of the same as YAML. */
  kubeconfigText(audience: 'platform' | 'learner'): Promise<string>
  probe(from: ProbeSource, what: Probe, signal?: AbortSignal): Promise<ProbeResult>
  /** A login shell on the workstation. `output` resolves when more may come: the reader's flow control. */
  openTerminal(size: { columns: number; rows: number }, output: (bytes: Uint8Array) => Promise<void>): Promise<TerminalStream>
  /** Runs a script (`sh`) on the workstation with the platform's kubeconfig, for faults, solutions and wrong fixes. */
  runScript(script: string, files: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<{ exitCode: number; output: string }>
  /** What only some engines can do; ask before use. */
  readonly checkpoints?: Checkpoints
  /**
   * Records the way of one connection's packets, without changing anything (simulated engine). A request that makes no sense rejects with
   * code `bad-request` or `not-found` and a message that says what would.
   */
  readonly trace?: (request: TraceRequest, signal?: AbortSignal) => Promise<Trace>
  destroy(): Promise<void>
}

/** Named moments of a cluster, kept and returned to (simulated engine). */
export interface Checkpoints {
  save(name: string): Promise<void>
  restore(name: string): Promise<void>
}

/** Kept moments of clusters, from which new clusters are made at once (simulated engine). They last as long as the engine is open. */
export interface Templates {
  keep(cluster: ClusterId, key: string): Promise<void>
  has(key: string): boolean
  /** A cluster of its own that goes on from the kept moment. Throws where there is no such template. */
  fork(key: string, id: ClusterId): Promise<Cluster>
}
