import { parse } from 'yaml'
import type { KubeObject, ResourceName } from '../../../kubernetes.ts'
import { NetworkError } from '../../../network/sockets.ts'
import type { Process } from '../../process.ts'
import { accountToken } from '../cni/host-kubeconfig.ts'

/** What calicoctl ends with, on its standard error. */
export class CtlError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CtlError'
  }
}

/** The datastore, which is the Kubernetes API. Failures are CtlErrors. */
export interface Datastore {
  list<T extends KubeObject>(resource: ResourceName, namespace?: string): Promise<T[]>
  /** Undefined where there is none of that name. */
  find<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string): Promise<T | undefined>
}

interface Kubeconfig {
  readonly 'current-context'?: string
  readonly contexts?: readonly { readonly name: string; readonly context: { readonly cluster: string; readonly user: string } }[]
  readonly clusters?: readonly { readonly name: string; readonly cluster: { readonly server: string } }[]
  readonly users?: readonly { readonly name: string; readonly user: { readonly token?: string } }[]
}

/** By the kubeconfig that KUBECONFIG or the home folder has, or as the pod's own service account. */
export function openDatastore(process: Process): Datastore {
  const { server, token } = access(process)
  const get = async (path: string): Promise<Response> => {
    const url = `${server}${path}`
    try {
      return await process.fetch(new Request(url, { headers: { authorization: `Bearer ${token}` } }))
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      throw new CtlError(`Get "${url}": ${error.message}`)
    }
  }
  const answer = async <T>(response: Response): Promise<T> => {
    const body = (await response.json()) as T & { message?: string }
    if (response.ok) return body
    const words = body.message ?? response.statusText
    throw new CtlError(response.status === 401 || response.status === 403 ? `connection is unauthorized: ${words}` : words)
  }
  return {
    async list<T extends KubeObject>(resource: ResourceName, namespace?: string) {
      const { items, apiVersion, kind } = await answer<{ items: T[]; apiVersion: string; kind: string }>(
        await get(pathOf(resource, namespace)),
      )
      return items.map((item) => ({ apiVersion, kind: kind.replace(/List$/, ''), ...item }))
    },
    async find<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string) {
      const response = await get(`${pathOf(resource, namespace)}/${encodeURIComponent(name)}`)
      return response.status === 404 ? undefined : answer<T>(response)
    },
  }
}

function pathOf(resource: ResourceName, namespace: string | undefined): string {
  const dot = resource.indexOf('.')
  const place = namespace === undefined ? '' : `/namespaces/${namespace}`
  return dot < 0 ? `/api/v1${place}/${resource}` : `/apis/${resource.slice(dot + 1)}/v1${place}/${resource.slice(0, dot)}`
}

function access({ env, files }: Process): { server: string; token: string } {
  const path = env['KUBECONFIG'] || `${env['HOME'] ?? '/root'}/.kube/config`
  if (files.exists(path)) {
    const config = parse(files.readText(path)) as Kubeconfig
    const context = config.contexts?.find(({ name }) => name === config['current-context'])?.context
    const server = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster.server
    const token = config.users?.find(({ name }) => name === context?.user)?.user.token
    if (server) return { server: server.replace(/\/$/, ''), token: token ?? '' }
  }
  const host = env['KUBERNETES_SERVICE_HOST']
  if (host && files.exists(accountToken)) {
    return { server: `https://${host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`, token: files.readText(accountToken) }
  }
  throw new CtlError(
    'Failed to create Calico API client: invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable',
  )
}
