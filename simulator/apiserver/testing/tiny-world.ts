import type { Deployment } from 'kubernetes-types/apps/v1'
import type { Namespace, Pod } from 'kubernetes-types/core/v1'
import { EventLoop, HeldTime } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { Random } from '../../random.ts'
import type { FieldError, ResourceDefinition } from '../../resources/definition.ts'
import { Store } from '../../store/store.ts'
import type { KubeletApi, UserInfo } from '../api.ts'
import { createApi } from '../registry/api.ts'
import { createRegistry } from '../registry/registry.ts'
import { createApiServer } from '../server.ts'

const nameColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name',
  priority: 0,
  value: (o: KubeObject) => o.metadata!.name!,
} as const

const plain = (kind: string, plural: string, namespaced: boolean, more: Partial<ResourceDefinition> = {}): ResourceDefinition => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  singular: kind.toLowerCase(),
  namespaced,
  columns: [nameColumn],
  ...more,
})

const pods = plain('Pod', 'pods', true, {
  shortNames: ['po'],
  categories: ['all'],
  status: true,
  connects: [
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
  ],
  prepareForCreate: (pod: Pod & KubeObject) => ({ ...pod, status: { phase: 'Pending' } }),
  gracePeriodSeconds: (pod: Pod, requested) => (pod.spec?.nodeName ? (requested ?? 30) : 0),
  selectableFields: (pod: Pod) => ({ 'spec.nodeName': pod.spec?.nodeName ?? '', 'status.phase': pod.status?.phase ?? '' }),
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'Status', priority: 0, value: (pod: Pod) => pod.status?.phase ?? '' },
    {
      name: 'Age',
      type: 'string',
      description: 'Age',
      priority: 0,
      value: (pod: Pod, { now }: { now: number }) => `${Math.floor((now - Date.parse(pod.metadata!.creationTimestamp!)) / 1000)}s`,
    },
  ],
})

const deployments: ResourceDefinition<Deployment & KubeObject> = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  namespaced: true,
  status: true,
  scale: {
    replicas: (d) => d.spec?.replicas ?? 0,
    statusReplicas: (d) => d.status?.replicas ?? 0,
    selector: (d) =>
      Object.entries(d.spec?.selector?.matchLabels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    withReplicas: (d, replicas) => ({ ...d, spec: { ...d.spec!, replicas } }),
  },
  defaults: (d) => ({ ...d, spec: { ...d.spec!, replicas: d.spec?.replicas ?? 1 } }),
  validate: (d) => {
    const errors: FieldError[] = []
    if (!d.spec?.selector) errors.push({ reason: 'FieldValueRequired', field: 'spec.selector', message: 'Required value' })
    if ((d.spec?.replicas ?? 0) < 0) {
      errors.push({
        reason: 'FieldValueInvalid',
        field: 'spec.replicas',
        message: `Invalid value: ${d.spec?.replicas}: must be greater than or equal to 0`,
      })
    }
    return errors
  },
  warnings: (d) => (d.metadata?.labels?.old ? ['the label "old" is deprecated'] : []),
  columns: [nameColumn],
}

export const tinyDefinitions: readonly ResourceDefinition[] = [
  plain('Namespace', 'namespaces', false, {
    status: true,
    prepareForCreate: (ns: Namespace & KubeObject) => ({ ...ns, status: { phase: 'Active' } }),
  }),
  plain('ConfigMap', 'configmaps', true, { shortNames: ['cm'] }),
  plain('ServiceAccount', 'serviceaccounts', true, { shortNames: ['sa'] }),
  plain('Service', 'services', true, { status: true }),
  pods,
  deployments,
]

export const admin: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

/** A cluster's API with six small kinds, the namespace `default` and its account, at a standstill of time. */
export function tinyWorld(kubelet?: Partial<KubeletApi>) {
  const time = new HeldTime(Date.parse('2025-01-01T00:00:00Z'))
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const store = new Store({ clock })
  const world = { store, definitions: tinyDefinitions, clock, random: new Random(1), serviceCidr: '10.96.0.0/16' }
  const api = createApi({ ...world, user: admin })
  api.create('namespaces', { metadata: { name: 'default' } })
  api.create('serviceaccounts', { metadata: { name: 'default', namespace: 'default' } })
  const server = createApiServer({
    ...world,
    nodes: { kubelet: (node) => (node === 'worker' ? (kubelet as KubeletApi) : undefined) },
    authenticate: (request) => (request.headers.get('authorization') === 'Bearer nobody' ? undefined : admin),
  })
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const request = new Request(`https://cluster.local${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const response = await server.fetch(request)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
  }
  return { time, clock, store, api, server, registry: createRegistry(world), call }
}

export function pod(name: string, more: Partial<Pod> = {}): Pod & KubeObject {
  return { metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'app', image: 'nginx' }] }, ...more } as Pod & KubeObject
}

export function deployment(name: string, replicas = 1): Deployment & KubeObject {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'nginx' }] } },
    },
  } as Deployment & KubeObject
}
