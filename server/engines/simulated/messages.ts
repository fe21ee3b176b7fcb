import type { MessagePort } from 'node:worker_threads'
import type { TraceRequest } from '../../../protocol/trace.ts'
import type { Peer, UpgradeTransport } from '../../../simulator/apiserver/api.ts'
import type { ClusterSpec, Probe, ProbeResult, ProbeSource } from '../engine.ts'
import type { ClientAuthority } from './client-certificates.ts'

/** A request to a thread that hosts clusters. Each carries a port of its own, on which the answer and whatever streams travel. */
export type ThreadRequest = {
  readonly port: MessagePort
} /** Comes first: PEM of the authority that clusters publish as their own, and what signs for clients. */ & (
  | { readonly kind: 'configure'; readonly authority: string; readonly clients: ClientAuthority }
  | { readonly kind: 'create'; readonly cluster: string; readonly spec: ClusterSpec; readonly tokens: Tokens; readonly hurry: boolean }
  | {
      readonly kind: 'restore'
      readonly cluster: string
      readonly spec: ClusterSpec
      readonly tokens: Tokens
      readonly snapshot: Uint8Array
    }
  | { readonly kind: 'destroy'; readonly cluster: string }
  | { readonly kind: 'prepare'; readonly spec: ClusterSpec }
  /** Hands over the snapshots of everything that changed since the last. */
  | { readonly kind: 'flush' }
  /** Answers with the serialised state of the cluster now. */
  | { readonly kind: 'snapshot'; readonly cluster: string }
  | { readonly kind: 'fetch'; readonly cluster: string; readonly request: PlainRequest }
  | {
      readonly kind: 'upgrade'
      readonly cluster: string
      readonly request: PlainRequest
      readonly protocols: readonly string[]
      readonly transport: UpgradeTransport
    }
  | { readonly kind: 'terminal'; readonly cluster: string; readonly columns: number; readonly rows: number }
  | { readonly kind: 'probe'; readonly cluster: string; readonly from: ProbeSource; readonly what: Probe }
  | { readonly kind: 'trace'; readonly cluster: string; readonly request: TraceRequest }
  | { readonly kind: 'script'; readonly cluster: string; readonly script: string; readonly files: Readonly<Record<string, string>> }
  | { readonly kind: 'checkpoint'; readonly cluster: string; readonly name: string }
  | { readonly kind: 'rewind'; readonly cluster: string; readonly name: string }
)

/** What a thread says by itself. */
export type ThreadNotice =
  | { readonly kind: 'snapshot'; readonly cluster: string; readonly snapshot: Uint8Array }
  | { readonly kind: 'defect'; readonly cluster: string; readonly error: string }

export interface PlainRequest {
  readonly method: string
  /** Path and query below the cluster's root. */
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body?: Uint8Array
  readonly peer: Peer
}

/** Bearer tokens of a cluster's kubeconfigs. */
export interface Tokens {
  readonly platform: string
  readonly learner: string
}

/**
 * On a call's port, from the thread. `head` and `chunk` are for fetch, `message` for sockets, `output` for terminals and scripts. `taken` gives
 * back room for one message to the thread.
 */
export type FromThread =
  | { readonly kind: 'done'; readonly value?: unknown }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'head'; readonly status: number; readonly headers: readonly (readonly [string, string])[]; readonly protocol?: string }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'message'; readonly data: Uint8Array | string }
  | { readonly kind: 'close'; readonly code?: number; readonly reason?: string }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'taken' }

/** On a call's port, to the thread. `taken` gives back room for one chunk, message or output. */
export type ToThread =
  | { readonly kind: 'taken' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'message'; readonly data: Uint8Array | string }
  | { readonly kind: 'closed' }
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number }

export type ScriptResult = { readonly exitCode: number; readonly output: string }
export type { ProbeResult }
