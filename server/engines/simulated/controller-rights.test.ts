import { expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { heldCluster } from './testing/held-cluster.ts'

const bindings = 'clusterrolebindings.rbac.authorization.k8s.io'

async function boot() {
  const { cluster, defects, pass } = heldCluster({ name: 'test', nodes: 3, cni: 'kindnet', seed: 1 })
  await pass(60_000)
  const { api } = cluster
  const log = async (component: string) => {
    const path = `/api/v1/namespaces/kube-system/pods/${component}-test-control-plane/log`
    const response = await cluster.server.fetch(new Request(`https://kubernetes${path}`, { headers: { authorization: 'Bearer p' } }))
    return response.text()
  }
  const apply = (text: string) => {
    for (const document of parseAllDocuments(text)) {
      const object = document.toJSON()
      const [group] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['']
      const plural = `${object.kind.toLowerCase()}${object.kind.endsWith('s') ? '' : 's'}`
      api.create(group ? `${plural}.${group}` : plural, object)
    }
  }
  /** Takes the binding of a controller's role away; the answer gives it back. */
  const unbind = (controller: string) => {
    const name = `system:controller:${controller}`
    const { apiVersion, kind, roleRef, subjects } = api.get<any>(bindings, undefined, name)
    api.delete(bindings, undefined, name)
    return () => void api.create(bindings, { apiVersion, kind, metadata: { name }, roleRef, subjects } as KubeObject)
  }
  return { api, cluster, pass, log, apply, unbind, defects }
}

const pods = (app: string) => `{ metadata: { labels: { app: ${app} } }, spec: { containers: [{ name: a, image: "nginx:1.27" }] } }`
const workload = (kind: string, name: string, more = '') => `apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name}, namespace: shop }
spec: { selector: { matchLabels: { app: ${name} } }, template: ${pods(name)}${more} }
`
const once = '{ spec: { restartPolicy: Never, containers: [{ name: a, image: busybox, command: ["true"] }] } }'
const claims = '[{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }]'
const everything = [
  'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n',
  workload('Deployment', 'web', ', replicas: 2'),
  workload('DaemonSet', 'agent'),
  workload('StatefulSet', 'db', `, replicas: 2, serviceName: db, volumeClaimTemplates: ${claims}`),
  `apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: ext, namespace: shop }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Endpoints
metadata: { name: ext, namespace: shop }
subsets: [{ addresses: [{ ip: 10.1.2.3 }], ports: [{ port: 80 }] }]
---
apiVersion: v1
kind: ReplicationController
metadata: { name: old, namespace: shop }
spec: { replicas: 2, selector: { app: old }, template: ${pods('old')} }
---
apiVersion: batch/v1
kind: Job
metadata: { name: once, namespace: shop }
spec: { ttlSecondsAfterFinished: 5, template: ${once} }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: often, namespace: shop }
spec: { schedule: "* * * * *", successfulJobsHistoryLimit: 1, jobTemplate: { spec: { template: ${once} } } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: shop }
spec: { minAvailable: 1, selector: { matchLabels: { app: web } } }
---
apiVersion: v1
kind: ResourceQuota
metadata: { name: quota, namespace: shop }
spec: { hard: { pods: "50" } }
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: { name: token, namespace: shop, annotations: { kubernetes.io/service-account.name: default } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web, namespace: shop }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }, maxReplicas: 1 }
`,
].join('---\n')

it('finds every right that it needs in its roles', async () => {
  const { api, cluster, pass, log, apply, defects } = await boot()
  apply(everything)
  await pass(200_000)
  expect(api.get('deployments.apps', 'shop', 'web')).toMatchObject({ spec: { replicas: 1 }, status: { availableReplicas: 1 } })
  expect(
    api.list<any>('deployments.apps').flatMap(({ metadata }) => metadata.managedFields.map(({ manager }: any) => manager)),
  ).not.toContain('kubelet')
  for (const [resource, name] of [
    ['deployments.apps', 'web'],
    ['daemonsets.apps', 'agent'],
    ['statefulsets.apps', 'db'],
  ] as const) {
    api.patch(resource, 'shop', name, { spec: { template: { metadata: { labels: { version: '2' } } } } }, { type: 'merge' })
  }
  // A pod that is let go and taken back.
  const [pod] = api.list<any>('pods', { namespace: 'shop', labelSelector: 'app=old' })
  const relabel = (app: string) => api.patch('pods', 'shop', pod.metadata.name, { metadata: { labels: { app } } }, { type: 'merge' })
  relabel('other')
  await pass(20_000)
  relabel('old')
  cluster.setKubelet('test-worker', false)
  await pass(500_000)
  cluster.setKubelet('test-worker', true)
  await pass(60_000)
  api.delete('deployments.apps', 'shop', 'web', { propagationPolicy: 'Foreground' })
  api.delete('statefulsets.apps', 'shop', 'db', { propagationPolicy: 'Orphan' })
  await pass(60_000)
  expect(api.find('deployments.apps', 'shop', 'web')).toBeUndefined()
  api.delete('namespaces', undefined, 'shop')
  await pass(120_000)
  expect(api.find('namespaces', undefined, 'shop')).toBeUndefined()
  for (const component of ['kube-controller-manager', 'kube-scheduler']) {
    expect((await log(component)).split('\n').filter((line) => line.includes('is forbidden: User'))).toEqual([])
  }
  expect(defects).toEqual([])
}, 120_000)

const counted = (world: Awaited<ReturnType<typeof boot>>, resource: string, app: string) =>
  world.api.list(resource, { namespace: 'shop', labelSelector: `app=${app}` }).length

it('breaks one controller with its binding, and mends it', async () => {
  const world = await boot()
  const { api, pass, log, apply, unbind, defects } = world
  apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n')
  await pass(1000)
  const bind = unbind('replicaset-controller')
  apply(workload('Deployment', 'web'))
  apply(workload('DaemonSet', 'agent'))
  await pass(30_000)
  expect([counted(world, 'replicasets.apps', 'web'), counted(world, 'pods', 'web'), counted(world, 'pods', 'agent')]).toEqual([1, 0, 2])
  const user = 'User \\"system:serviceaccount:kube-system:replicaset-controller\\"'
  const lines = await log('kube-controller-manager')
  expect(lines).toMatch(/^E0101 \S+ +1 replica_set\.go:\d+\] "Unhandled Error" err="sync \\"shop\/web-\w+\\" failed with /m)
  expect(lines).toContain(`is forbidden: ${user} cannot`)
  expect(lines).toMatch(
    /event\.go:\d+\] "Server rejected event \(will not retry!\)" err="events is forbidden: .* in the namespace \\"shop\\"" event="&Event\{ObjectMeta:\{web-\w+\.\w+ {2}shop {4}0 /,
  )
  bind()
  await pass(60_000)
  expect(counted(world, 'pods', 'web')).toBe(1)
  expect(api.get('deployments.apps', 'shop', 'web')).toMatchObject({ status: { availableReplicas: 1 } })
  expect(defects).toEqual([])
}, 120_000)

it('leaves a deployment alone after fifteen tries, until something happens to it', async () => {
  const world = await boot()
  const { api, pass, log, apply, unbind, defects } = world
  apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n')
  await pass(1000)
  const bind = unbind('deployment-controller')
  apply(workload('Deployment', 'web'))
  await pass(100_000)
  expect(await log('kube-controller-manager')).not.toContain('deployment_controller.go')
  await pass(100_000)
  expect(await log('kube-controller-manager')).toMatch(
    /deployment_controller\.go:\d+\] "Unhandled Error" err=".* is forbidden: User \\"system:serviceaccount:kube-system:deployment-controller\\" cannot .*" logger="UnhandledError"$/m,
  )
  bind()
  await pass(100_000)
  expect(counted(world, 'replicasets.apps', 'web')).toBe(0)
  api.patch('deployments.apps', 'shop', 'web', { metadata: { labels: { touched: 'yes' } } }, { type: 'merge' })
  await pass(1000)
  expect(counted(world, 'replicasets.apps', 'web')).toBe(1)
  expect(defects).toEqual([])
}, 120_000)

it('lives without any of its controllers’ roles', async () => {
  const world = await boot()
  const { api, pass, apply, unbind, defects } = world
  const names = api.list(bindings).map(({ metadata }) => metadata?.name ?? '')
  const back = names.filter((name) => name.startsWith('system:controller:')).map((name) => unbind(name.slice('system:controller:'.length)))
  apply(everything)
  await pass(100_000)
  expect(api.list('pods', { namespace: 'shop' })).toEqual([])
  for (const bind of back) bind()
  await pass(200_000)
  expect(counted(world, 'pods', 'agent')).toBe(2)
  expect(defects).toEqual([])
}, 120_000)
