import type { Status } from 'kubernetes-types/meta/v1'
import type { Closer } from '../clock.ts'
import type { KubeObject, ResourceName } from '../kubernetes.ts'

/** A refusal by the API server, as the Status object that goes over the wire. `message` is the Status's message. */
export class StatusError extends Error {
  readonly status: Status
  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'unknown')
    this.name = 'StatusError'
    this.status = status
  }
  /** HTTP status code. */
  get code(): number {
    return this.status.code ?? 500
  }
  /** `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, `Forbidden` …: what code should match on. */
  get reason(): string {
    return this.status.reason ?? 'InternalError'
  }
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'
export interface WatchEvent<T extends KubeObject = KubeObject> {
  readonly type: WatchEventType
  readonly object: T
  /** The object as it was before; undefined for ADDED. */
  readonly previous?: T
}

export interface ListOptions {
  namespace?: string
  /** Selector in its string form, `app=web,tier!=db`. */
  labelSelector?: string
  fieldSelector?: string
}

export interface DeleteOptions {
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan'
  gracePeriodSeconds?: number
  preconditions?: { uid?: string; resourceVersion?: string }
}

export interface PatchOptions {
  type: 'json' | 'merge' | 'strategic' | 'apply'
  subresource?: string
  fieldManager?: string
  force?: boolean
}

/**
 * The API server as its in-process clients (controllers, scheduler, kubelets, daemons) meet it: synchronous, without serialisation,
 * through the same defaulting, validation and admission as over HTTP. Every refusal is a `StatusError`.
 * Types are the caller's word: `api.get<Pod>('pods', …)`.
 */
export interface Api {
  /** Throws NotFound. */
  get<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string): T
  find<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string): T | undefined
  list<T extends KubeObject>(resource: ResourceName, options?: ListOptions): readonly T[]
  create<T extends KubeObject>(resource: ResourceName, object: T): T
  /** Optimistic concurrency: Conflict where `metadata.resourceVersion` is given and not the newest. */
  update<T extends KubeObject>(resource: ResourceName, object: T): T
  updateStatus<T extends KubeObject>(resource: ResourceName, object: T): T
  patch<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string, patch: unknown, options: PatchOptions): T
  delete(resource: ResourceName, namespace: string | undefined, name: string, options?: DeleteOptions): void
  /** Sets `spec.nodeName` through the binding subresource. */
  bind(namespace: string, pod: string, node: string): void
  /**
   * Calls `handler` for every later change, in order, each in an event of its own (never inside the write that caused it).
   * With `initial`, first delivers every existing object as ADDED.
   */
  watch<T extends KubeObject>(
    resource: ResourceName,
    handler: (event: WatchEvent<T>) => void,
    options?: ListOptions & { initial?: boolean },
  ): Closer
  /** The same API as another user; for admission, authorization and audit. */
  as(user: UserInfo): Api
}

export interface UserInfo {
  readonly username: string
  readonly groups: readonly string[]
}

/**
 * What the API server asks of the nodes for logs, exec, attach and port-forward: implemented by the kubelets, reached by node name.
 */
export interface NodeConnector {
  /** The kubelet of that node, or undefined when the node is unreachable or has none. */
  kubelet(node: string): KubeletApi | undefined
  /** Brings the kubelets' leases up to date, before somebody reads them. */
  renewLeases?(): void
}

export interface LogOptions {
  container?: string
  follow?: boolean
  previous?: boolean
  sinceSeconds?: number
  sinceTime?: string
  timestamps?: boolean
  tailLines?: number
  limitBytes?: number
}

export interface ExecOptions {
  container?: string
  command: readonly string[]
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

export interface ExecSession {
  /** Bytes for the process's standard input; an empty write is nothing. Resolves when the process can take more. */
  stdin(bytes: Uint8Array): Promise<void>
  closeStdin(): void
  resize(columns: number, rows: number): void
  /** Ends the process, as when the client goes away. */
  close(): void
  /** Resolves with the exit code when the process has ended and all of its output was delivered. */
  readonly exit: Promise<number>
}

/** The part of a kubelet that the API server proxies to. Refusals are `StatusError`s with the kubelet's own words. */
export interface KubeletApi {
  /** Lines (each ends in a newline) go to `write`; with `follow` the promise resolves when the container ends or `signal` aborts. */
  logs(namespace: string, pod: string, options: LogOptions, write: (text: string) => Promise<void>, signal: AbortSignal): Promise<void>
  exec(
    namespace: string,
    pod: string,
    options: ExecOptions,
    output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>,
  ): ExecSession
  /** As exec, but joined to the container's main process. */
  attach(
    namespace: string,
    pod: string,
    options: ExecOptions,
    output: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => Promise<void>,
  ): ExecSession
  /** A byte stream to a port inside the pod's network namespace (loopback address). */
  portForward(
    namespace: string,
    pod: string,
    port: number,
    output: (bytes: Uint8Array) => Promise<void>,
  ): { write(bytes: Uint8Array): Promise<void>; close(): void; readonly closed: Promise<void> }
}

/** One WebSocket, seen from the server. */
export interface MessageSocket {
  /** The next message, or undefined once the client has closed. */
  receive(): Promise<Uint8Array | string | undefined>
  /** Resolves when the transport can take more. */
  send(message: Uint8Array | string): Promise<void>
  close(code?: number, reason?: string): void
}

/** The HTTP face of the API server: isomorphic, no listener of its own. */
export interface ApiServer {
  fetch(request: Request): Promise<Response>
  /** A WebSocket handshake: the chosen subprotocol and what then talks on the socket, or the Response that refuses it. */
  upgrade(
    request: Request,
    protocols: readonly string[],
  ): Promise<Response | { protocol: string; run(socket: MessageSocket): Promise<void> }>
}
