import { deserialize, serialize } from 'node:v8'
import { expect, it } from 'vitest'
import type { ClusterSnapshot, SimulatedCluster } from '../../../simulator/cluster/cluster.ts'
import { heldCluster } from './testing/held-cluster.ts'
import { newPod, ninePods } from './testing/nine-pods.ts'

const minute = 60_000
const bindings = 'clusterrolebindings.rbac.authorization.k8s.io'
const closed = { policies: [{ podSelector: { matchLabels: { pod: 'a' } }, policyTypes: ['Ingress', 'Egress'] }] }

/** Takes a binding away; the result gives it back. */
function revoke({ api }: SimulatedCluster, name: string): () => void {
  const { metadata, ...binding } = api.get<any>(bindings, undefined, name)
  api.delete(bindings, undefined, name)
  return () => void api.create(bindings, { ...binding, metadata: { name: metadata.name } })
}

async function logs({ api, server }: SimulatedCluster, labelSelector: string, container?: string): Promise<string> {
  const lines: string[] = []
  for (const { metadata } of api.list<any>('pods', { namespace: 'kube-system', labelSelector })) {
    const path = `https://api/api/v1/namespaces/kube-system/pods/${metadata.name}/log${container ? `?container=${container}` : ''}`
    lines.push(await (await server.fetch(new Request(path, { headers: { authorization: 'Bearer p' } }))).text())
  }
  return lines.join('')
}

/** Through bytes, as the platform keeps it. */
const saved = (cluster: SimulatedCluster) => deserialize(serialize(cluster.snapshot())) as ClusterSnapshot

it.each([
  [
    'kindnet',
    'kindnet',
    'app=kindnet',
    /^E\d{4} [\d:.]+ +1 reflector\.go:205\] "Failed to watch" err="failed to list \*v1\.NetworkPolicy: networkpolicies\.networking\.k8s\.io is forbidden: User \\"system:serviceaccount:kube-system:kindnet\\" cannot list resource \\"networkpolicies\\" in API group \\"networking\.k8s\.io\\" at the cluster scope" type="\*v1\.NetworkPolicy"$/m,
  ],
  [
    'calico',
    'calico-node',
    'k8s-app=calico-node',
    /\[INFO\]\[56\] felix\/watchercache\.go 194: Failed to perform list of current data during resync ListRoot="\/calico\/resources\/v3\/projectcalico\.org\/kubernetesnetworkpolicies" error=connection is unauthorized: networkpolicies\.networking\.k8s\.io is forbidden: User "system:serviceaccount:kube-system:calico-node" cannot list resource "networkpolicies" in API group "networking\.k8s\.io" at the cluster scope$/m,
  ],
] as const)('%s without its right enforces what it knew, says why it learns nothing, and recovers', async (cni, binding, label, line) => {
  const { cluster, apply, undo, open, pass, defects } = await ninePods(cni)
  apply(closed)
  const restore = revoke(cluster, binding)
  await pass(11 * minute)
  undo(closed)
  await pass(minute)
  expect(open(80, 'TCP').has('x/b > x/a')).toBe(false)
  expect(open(80, 'TCP').has('x/b > y/a')).toBe(true)
  expect(await logs(cluster, label)).toMatch(line)
  restore()
  await pass(2 * minute)
  expect(open(80, 'TCP').has('x/b > x/a')).toBe(true)
  expect(defects).toEqual([])
})

it('kindnetd goes on judging after a restore without an API server', async () => {
  const { cluster, apply, pass, address } = await ninePods('kindnet')
  apply(closed)
  cluster.nodePlace('test-control-plane')!.files.remove('/etc/kubernetes/manifests/kube-apiserver.yaml')
  await pass(minute)
  const { cluster: copy, defects } = heldCluster(cluster.spec, saved(cluster))
  const reaches = (pod: string) => {
    const [namespace = '', name = ''] = pod.split('/')
    copy.podPlace(namespace, name).namespace.sockets.listenTcp({ port: 7000 }, () => ({}))
    let connected = false
    copy
      .podPlace('x', 'b')
      .namespace.sockets.connectTcp({ address: address(pod), port: 7000 }, { connected: () => void (connected = true) })
    copy.clock.settle()
    return connected
  }
  expect(reaches('x/a')).toBe(false)
  expect(reaches('y/a')).toBe(true)
  expect(defects).toEqual([])
})

it('a fork of a cluster with Calico starts pods: its nodes ask for a token of its own', async () => {
  const { cluster, defects } = await ninePods('calico')
  const kubeconfig = (from: SimulatedCluster) => from.nodePlace('test-worker')!.files.readText('/etc/cni/net.d/calico-kubeconfig')
  const tokenOf = (text: string) => /token: (.*)/.exec(text)![1]
  const { cluster: copy, pass, defects: inFork } = heldCluster(cluster.spec, saved(cluster), { platform: 'P', learner: 'L' })
  const answer = (token: string | undefined) =>
    copy.server.fetch(new Request('https://api/api/v1/namespaces/x/pods/a', { headers: { authorization: `Bearer ${token}` } }))
  expect((await answer(tokenOf(kubeconfig(cluster)))).status).toBe(401)
  expect((await answer(tokenOf(kubeconfig(copy)))).status).toBe(200)
  newPod(copy, 'new')
  await pass(5000)
  expect(copy.api.get<any>('pods', 'x', 'new').status.phase).toBe('Running')
  expect([...defects, ...inFork]).toEqual([])
})

it('a restore that is no fork leaves the plugin its token, which is renewed before it ends', async () => {
  const { cluster } = await ninePods('calico')
  const { cluster: copy, pass, defects } = heldCluster(cluster.spec, saved(cluster))
  const read = (from: SimulatedCluster) => from.nodePlace('test-worker')!.files.readText('/etc/cni/net.d/calico-kubeconfig')
  expect(read(copy)).toBe(read(cluster))
  await pass(25 * 60 * minute)
  expect(read(copy)).not.toBe(read(cluster))
  newPod(copy, 'new')
  await pass(5000)
  expect(copy.api.get<any>('pods', 'x', 'new').status.phase).toBe('Running')
  expect(defects).toEqual([])
})

it("calico-node that may make no tokens leaves the plugin's as it is and tries again; install-cni ends over it", async () => {
  const { cluster } = await ninePods('calico')
  const refusal =
    'Unable to create token for CNI kubeconfig error=serviceaccounts "calico-cni-plugin" is forbidden: User "system:serviceaccount:kube-system:calico-node" cannot create resource "serviceaccounts/token" in API group "" in the namespace "kube-system"'
  const roles = 'clusterroles.rbac.authorization.k8s.io'
  const role = cluster.api.get<any>(roles, undefined, 'calico-node')
  cluster.api.update(roles, { ...role, rules: role.rules.filter(({ resources }: any) => !resources.includes('serviceaccounts/token')) })
  // A fork's nodes need new tokens at once.
  const fork = heldCluster(cluster.spec, saved(cluster), { platform: 'p', learner: 'L' })
  const { api } = fork.cluster
  const kubeconfig = () => fork.cluster.nodePlace('test-worker')!.files.readText('/etc/cni/net.d/calico-kubeconfig')
  const before = kubeconfig()
  expect(before).toBe(cluster.nodePlace('test-worker')!.files.readText('/etc/cni/net.d/calico-kubeconfig'))
  expect(await logs(fork.cluster, 'k8s-app=calico-node')).toContain(refusal)
  const [{ metadata }] = api.list<any>('pods', { labelSelector: 'k8s-app=calico-node' })
  api.delete('pods', 'kube-system', metadata.name)
  await fork.pass(minute)
  expect(await logs(fork.cluster, 'k8s-app=calico-node', 'install-cni')).toContain(refusal)
  api.update(roles, { ...role, metadata: api.get<any>(roles, undefined, 'calico-node').metadata })
  await fork.pass(5 * minute)
  expect(kubeconfig()).not.toBe(before)
  const ready = api.list<any>('pods', { labelSelector: 'k8s-app=calico-node' }).map(({ status }) => status.containerStatuses[0].ready)
  expect(ready).toEqual([true, true, true])
  expect(fork.defects).toEqual([])
})

it("Calico's plugin goes by the roles of calico-cni-plugin", async () => {
  const { cluster, pass, defects } = await ninePods('calico')
  const restore = revoke(cluster, 'calico-cni-plugin')
  newPod(cluster, 'new')
  await pass(2000)
  const event = cluster.api
    .list<any>('events', { namespace: 'x' })
    .find(({ reason, involvedObject }) => reason === 'FailedCreatePodSandBox' && involvedObject.name === 'new')
  expect(event.message).toMatch(
    /plugin type="calico" failed \(add\): error getting ClusterInformation: connection is unauthorized: clusterinformations\.crd\.projectcalico\.org "default" is forbidden: User "system:serviceaccount:kube-system:calico-cni-plugin" cannot get resource "clusterinformations" in API group "crd\.projectcalico\.org" at the cluster scope$/,
  )
  restore()
  await pass(minute)
  expect(cluster.api.get<any>('pods', 'x', 'new').status.phase).toBe('Running')
  expect(defects).toEqual([])
})

it("Calico's controllers free a deleted node's blocks when they may again", async () => {
  const { cluster, pass, defects } = await ninePods('calico')
  const { api } = cluster
  const nodes = () => api.list<any>('blockaffinities.crd.projectcalico.org').map(({ spec }) => spec.node)
  const role = api.get<any>('clusterroles.rbac.authorization.k8s.io', undefined, 'calico-kube-controllers')
  const without = role.rules.map((rule: any) => ({ ...rule, verbs: rule.verbs.filter((verb: string) => verb !== 'delete') }))
  api.update('clusterroles.rbac.authorization.k8s.io', { ...role, rules: without })
  cluster.network.machine('test-worker')!.down = true
  api.delete('nodes', undefined, 'test-worker')
  await pass(minute)
  expect(nodes()).toContain('test-worker')
  expect(await logs(cluster, 'k8s-app=calico-kube-controllers')).toMatch(
    /\[WARNING\]\[1\] ipam\/ipam\.go 355: Error syncing IPAM data error=connection is unauthorized: ipam\w+\.crd\.projectcalico\.org ".*" is forbidden: User "system:serviceaccount:kube-system:calico-kube-controllers" cannot delete/,
  )
  const { metadata } = api.get<any>('clusterroles.rbac.authorization.k8s.io', undefined, 'calico-kube-controllers')
  api.update('clusterroles.rbac.authorization.k8s.io', { ...role, metadata })
  await pass(6 * minute)
  expect(nodes()).not.toContain('test-worker')
  expect(defects).toEqual([])
})
