import { type InstallablePlugin, pluginManifests } from '../../../../simulator/bootstrap/plugin-manifests.ts'
import type { ClusterSpec } from '../../../../simulator/bootstrap/spec.ts'
import type { KubeObject } from '../../../../simulator/kubernetes.ts'
import { heldCluster } from './held-cluster.ts'

const resources: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  ServiceAccount: 'serviceaccounts',
  ConfigMap: 'configmaps',
  DaemonSet: 'daemonsets.apps',
  ClusterRole: 'clusterroles.rbac.authorization.k8s.io',
  ClusterRoleBinding: 'clusterrolebindings.rbac.authorization.k8s.io',
  Role: 'roles.rbac.authorization.k8s.io',
  RoleBinding: 'rolebindings.rbac.authorization.k8s.io',
}

/** A cluster that was made without a network plugin, on which plugins come and go. */
export async function pluginWorld() {
  const spec: ClusterSpec = { name: 'test', nodes: 3, cni: 'none', seed: 1 }
  const { cluster, defects, pass } = heldCluster(spec)
  const { api } = cluster
  await pass(30_000)
  const manifests = (plugin: InstallablePlugin) => pluginManifests(plugin, spec)
  const root = (node: string) => cluster.nodePlace(node)!.namespace
  return {
    cluster,
    api,
    pass,
    defects,
    root,
    files: (node: string) => cluster.nodePlace(node)!.files,
    /** `kubectl apply -f`, each object first changed by `change`. */
    async install(plugin: InstallablePlugin, change: (object: any) => void = () => {}) {
      for (const object of manifests(plugin)) {
        const own = structuredClone(object) as KubeObject
        change(own)
        api.create(resources[own.kind ?? ''] as string, own)
      }
      await pass(60_000)
    },
    /** `kubectl delete -f`. */
    async remove(plugin: InstallablePlugin) {
      for (const { kind = '', metadata } of manifests(plugin).reverse()) {
        api.delete(resources[kind] as string, metadata?.namespace, metadata?.name ?? '', { propagationPolicy: 'Background' })
      }
      await pass(60_000)
    },
    ready: () =>
      Object.fromEntries(
        api.list<any>('nodes').map(({ metadata, status }) => [metadata.name, status.conditions.find((one: any) => one.type === 'Ready')]),
      ) as Record<string, { status: string; message: string }>,
    /** A pod on a node; undefined addresses where its sandbox could not be made. */
    async pod(name: string, node: string) {
      api.create('pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { nodeName: node, tolerations: [{ operator: 'Exists' }], containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }] },
      } as KubeObject)
      await pass(20_000)
      return api.get<any>('pods', 'default', name).status.podIP as string | undefined
    },
    /** Which plugin made a pod's interface, by where its other end is. */
    networkOf(name: string, node: string): string {
      const peer = cluster.podPlace('default', name).namespace.link('eth0')?.peer
      const master = peer && root(node).link(peer.name)?.master?.name
      return master === 'cni0' ? 'flannel' : master === 'weave' ? 'weave' : peer ? 'kindnet' : 'none'
    },
    async reaches(from: string, to: string): Promise<boolean> {
      const address = api.get<any>('pods', 'default', to).status.podIP as string
      const listener = cluster.podPlace('default', to).namespace.sockets.listenTcp({ port: 80 }, () => ({}))
      let connected = false
      const connection = cluster
        .podPlace('default', from)
        .namespace.sockets.connectTcp({ address, port: 80 }, { connected: () => void (connected = true) })
      await pass(2000)
      connection.reset()
      listener.close()
      return connected
    },
    warnings: (name: string) =>
      api
        .list<any>('events', { namespace: 'default' })
        .filter(({ type, involvedObject }) => type === 'Warning' && involvedObject.name === name)
        .map(({ message }) => message as string),
    async logs(label: string, container: string): Promise<string> {
      const agents = api.list<any>('pods', { labelSelector: label })
      const texts = agents.map(async ({ metadata: { namespace, name } }) => {
        const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?container=${container}`
        return (await cluster.server.fetch(new Request(`https://cluster${path}`, { headers: { authorization: 'Bearer p' } }))).text()
      })
      return (await Promise.all(texts)).join('\n')
    },
  }
}
