import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https'
import { createInterface } from 'node:readline'
import type { KubeConfig } from '@kubernetes/client-node'
import { Refused } from '../refused.ts'
import { builtinKind, collectionPath, groupPath } from './kinds.ts'
import { type KubeList, type KubeObject, nameOf, type ResourceKind } from './object.ts'

/** A Status answer of the API server: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export class KubeError extends Error {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.name = 'KubeError'
    this.status = status
    this.reason = reason
  }
}

export type WatchEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; readonly object: KubeObject }

/** Where to look: one namespace or all, by labels or not. */
export interface Scope {
  readonly namespace?: string
  readonly selector?: string
}

/**
 * The few verbs that the platform needs. The kubeconfig is read by client-node; the requests are sent over connections that stay open,
 * because client-node makes a new agent, and so a new TLS handshake, for every request.
 */
export interface KubeClient {
  kind(name: string, apiVersion?: string): Promise<ResourceKind>
  /** undefined where there is no such object. */
  get(kind: ResourceKind, name: string, namespace?: string, signal?: AbortSignal): Promise<KubeObject | undefined>
  list(kind: ResourceKind, scope?: Scope, signal?: AbortSignal): Promise<readonly KubeObject[]>
  create(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  /** Strategic merge for built-in kinds, JSON merge for others; creates what is not there. */
  merge(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  remove(kind: ResourceKind, name: string, namespace?: string, signal?: AbortSignal): Promise<void>
  /** Follows a collection from a synthetic beginning (every object as ADDED); resolves when the server ends the watch. */
  watch(kind: ResourceKind, scope: Scope, onEvent: (event: WatchEvent) => void, signal: AbortSignal): Promise<void>
  close(): void
}

interface Sent {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
  readonly signal?: AbortSignal | undefined
}

export async function kubeClient(config: KubeConfig): Promise<KubeClient> {
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new Refused('no-cluster', 'The kubeconfig names no cluster.', { mend: 'Set current-context in it.' })
  const base = new URL(cluster.server)
  const prefix = base.pathname.replace(/\/$/, '')
  const auth: RequestOptions = {}
  // client-node fills in certificates, a token header, or what an exec plugin answers.
  await config.applyToHTTPSOptions(auth as Parameters<KubeConfig['applyToHTTPSOptions']>[0])
  const secure = base.protocol === 'https:'
  const { agent: _, ...credentials } = auth
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, maxSockets: 24, ...agentOptions(credentials) })
    : new HttpAgent({ keepAlive: true })
  // Watches hold their connection, so they must not use up the others' sockets.
  const watchAgent = secure ? new HttpsAgent({ keepAlive: false, ...agentOptions(credentials) }) : new HttpAgent({ keepAlive: false })
  const discovered = new Map<string, ResourceKind>()

  function open(sent: Sent, through: HttpAgent): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const body = sent.body === undefined ? undefined : JSON.stringify(sent.body)
      const send = secure ? httpsRequest : httpRequest
      const request = send(
        {
          ...(secure ? credentials : {}),
          headers: {
            ...(credentials.headers as Record<string, string> | undefined),
            accept: 'application/json',
            ...(body === undefined
              ? {}
              : { 'content-type': sent.contentType ?? 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
          },
          auth: credentials.auth ?? undefined,
          hostname: base.hostname.replace(/^\[|\]$/g, ''),
          port: base.port,
          method: sent.method,
          path: `${prefix}${sent.path}`,
          agent: through,
          signal: sent.signal,
        },
        resolve,
      )
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (sent.signal?.aborted) reject(sent.signal.reason)
        // A kept connection may be closed by the server just as it is used again: nothing was received then.
        else if (error.code === 'ECONNRESET' && request.reusedSocket) open(sent, through).then(resolve, reject)
        else reject(error)
      })
      request.end(body)
    })
  }

  async function answer<T>(sent: Sent): Promise<T> {
    const response = await open(sent, agent)
    const text = await textOf(response)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return JSON.parse(text) as T
    throw statusError(status, text)
  }

  async function kindOf(name: string, apiVersion?: string): Promise<ResourceKind> {
    const known = builtinKind(name, apiVersion) ?? discovered.get(`${apiVersion} ${name}`)
    if (known !== undefined) return known
    if (apiVersion === undefined) {
      throw new Refused('unknown-kind', `The kind ${name} is not a built-in one of Kubernetes.`, {
        mend: `Write its group and version after it, for example "${name}.example.com/v1".`,
      })
    }
    const list = await answer<{ resources: { name: string; kind: string; namespaced: boolean }[] }>({
      method: 'GET',
      path: groupPath(apiVersion),
    })
    for (const resource of list.resources) {
      if (resource.name.includes('/')) continue
      discovered.set(`${apiVersion} ${resource.kind}`, {
        apiVersion,
        kind: resource.kind,
        plural: resource.name,
        namespaced: resource.namespaced,
      })
    }
    const found = discovered.get(`${apiVersion} ${name}`)
    if (found === undefined) throw new KubeError(404, 'NotFound', `no matches for kind "${name}" in version "${apiVersion}"`)
    return found
  }

  async function pathOf(object: KubeObject): Promise<string> {
    const kind = await kindOf(object.kind, object.apiVersion)
    return collectionPath(kind, object.metadata.namespace ?? 'default')
  }

  const client: KubeClient = {
    kind: kindOf,
    async get(kind, name, namespace, signal) {
      try {
        return await answer<KubeObject>({ method: 'GET', path: `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`, signal })
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return undefined
        throw error
      }
    },
    async list(kind, scope = {}, signal) {
      const query = scope.selector === undefined ? '' : `?labelSelector=${encodeURIComponent(scope.selector)}`
      const list = await answer<KubeList>({ method: 'GET', path: `${collectionPath(kind, scope.namespace)}${query}`, signal })
      // Items of a list carry no kind of their own.
      return list.items.map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind }))
    },
    async create(object, signal) {
      return answer<KubeObject>({ method: 'POST', path: await pathOf(object), body: object, signal })
    },
    async merge(object, signal) {
      const path = `${await pathOf(object)}/${encodeURIComponent(object.metadata.name)}`
      const builtin = builtinKind(object.kind, object.apiVersion) !== undefined
      try {
        return await answer<KubeObject>({
          method: 'PATCH',
          path,
          body: object,
          contentType: builtin ? 'application/strategic-merge-patch+json' : 'application/merge-patch+json',
          signal,
        })
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return client.create(object, signal)
        throw new Refused(
          'apply-failed',
          `The cluster did not take ${nameOf(object)}: ${error instanceof Error ? error.message : String(error)}`,
          {
            cause: error,
          },
        )
      }
    },
    async remove(kind, name, namespace, signal) {
      await answer({ method: 'DELETE', path: `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}`, signal })
    },
    async watch(kind, scope, onEvent, signal) {
      const query = new URLSearchParams({ watch: 'true', allowWatchBookmarks: 'true' })
      if (scope.selector !== undefined) query.set('labelSelector', scope.selector)
      const response = await open({ method: 'GET', path: `${collectionPath(kind, scope.namespace)}?${query}`, signal }, watchAgent)
      if (response.statusCode !== 200) throw statusError(response.statusCode ?? 0, await textOf(response))
      const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })
      await new Promise<void>((resolve, reject) => {
        lines.on('line', (line) => {
          if (line === '') return
          try {
            onEvent(JSON.parse(line) as WatchEvent)
          } catch (error) {
            response.destroy()
            reject(error)
          }
        })
        lines.on('close', resolve)
        const broken = (error: unknown) => reject(signal.aborted ? signal.reason : error)
        response.on('error', broken)
        // The line reader reports its input's error as its own.
        lines.on('error', broken)
      })
    },
    close() {
      agent.destroy()
      watchAgent.destroy()
    },
  }
  return client
}

/** TLS material goes to the agent too: a connection is made by the agent, not by the request. */
function agentOptions(from: RequestOptions): object {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = from
  return Object.fromEntries(
    Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(([, value]) => value !== undefined),
  )
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function statusError(status: number, text: string): KubeError {
  try {
    const body = JSON.parse(text) as { reason?: string; message?: string }
    return new KubeError(status, body.reason ?? 'Unknown', body.message ?? text)
  } catch {
    return new KubeError(status, 'Unknown', text.trim() === '' ? `the server answered ${status}` : text.trim())
  }
}
