import { hostCluster } from '../../server/engines/simulated/hosted.ts'
import { figures, type Measurement, p50, p99, timed } from './measure.ts'

/** The API server inside its thread: a big table, and how fast a watcher hears of a write. */
export async function api(): Promise<Measurement[]> {
  const hosted = await hostCluster({
    spec: { nodes: 3, cni: 'kindnet', kubernetes: '1.34', seed: 1 },
    tokens: { platform: 'platform', learner: 'learner' },
    report: (error) => {
      throw error
    },
    changed: () => {},
  })
  const { server } = hosted.cluster
  const get = (path: string, accept = 'application/json') =>
    server.fetch(new Request(`https://cluster.local${path}`, { headers: { authorization: 'Bearer learner', accept } }))
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

  const small = await timed(200, async () => (await get('/api/v1/pods', table)).text())
  for (let index = 0; index < 1000; index++) {
    hosted.cluster.api.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${index}`, namespace: 'default' },
      // Nobody schedules it: the table is measured, not the kubelet.
      spec: { schedulerName: 'none', containers: [{ name: 'main', image: 'nginx:1.27' }] },
    })
  }
  const large = await timed(100, async () => (await get('/api/v1/pods', table)).text())

  const watch = await get('/api/v1/namespaces/default/configmaps?watch=1')
  const reader = watch.body!.getReader()
  const delays = await timed(200, async (run) => {
    hosted.cluster.api.create('configmaps', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `c${run + 10}`, namespace: 'default' },
    })
    await reader.read()
  })
  await reader.cancel()
  hosted.close()
  return [
    { name: '`kubectl get pods -A` as a table, fresh cluster, in the server', unit: 'ms', bars: [p50(3)], value: figures(small) },
    { name: 'the same with 1,000 pods', unit: 'ms', bars: [p50(5)], value: figures(large) },
    { name: 'create to watch event delivered', unit: 'ms', bars: [p99(2)], value: figures(delays) },
  ]
}
