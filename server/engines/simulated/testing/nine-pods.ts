import type { NetworkPolicySpec } from 'kubernetes-types/networking/v1'
import type { Plugin } from '../../../../simulator/bootstrap/spec.ts'
import type { SimulatedCluster } from '../../../../simulator/cluster/cluster.ts'
import type { KubeObject } from '../../../../simulator/kubernetes.ts'
import { heldCluster } from './held-cluster.ts'

/** What stands in the cluster for one look at it. */
export interface Step {
  policies?: (NetworkPolicySpec & { in?: string })[]
  labels?: Record<string, Record<string, string | null>>
  /** Objects of crd.projectcalico.org; namespaced ones in x unless `in` says otherwise. */
  calico?: { kind: string; name: string; in?: string; labels?: Record<string, string>; spec: object }[]
}

const namespaces = ['x', 'y', 'z']
/** `x/a` to `z/c`. */
export const pods = namespaces.flatMap((namespace) => ['a', 'b', 'c'].map((name) => `${namespace}/${name}`))
const nodes = ['test-worker', 'test-worker2']

/** As `kubectl apply -f` of a manifest. */
export function install({ api, clock }: SimulatedCluster, objects: readonly KubeObject[]): void {
  for (const object of objects) {
    const found = api.served().find(({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind)
    if (!found) throw new Error(`nothing is known of ${object.apiVersion} ${object.kind}`)
    const { namespace, name = '' } = object.metadata ?? {}
    if (api.find(found.name, namespace, name)) api.patch(found.name, namespace, name, object, { type: 'merge' })
    else api.create(found.name, object)
  }
  clock.settle()
}

/** With a plugin of the cluster's own, or with one that is installed by its objects. Nine pods on two nodes, each listening on TCP and UDP 80 and 81. */
export async function ninePods(cni: Plugin | readonly KubeObject[]) {
  const { cluster, defects, pass } = heldCluster({ name: 'test', nodes: 3, cni: typeof cni === 'string' ? cni : 'none', seed: 1 })
  if (typeof cni !== 'string') install(cluster, cni)
  await pass(60_000)
  for (const namespace of namespaces)
    cluster.api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { ns: namespace } } })
  cluster.clock.settle()
  for (const [index, pod] of pods.entries()) {
    const [namespace = '', name = ''] = pod.split('/')
    const ports = [80, 81].flatMap((port) =>
      ['TCP', 'UDP'].map((protocol) => ({ containerPort: port, protocol, name: `serve-${port}-${protocol.toLowerCase()}` })),
    )
    cluster.api.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { pod: name } },
      spec: { nodeName: nodes[index % 2], containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10', ports }] },
    })
  }
  await pass(10_000)
  const address = (pod: string) => {
    const [namespace = '', name = ''] = pod.split('/')
    return cluster.api.get<any>('pods', namespace, name).status.podIP as string
  }
  const netns = new Map(pods.map((pod) => [pod, cluster.podPlace(...(pod.split('/') as [string, string])).namespace]))
  const heard: string[] = []
  for (const [pod, { sockets }] of netns) {
    for (const port of [80, 81]) {
      sockets.listenTcp({ port }, () => ({}))
      sockets.bindUdp({ port }, { datagram: (bytes) => void heard.push(`${new TextDecoder().decode(bytes)} > ${pod}`) })
    }
  }
  const label = (target: string, labels: Record<string, string | null>) => {
    const [first = '', second] = target.split('/')
    if (second === undefined) cluster.api.patch('namespaces', undefined, first, { metadata: { labels } }, { type: 'merge' })
    else cluster.api.patch('pods', first, second, { metadata: { labels } }, { type: 'merge' })
  }
  const filled = (spec: object) => JSON.stringify(spec).replace(/\{(\w\/\w)\}/g, (_, pod: string) => address(pod))
  const calicoPlace = ({ kind, in: namespace = 'x' }: NonNullable<Step['calico']>[number]) => {
    const lower = kind.toLowerCase()
    const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`
    return { resource: `${plural}.crd.projectcalico.org`, namespace: /^Network/.test(kind) ? namespace : undefined }
  }
  return {
    cluster,
    pass,
    address,
    netns: (pod: string) => netns.get(pod)!,
    defects,
    apply({ policies = [], labels = {}, calico = [] }: Step) {
      for (const [target, change] of Object.entries(labels)) label(target, change)
      for (const [index, { in: namespace = 'x', ...spec }] of policies.entries()) {
        const text = filled(spec)
        const metadata = { name: `policy-${index}`, namespace }
        cluster.api.create('networkpolicies.networking.k8s.io', {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata,
          spec: JSON.parse(text),
        })
      }
      for (const one of calico) {
        const { resource, namespace } = calicoPlace(one)
        const { kind, name, labels: own = {} } = one
        const metadata = { name, labels: own, ...(namespace !== undefined && { namespace }) }
        cluster.api.create(resource, { apiVersion: 'crd.projectcalico.org/v1', kind, metadata, spec: JSON.parse(filled(one.spec)) })
      }
      cluster.clock.settle()
    },
    undo({ policies = [], labels = {}, calico = [] }: Step) {
      for (const [index, { in: namespace = 'x' }] of policies.entries())
        cluster.api.delete('networkpolicies.networking.k8s.io', namespace, `policy-${index}`)
      for (const one of calico) {
        const { resource, namespace } = calicoPlace(one)
        cluster.api.delete(resource, namespace, one.name)
      }
      for (const [target, change] of Object.entries(labels)) {
        const before: Record<string, string> = target.includes('/') ? { pod: target.split('/')[1]! } : {}
        label(target, { ...Object.fromEntries(Object.keys(change).map((key) => [key, null])), ...before })
      }
      cluster.clock.settle()
    },
    /** Every pair that a connection (TCP) or a datagram (UDP) gets through between, `x/a > y/b`. */
    open(port: number, protocol: 'TCP' | 'UDP'): Set<string> {
      const got = new Set<string>()
      heard.length = 0
      const sockets = pods.flatMap((from) =>
        pods.map((to) => {
          const { sockets: own } = netns.get(from)!
          const there = { address: address(to), port }
          if (protocol === 'TCP') return own.connectTcp(there, { connected: () => void got.add(`${from} > ${to}`) })
          const socket = own.bindUdp({}, { datagram: () => {} })
          socket.send(new TextEncoder().encode(from), there)
          return socket
        }),
      )
      cluster.clock.settle()
      for (const socket of sockets) {
        if ('reset' in socket) socket.reset()
        else socket.close()
      }
      for (const line of heard) got.add(line)
      return got
    },
  }
}

/** One pod more, in namespace x. */
export function newPod(
  { api }: Pick<SimulatedCluster, 'api'>,
  name: string,
  nodeName = 'test-worker',
  annotations: Record<string, string> = {},
): void {
  api.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'x', labels: { pod: name }, annotations },
    spec: { nodeName, containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }] },
  })
}
