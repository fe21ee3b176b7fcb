import { deserialize, serialize } from 'node:v8'
import { expect, it } from 'vitest'
import type { ClusterSnapshot } from '../../../simulator/cluster/cluster.ts'
import { probe } from './probe.ts'
import { heldCluster } from './testing/held-cluster.ts'

const minute = 60_000
const bindings = 'clusterrolebindings.rbac.authorization.k8s.io'

async function booted(cni: 'kindnet' | 'flannel' = 'kindnet', from?: ClusterSnapshot) {
  const { cluster, defects, pass } = heldCluster({ name: 'test', nodes: 2, cni, seed: 1 }, from)
  if (!from) await pass(minute)
  const { api } = cluster
  const pods = (label: string) =>
    api.list<any>('pods', { namespace: label === 'app=flannel' ? 'kube-flannel' : 'kube-system', labelSelector: label })
  return {
    api,
    cluster,
    pass,
    defects,
    pods,
    /** Lines of the pods' newest containers. */
    async logs(label: string): Promise<string[]> {
      const lines: string[] = []
      for (const { metadata } of pods(label)) {
        const path = `https://api/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/log`
        const response = await cluster.server.fetch(new Request(path, { headers: { authorization: 'Bearer p' } }))
        lines.push(...(await response.text()).split('\n'))
      }
      return lines
    },
    service: (name: string) =>
      api.create('services', { metadata: { name, namespace: 'default' }, spec: { ports: [{ port: 80 }] } } as never),
    async resolves(name: string): Promise<boolean> {
      const asked = probe(
        cluster,
        { node: 'test-worker' },
        { kind: 'dns', name: `${name}.default.svc.cluster.local`, type: 'A', server: '10.96.0.10', timeoutMs: 1000 },
        new AbortController().signal,
      )
      await pass(1500)
      return ((await asked).dns?.answers.length ?? 0) > 0
    },
    /** Takes a binding away; the result gives it back. */
    revoke(name: string) {
      const { metadata, ...binding } = api.get<any>(bindings, undefined, name)
      api.delete(bindings, undefined, name)
      return () => api.create(bindings, { ...binding, metadata: { name: metadata.name } })
    },
    rules: () => JSON.stringify(cluster.network.machine('test-worker')?.root.netfilter.chain('filter', 'KUBE-SERVICES')),
  }
}

it('CoreDNS without its right answers from what it knew, says why it learns nothing, and recovers', async () => {
  const { revoke, service, resolves, pass, logs, defects } = await booted()
  service('before')
  expect(await resolves('before')).toBe(true)
  const restore = revoke('system:coredns')
  // Open watches are not cut.
  service('meanwhile')
  expect(await resolves('meanwhile')).toBe(true)
  await pass(11 * minute)
  service('after')
  expect(await resolves('after')).toBe(false)
  expect(await resolves('before')).toBe(true)
  const lines = await logs('k8s-app=kube-dns')
  expect(lines).toContain(
    '[INFO] plugin/kubernetes: pkg/mod/k8s.io/client-go@v0.32.3/tools/cache/reflector.go:251: failed to list *v1.Service: services is forbidden: User "system:serviceaccount:kube-system:coredns" cannot list resource "services" in API group "" at the cluster scope',
  )
  expect(lines).toContain('[ERROR] plugin/kubernetes: Unhandled Error')
  restore()
  await pass(minute)
  expect(await resolves('after')).toBe(true)
  const quiet = (await logs('k8s-app=kube-dns')).length
  await pass(10 * minute)
  expect(await logs('k8s-app=kube-dns')).toHaveLength(quiet)
  expect(defects).toEqual([])
})

it('what a refused program knew survives a restore of the cluster', async () => {
  const first = await booted()
  first.service('before')
  await first.pass(1000)
  const revoked = first.revoke('system:coredns')
  await first.pass(11 * minute)
  first.service('after')
  void revoked
  const again = await booted('kindnet', deserialize(serialize(first.cluster.snapshot())) as ClusterSnapshot)
  expect(await again.resolves('before')).toBe(true)
  expect(await again.resolves('after')).toBe(false)
  expect(again.defects).toEqual([])
})

it('a CoreDNS that starts without its right runs and is not ready', async () => {
  const { revoke, api, pods, pass } = await booted()
  const restore = revoke('system:coredns')
  for (const { metadata } of pods('k8s-app=kube-dns')) api.delete('pods', 'kube-system', metadata.name)
  await pass(2 * minute)
  const state = () => pods('k8s-app=kube-dns').map(({ status }) => [status.phase, status.containerStatuses[0].ready])
  expect(state()).toEqual([
    ['Running', false],
    ['Running', false],
  ])
  restore()
  await pass(minute)
  expect(state()).toEqual([
    ['Running', true],
    ['Running', true],
  ])
})

it('kube-proxy without its right leaves the rules as they are', async () => {
  const { revoke, service, pass, logs, rules, api } = await booted()
  const restore = revoke('kubeadm:node-proxier')
  await pass(11 * minute)
  service('after')
  await pass(10_000)
  const address = api.get<any>('services', 'default', 'after').spec.clusterIP
  expect(rules()).not.toContain(address)
  expect((await logs('k8s-app=kube-proxy')).join('\n')).toMatch(
    /^E\d{4} [\d:.]+ +1 reflector\.go:205\] "Failed to watch" err="failed to list \*v1\.Service: services is forbidden: User \\"system:serviceaccount:kube-system:kube-proxy\\" cannot list resource \\"services\\" in API group \\"\\" at the cluster scope" logger="UnhandledError" reflector="k8s\.io\/client-go\/informers\/factory\.go:160" type="\*v1\.Service"$/m,
  )
  restore()
  await pass(minute)
  expect(rules()).toContain(address)
})

it('flanneld that may not read its pod gives up in its words', async () => {
  const { revoke, api, pods, pass, logs } = await booted('flannel')
  revoke('flannel')
  const [{ metadata }] = pods('app=flannel')
  api.delete('pods', 'kube-flannel', metadata.name)
  await pass(minute)
  expect((await logs('app=flannel')).join('\n')).toMatch(
    /Failed to create SubnetManager: error retrieving pod spec for 'kube-flannel\/(kube-flannel-ds-\w+)': pods "\1" is forbidden: User "system:serviceaccount:kube-flannel:flannel" cannot get resource "pods" in API group "" in the namespace "kube-flannel"/,
  )
})

it('programs find their way back to an API server that was away', async () => {
  const { cluster, service, pass, resolves, rules, api, logs } = await booted()
  const files = cluster.nodePlace('test-control-plane')!.files
  const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml'
  const text = files.readText(manifest)
  files.remove(manifest)
  await pass(2 * minute)
  expect((await logs('k8s-app=kube-dns')).join('\n')).toMatch(
    /failed to list \*v1\.Service: Get "https:\/\/10\.96\.0\.1:443\/api\/v1\/services\?limit=500&resourceVersion=0": dial tcp 10\.96\.0\.1:443: connect: connection refused/,
  )
  files.write(manifest, text)
  await pass(2 * minute)
  service('later')
  expect(await resolves('later')).toBe(true)
  expect(rules()).toContain(api.get<any>('services', 'default', 'later').spec.clusterIP)
})

it('a pod without a token cannot be anybody: CoreDNS says so and ends', async () => {
  const { api, pods, pass, logs } = await booted()
  const account = api.get<any>('serviceaccounts', 'kube-system', 'coredns')
  api.update('serviceaccounts', { ...account, automountServiceAccountToken: false })
  for (const { metadata } of pods('k8s-app=kube-dns')) api.delete('pods', 'kube-system', metadata.name)
  await pass(minute)
  expect(await logs('k8s-app=kube-dns')).toContain(
    'plugin/kubernetes: open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory',
  )
})

it('an idle cluster sets no timers for watches, and renews tokens at four fifths of their hour', async () => {
  const { cluster, pass, pods } = await booted()
  const token = () => {
    const [{ metadata }] = pods('k8s-app=kube-proxy')
    return cluster.podPlace('kube-system', metadata.name).files.readText('/var/run/secrets/kubernetes.io/serviceaccount/token')
  }
  const before = token()
  expect(cluster.clock.snapshot().filter(({ key }) => key.includes('services'))).toEqual([])
  await pass(47 * minute)
  expect(token()).toBe(before)
  await pass(3 * minute)
  expect(token()).not.toBe(before)
})
