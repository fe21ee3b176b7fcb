import { expect, it } from 'vitest'
import type { ClusterSnapshot } from '../../../simulator/cluster/cluster.ts'
import { heldCluster } from './testing/held-cluster.ts'

function boot(loadBalancers: number | undefined, from?: ClusterSnapshot) {
  const { cluster, defects, pass } = heldCluster({ name: 'test', nodes: 3, cni: 'kindnet', seed: 1, loadBalancers }, from)
  const { api } = cluster
  const deploy = (name: string, replicas: number, spec: object = {}) => {
    api.create('deployments.apps', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: 'default' },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'nginx:1.27-alpine' }] } },
      },
    })
    expose(name, spec)
  }
  const expose = (name: string, spec: object = {}) =>
    api.create('services', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80 }], ...spec },
    })
  const service = (name: string) => api.get<any>('services', 'default', name)
  const said = (name: string) =>
    api
      .list<any>('events', { namespace: 'default' })
      .filter(({ involvedObject }) => involvedObject.kind === 'Service' && involvedObject.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`)
  /** As curl on the workstation would: the status line, or how it failed. */
  async function ask(address: string, from = cluster.workstation.namespace): Promise<string> {
    let seen = 'timeout'
    const connection = from.sockets.connectTcp(
      { address, port: 80 },
      {
        connected: () => connection.write(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n')),
        data: (bytes) => void (seen = new TextDecoder().decode(bytes).split('\r\n')[0] ?? ''),
        end: () => void (seen = seen === 'timeout' ? 'closed' : seen),
        error: ({ code }) => void (seen = code),
      },
    )
    await pass(10_000)
    connection.reset()
    return seen
  }
  return { cluster, api, pass, deploy, expose, service, said, ask, defects }
}

it('leaves a Service pending where there is no cloud', async () => {
  const world = boot(undefined)
  await world.pass(60_000)
  world.expose('web')
  await world.pass(60_000)
  expect(world.service('web').status).toEqual({ loadBalancer: {} })
  expect(world.said('web')).toEqual([])
})

it('gives a Service a load balancer, which answers through the node ports, and takes it back', async () => {
  const world = boot(5)
  await world.pass(60_000)
  world.deploy('web', 2)
  await world.pass(10_000)
  const made = world.service('web')
  expect(made.metadata.finalizers).toEqual(['service.kubernetes.io/load-balancer-cleanup'])
  expect(made.status.loadBalancer.ingress).toEqual([{ ip: '172.18.0.200', ipMode: 'Proxy', ports: [{ port: 80, protocol: 'TCP' }] }])
  expect(world.said('web')).toEqual(['EnsuringLoadBalancer: Ensuring load balancer', 'EnsuredLoadBalancer: Ensured load balancer'])
  expect(await world.ask('172.18.0.200')).toBe('HTTP/1.1 200 OK')

  // The same through a restore, from inside a pod too.
  const later = boot(5, world.cluster.snapshot())
  const pod = later.api.list<any>('pods', { labelSelector: 'app=web' })[0]
  expect(await later.ask('172.18.0.200', later.cluster.podPlace('default', pod.metadata.name).namespace)).toBe('HTTP/1.1 200 OK')
  later.api.delete('services', 'default', 'web')
  await later.pass(1000)
  expect(later.api.find('services', 'default', 'web')).toBeUndefined()
  expect(await later.ask('172.18.0.200')).toBe('EHOSTUNREACH')
  expect([...world.defects, ...later.defects]).toEqual([])
})

it('refuses what is over the quota, in the words of the cloud, and tries again when something was given back', async () => {
  const world = boot(1)
  await world.pass(60_000)
  world.deploy('first', 1)
  await world.pass(5000)
  world.deploy('second', 1)
  await world.pass(5000)
  expect(world.service('second').status).toEqual({ loadBalancer: {} })
  expect(world.said('second')[1]).toMatch(
    /^SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: TooManyLoadBalancers: Exceeded quota of account \d{12}\n\tstatus code: 400, request id: [0-9a-f-]{36}$/,
  )
  world.api.delete('services', 'default', 'first')
  await world.pass(40_000)
  expect(world.service('second').status.loadBalancer.ingress[0].ip).toBe('172.18.0.200')
  expect(world.defects).toEqual([])
})

it('asks only nodes with endpoints where the traffic policy is Local, and keeps out who is not within the source ranges', async () => {
  const world = boot(5)
  await world.pass(60_000)
  world.deploy('web', 1, { externalTrafficPolicy: 'Local' })
  await world.pass(10_000)
  const port = world.service('web').spec.healthCheckNodePort
  expect(port).toBeGreaterThanOrEqual(30_000)
  for (let time = 0; time < 6; time++) expect(await world.ask('172.18.0.200')).toBe('HTTP/1.1 200 OK')
  world.api.patch('services', 'default', 'web', { spec: { loadBalancerSourceRanges: ['10.0.0.0/8'] } }, { type: 'merge' })
  await world.pass(1000)
  expect(await world.ask('172.18.0.200')).toBe('closed')
  world.api.patch('services', 'default', 'web', { spec: { loadBalancerSourceRanges: null } }, { type: 'merge' })
  world.api.patch('deployments.apps', 'default', 'web', { spec: { replicas: 0 } }, { type: 'merge' })
  await world.pass(60_000)
  expect(await world.ask('172.18.0.200')).toBe('closed')
  expect(world.defects).toEqual([])
})

it('is the controller that does it: without it, nothing comes and nothing goes', async () => {
  const world = boot(5)
  await world.pass(60_000)
  world.deploy('web', 1)
  await world.pass(5000)
  world.api.patch('deployments.apps', 'kube-system', 'cloud-controller-manager', { spec: { replicas: 0 } }, { type: 'merge' })
  await world.pass(40_000)
  world.api.delete('services', 'default', 'web')
  world.expose('other')
  await world.pass(5000)
  expect(world.service('web').metadata.deletionTimestamp).toBeDefined()
  expect(world.service('other').status).toEqual({ loadBalancer: {} })
  expect(await world.ask('172.18.0.200')).toBe('HTTP/1.1 200 OK')
  expect(world.defects).toEqual([])
})
