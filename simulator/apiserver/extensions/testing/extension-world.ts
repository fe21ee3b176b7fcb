import { EventLoop, HeldTime } from '../../../clock.ts'
import type { Controller } from '../../../controllers/controller.ts'
import { customResourceDefinitionControllers } from '../../../controllers/customresourcedefinition/controllers.ts'
import { Random } from '../../../random.ts'
import { resources } from '../../../resources/catalogue.ts'
import { Store, type StoreSnapshot } from '../../../store/store.ts'
import { createApi } from '../../registry/api.ts'
import { createApiServer } from '../../server.ts'

const user = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

/** The API with every built-in kind, the controllers that make definitions into kinds, and others as a test wants them. */
export function extensionWorld(others: readonly Controller[] = [], from?: StoreSnapshot) {
  const time = new HeldTime(Date.parse('2026-01-01T00:00:00Z'))
  const defects: unknown[] = []
  const clock = new EventLoop(time, (error) => defects.push(error))
  const store = new Store({ clock }, from)
  const world = { store, definitions: resources, clock, random: new Random(1), serviceCidr: '10.96.0.0/16' }
  const api = createApi({ ...world, user })
  if (!from) {
    api.create('namespaces', { metadata: { name: 'default' } })
    api.create('serviceaccounts', { metadata: { name: 'default', namespace: 'default' } })
  }
  for (const controller of [...customResourceDefinitionControllers, ...others]) {
    controller.start({
      api,
      clock,
      random: world.random,
      podCidr: '10.244.0.0/16',
      rootCertificate: '',
      fresh: from === undefined,
      memory: { events: {}, autoscaling: {} },
    })
  }
  const server = createApiServer({ ...world, nodes: { kubelet: () => undefined }, authenticate: () => user })
  const request = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    server.fetch(
      new Request(`https://cluster.local${path}`, {
        method,
        headers: { 'Content-Type': 'application/json', ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    )
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await request(method, path, body, headers)
    const json = JSON.parse(await response.text())
    clock.settle()
    return { status: response.status, warning: response.headers.get('warning'), json, message: json.message as string }
  }
  const apply = (definition: { metadata: { name: string } }) => {
    api.create('customresourcedefinitions.apiextensions.k8s.io', definition)
    clock.settle()
  }
  clock.settle()
  return { time, clock, store, api, server, request, call, apply, defects, settle: () => void clock.settle() }
}
