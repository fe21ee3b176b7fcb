import type { Scale } from 'kubernetes-types/autoscaling/v1'
import type { Status } from 'kubernetes-types/meta/v1'
import type { Closer } from '../clock.ts'
import type { KubeObject, ResourceName } from '../kubernetes.ts'
import type { ByteSink, ByteSource } from '../streams.ts'

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

export interface WatchOptions extends ListOptions {
  /** First delivers every existing object as ADDED. */
  readonly initial?: boolean
  /** It stood before a restore of the cluster and goes on: nobody asks again whether it may. */
  readonly resumed?: boolean
  /** The server ended it, and the user may not open another: `last` is what list() would have shown. Called once, nothing follows. */
  ended?(last: readonly KubeObject[]): void
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

/** One version of one kind that is served. */
export interface ServedResource {
  readonly name: ResourceName
  readonly kind: string
  readonly apiVersion: string
  readonly namespaced: boolean
}

/** What the scale subresource of any kind reads and writes. */
export type ScaleObject = Scale & KubeObject

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
  /** The scale subresource. Throws NotFound, also where the kind has none; InternalError where the object has no replicas to show. */
  scale(resource: ResourceName, namespace: string | undefined, name: string): ScaleObject
  updateScale(resource: ResourceName, scale: ScaleObject): ScaleObject
  /** The finalize subresource of a namespace: what is left of `spec.finalizers`. */
  finalize(namespace: KubeObject): void
  patch<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string, patch: unknown, options: PatchOptions): T
  delete(resource: ResourceName, namespace: string | undefined, name: string, options?: DeleteOptions): void
  /** Sets `spec.nodeName` through the binding subresource. */
  bind(namespace: string, pod: string, node: string): void
  /** A token of an account, for the API server, bound to nothing; `serviceaccounts/NAME/token`. Throws NotFound, Invalid, NotImplemented. */
  requestToken(namespace: string, account: string, expirationSeconds: number): IssuedToken
  /**
   * Calls `handler` for every later change, in order, each in an event of its own (never inside the write that caused it).
   * With `initial`, first delivers every existing object as ADDED.
   * A watch of a custom kind outlives its definition, as a reflector that lists again does: it says nothing while there is none, and
   * goes on when there is one again. Throws NotFound where nobody serves the kind when it begins.
   */
  watch<T extends KubeObject>(resource: ResourceName, handler: (event: WatchEvent<T>) => void, options?: WatchOptions): Closer
  /**
   * What discovery would tell: every kind, in every version, custom ones included. The same array for as long as that is the same;
   * whoever has to know of changes watches `customresourcedefinitions.apiextensions.k8s.io`.
   */
  served(): readonly ServedResource[]
  /** The same API as another user; for admission, authorization and audit. `manager`: what its User-Agent makes of it in managedFields. */
  as(user: UserInfo, manager?: string): Api
}

export interface IssuedToken {
  readonly token: string
  /** ms since the epoch. */
  readonly expires: number
}

export interface UserInfo {
  readonly username: string
  readonly groups: readonly string[]
  readonly uid?: string
  /** What authentication or impersonation says besides: `authentication.kubernetes.io/pod-name` … */
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** The other end of a connection, as far as its TLS handshake tells. */
export interface Peer {
  /** Its client certificate: whom the cluster's authority says it is, or why that is nobody. Absent where it showed none. */
  readonly certificate?: ClientCertificate | { readonly invalid: string }
}

export interface ClientCertificate {
  readonly commonName: string
  readonly organizations: readonly string[]
  /** SHA-256 of the certificate, hex. */
  readonly fingerprint: string
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
  /** Finds the pod's sandbox; what is returned forwards any number of connections to ports on its loopback, whatever becomes of the pod. */
  portForward(namespace: string, pod: string): PortForwarder
  /** The kubelet's own HTTP API (port 10250), for a caller that may use it. */
  serve(method: string, path: string, query: URLSearchParams): Response
}

/**
 * Joins `stream` with one new connection to the port, and resolves when the connection is over. Rejects with the words of the runtime's
 * streaming server, and with the signal's reason once it aborts.
 */
export type PortForwarder = (port: number, stream: { source: ByteSource; sink: ByteSink }, signal: AbortSignal) => Promise<void>

/** One WebSocket, seen from the server. */
export interface MessageSocket {
  /** The next message, or undefined once the client has closed. */
  receive(): Promise<Uint8Array | string | undefined>
  /** Resolves when the transport can take more. */
  send(message: Uint8Array | string): Promise<void>
  close(code?: number, reason?: string): void
}

export type UpgradeTransport = 'websocket' | 'SPDY/3.1'

/** The HTTP face of the API server: isomorphic, no listener of its own. */
export interface ApiServer {
  /** Who a client is that shows a certificate and its key (PEM). Rejects in Go's words where they are no pair. Absent: it asks for none. */
  handshake?(shown: { readonly certificate: string; readonly key: string }): Promise<Peer>
  fetch(request: Request, peer?: Peer): Promise<Response>
  /**
   * A handshake: the chosen subprotocol and what then talks on the socket, or the Response that refuses it. With `SPDY/3.1` the socket is the
   * bare connection, whose messages are whatever arrived together, and the protocols are those of X-Stream-Protocol-Version.
   */
  upgrade(
    request: Request,
    protocols: readonly string[],
    /** Default: a WebSocket of a client without a certificate. */
    from?: { readonly transport?: UpgradeTransport; readonly peer?: Peer },
  ): Promise<Response | { protocol: string; run(socket: MessageSocket): Promise<void> }>
}
