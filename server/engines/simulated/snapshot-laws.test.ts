import { deserialize, serialize } from 'node:v8'
import { expect, it } from 'vitest'
import type { ClusterSnapshot } from '../../../simulator/cluster/cluster.ts'
import { Random } from '../../../simulator/random.ts'
import { heldCluster } from './testing/held-cluster.ts'

const boot = (from?: ClusterSnapshot) => heldCluster({ name: 'test', nodes: 2, cni: 'kindnet', seed: 5 }, from)

/** Random work on Deployments, Services, ConfigMaps and pods, the same for the same seed. */
async function work({ cluster: { api }, pass }: ReturnType<typeof boot>, seed: number): Promise<void> {
  const random = new Random(seed)
  const namespace = 'default'
  for (let step = 0; step < 12; step++) {
    const name = `w${random.below(2)}`
    const exists = (resource: string) => api.find(resource, namespace, name) !== undefined
    const labels = { app: name }
    const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: `nginx:1.2${7 + random.below(2)}-alpine` }] } }
    switch (random.below(5)) {
      case 0:
        if (exists('deployments.apps'))
          api.patch('deployments.apps', namespace, name, { spec: { replicas: random.below(4) } }, { type: 'merge' })
        else
          api.create('deployments.apps', {
            metadata: { name, namespace },
            spec: { replicas: 2, selector: { matchLabels: labels }, template },
          })
        break
      case 1:
        if (exists('deployments.apps')) api.patch('deployments.apps', namespace, name, { spec: { template } }, { type: 'strategic' })
        break
      case 2:
        if (exists('services')) api.delete('services', namespace, name)
        else api.create('services', { metadata: { name, namespace }, spec: { type: 'NodePort', selector: labels, ports: [{ port: 80 }] } })
        break
      case 3:
        if (exists('deployments.apps') && random.below(3) === 0)
          api.delete('deployments.apps', namespace, name, { propagationPolicy: 'Background' })
        break
      default: {
        const pods = api.list('pods', { namespace })
        if (pods.length > 0) api.delete('pods', namespace, pods[random.below(pods.length)]!.metadata!.name!)
      }
    }
    await pass(random.below(4_000))
  }
}

/** Without what is made new in each process by design: connections that a restored daemon opens again. */
const objectsOf = ({ cluster }: ReturnType<typeof boot>) => cluster.snapshot().store.objects

it.each([1, 2, 3, 4])(
  'a restored snapshot has the future of the original, object by object (seed %i)',
  { timeout: 60_000 },
  async (seed) => {
    const original = boot()
    await original.pass(60_000)
    await work(original, seed)
    const snapshot = deserialize(serialize(original.cluster.snapshot())) as ClusterSnapshot
    const copy = boot(snapshot)
    expect(objectsOf(copy)).toEqual(objectsOf(original))
    await work(original, seed + 100)
    await work(copy, seed + 100)
    expect(objectsOf(copy)).toEqual(objectsOf(original))
    expect([...original.defects, ...copy.defects]).toEqual([])
  },
)

it('a cluster that sleeps has no timer that looks, sleeps on after a restore, and wakes as it would have', {
  timeout: 60_000,
}, async () => {
  const original = boot()
  await original.pass(1_500_000)
  const looks = ({ cluster }: ReturnType<typeof boot>) => cluster.clock.snapshot().filter(({ key }) => key === 'probes')
  expect(looks(original)).toEqual([])
  await original.pass(700_000)
  const copy = boot(deserialize(serialize(original.cluster.snapshot())) as ClusterSnapshot)
  expect(copy.cluster.clock.snapshot()).toEqual(original.cluster.clock.snapshot())
  const probes = ({ cluster }: ReturnType<typeof boot>) =>
    cluster
      .snapshot()
      .nodes.flatMap(({ kubelet }) =>
        Object.values(kubelet.pods).flatMap((pod) => Object.values(pod.containers).map((known) => known.probes)),
      )
  const runs = (one: ReturnType<typeof boot>) => probes(one).reduce((sum, { readiness }) => sum + (readiness?.runs ?? 0), 0)
  const before = runs(original)
  for (const one of [original, copy]) {
    one.cluster.clock.stir()
    await one.pass(1)
    expect(looks(one)).toHaveLength(2)
  }
  expect(copy.cluster.clock.snapshot()).toEqual(original.cluster.clock.snapshot())
  for (const one of [original, copy]) await one.pass(400_000)
  expect(probes(copy)).toEqual(probes(original))
  expect(runs(original)).toBeGreaterThan(before)
  expect(looks(original)).toEqual([])
})
