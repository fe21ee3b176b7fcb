import { expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { ClusterSnapshot, SimulatedCluster } from '../../../simulator/cluster/cluster.ts'
import { components } from '../../../simulator/programs/metrics-server/components.ts'
import { heldCluster } from './testing/held-cluster.ts'

const boot = (from?: ClusterSnapshot) => heldCluster({ name: 'test', nodes: 3, cni: 'kindnet', seed: 1 }, from)

async function get({ server }: SimulatedCluster, path: string): Promise<{ status: number; body: any }> {
  const response = await server.fetch(new Request(`https://kubernetes${path}`, { headers: { authorization: 'Bearer p' } }))
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
}

function apply({ api }: SimulatedCluster, text: string): void {
  for (const document of parseAllDocuments(text)) {
    const object = document.toJSON()
    const [group] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['']
    const plural = `${object.kind.toLowerCase()}s`
    api.create(group ? `${plural}.${group}` : plural, object)
  }
}

const withInsecureKubelets = components.replace(
  '        - --metric-resolution',
  '        - --kubelet-insecure-tls\n        - --metric-resolution',
)
const available = (cluster: SimulatedCluster) =>
  cluster.api.get<any>('apiservices.apiregistration.k8s.io', undefined, 'v1beta1.metrics.k8s.io').status.conditions?.[0]

it('has no metrics API until metrics-server runs, and then what the kubelets measured', async () => {
  const { cluster, pass, defects } = boot()
  await pass(60_000)
  expect((await get(cluster, '/apis/metrics.k8s.io/v1beta1/nodes')).status).toBe(404)
  apply(cluster, withInsecureKubelets)
  await pass(5000)
  expect(available(cluster)).toMatchObject({ status: 'False', reason: 'MissingEndpoints' })
  expect(await get(cluster, '/apis/metrics.k8s.io/v1beta1/nodes')).toEqual({ status: 503, body: 'service unavailable\n' })
  await pass(40_000)
  expect(available(cluster)).toMatchObject({ status: 'True', reason: 'Passed' })
  const { body: groups } = await get(cluster, '/apis')
  expect(groups.groups.map(({ name }: any) => name)).toContain('metrics.k8s.io')
  const { body: nodes } = await get(cluster, '/apis/metrics.k8s.io/v1beta1/nodes')
  expect(nodes.items).toHaveLength(3)
  expect(nodes.items[0]).toMatchObject({
    kind: 'NodeMetrics',
    usage: { cpu: expect.stringMatching(/^\d+n$/), memory: expect.stringMatching(/^\d+Ki$/) },
  })
  const { body: pods } = await get(cluster, '/apis/metrics.k8s.io/v1beta1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns')
  expect(pods.items).toHaveLength(2)
  const missing = await get(cluster, '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/none')
  expect(missing).toMatchObject({ status: 404, body: { message: 'podmetrics.metrics.k8s.io "default/none" not found' } })
  expect(defects).toEqual([])
})

it('does not become ready on kind without --kubelet-insecure-tls', async () => {
  const { cluster, pass } = boot()
  await pass(60_000)
  apply(cluster, components)
  await pass(60_000)
  expect(available(cluster)).toMatchObject({ status: 'False', reason: 'MissingEndpoints' })
  const [pod] = cluster.api.list<any>('pods', { namespace: 'kube-system', labelSelector: 'k8s-app=metrics-server' })
  expect(pod.status.containerStatuses[0]).toMatchObject({ ready: false, restartCount: 0 })
})

it('costs nothing while nobody asks', async () => {
  const { cluster, pass } = boot()
  await pass(600_000)
  const timers = () => cluster.clock.snapshot().filter(({ key }) => key !== 'probes')
  const before = timers().length
  apply(cluster, withInsecureKubelets)
  await pass(600_000)
  expect(timers()).toHaveLength(before)
})

const workload = `apiVersion: apps/v1
kind: Deployment
metadata: { name: php-apache, namespace: default }
spec:
  selector: { matchLabels: { run: php-apache } }
  template:
    metadata: { labels: { run: php-apache } }
    spec:
      containers:
      - name: php-apache
        image: registry.k8s.io/hpa-example
        ports: [{ containerPort: 80 }]
        resources: { limits: { cpu: 500m }, requests: { cpu: 200m } }
---
apiVersion: v1
kind: Service
metadata: { name: php-apache, namespace: default }
spec: { ports: [{ port: 80 }], selector: { run: php-apache } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: php-apache, namespace: default }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: php-apache }
  minReplicas: 1
  maxReplicas: 10
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 50 } } }]
`

it('scales a Deployment up under load and, five minutes after it is gone, down; through a restore', async () => {
  let world = boot()
  await world.pass(60_000)
  apply(world.cluster, workload)
  const autoscaler = () => world.cluster.api.get<any>('horizontalpodautoscalers.autoscaling', 'default', 'php-apache')
  const condition = (type: string) => autoscaler().status.conditions.find((one: any) => one.type === type)
  const events = () =>
    world.cluster.api.list<any>('events').filter(({ involvedObject }) => involvedObject.kind === 'HorizontalPodAutoscaler')
  await world.pass(20_000)
  expect(condition('ScalingActive')).toMatchObject({
    status: 'False',
    reason: 'FailedGetResourceMetric',
    message:
      'the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
  })
  apply(world.cluster, withInsecureKubelets)
  await world.pass(60_000)
  expect(condition('ScalingActive')).toMatchObject({ status: 'True', reason: 'ValidMetricFound' })
  expect(autoscaler().status.currentMetrics[0].resource.current).toMatchObject({ averageUtilization: expect.any(Number) })
  expect(autoscaler().status).toMatchObject({ currentReplicas: 1, desiredReplicas: 1 })

  world.cluster.api.create<any>('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'load-generator', namespace: 'default' },
    spec: {
      containers: [
        { name: 'load', image: 'busybox:1.36', command: ['/bin/sh', '-c', 'while sleep 0.01; do wget -q -O- http://php-apache; done'] },
      ],
    },
  })
  await world.pass(120_000)
  const { desiredReplicas } = autoscaler().status
  expect(desiredReplicas).toBeGreaterThan(3)
  expect(events().map(({ reason }) => reason)).toContain('SuccessfulRescale')
  expect(events().map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^New size: \d+; reason: cpu resource utilization \(percentage of request\) above target$/),
  )
  world.cluster.api.delete('pods', 'default', 'load-generator', { gracePeriodSeconds: 0 })
  world = boot(JSON.parse(JSON.stringify(world.cluster.snapshot())))
  await world.pass(200_000)
  expect(autoscaler().status.desiredReplicas).toBeGreaterThanOrEqual(desiredReplicas)
  expect(condition('AbleToScale')).toMatchObject({ reason: 'ScaleDownStabilized' })
  await world.pass(200_000)
  expect(autoscaler().status.desiredReplicas).toBe(1)
  expect(condition('ScalingLimited')).toBeDefined()
  expect(events().map(({ message }) => message)).toContain('New size: 1; reason: All metrics below target')
  expect(world.defects).toEqual([])
}, 60_000)
