import type { Node, NodeCondition } from 'kubernetes-types/core/v1'
import { StatusError } from '../apiserver/api.ts'
import { type KubeObject, timestamp } from '../kubernetes.ts'
import { networkList } from './sandbox.ts'
import type { Kubelet } from './world.ts'

const networkNotReady =
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized'

/** Why pods cannot get a network now; undefined when they can. */
export function networkProblem(kubelet: Kubelet): string | undefined {
  return networkList(kubelet) ? undefined : networkNotReady
}

/** The conditions a healthy kubelet reports. Pressure is not simulated: nodes have memory, disk and process ids enough. */
export function nodeConditions(problem: string | undefined, previous: readonly NodeCondition[], now: number): NodeCondition[] {
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string): NodeCondition => {
    const before = previous.find((one) => one.type === type)
    return {
      type,
      status,
      lastHeartbeatTime: timestamp(now),
      lastTransitionTime: before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : timestamp(now),
      reason,
      message,
    }
  }
  const own = [
    condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problem
      ? condition('Ready', 'False', 'KubeletNotReady', problem)
      : condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
  ]
  const types = new Set(own.map(({ type }) => type))
  return [...previous.filter(({ type }) => !types.has(type)), ...own]
}

/** Registers the node where it is not, and reports its state. Called at the start and whenever something of it changed. */
export function reportNode(kubelet: Kubelet): void {
  const { world } = kubelet
  const { api, clock, node } = world
  const now = clock.now()
  let registered = api.find<KubeObject & Node>('nodes', undefined, node)
  if (!registered) {
    registered = api.create<KubeObject & Node>('nodes', newNode(kubelet) as KubeObject & Node)
    announceStart(kubelet)
  }
  const before = registered.status?.conditions ?? []
  const problem = networkProblem(kubelet)
  const conditions = nodeConditions(problem, before, now)
  const ready = (all: readonly NodeCondition[]) => all.find(({ type }) => type === 'Ready')
  const [was, is] = [ready(before), ready(conditions)]
  if (
    was?.status === is?.status &&
    was?.reason === is?.reason &&
    was?.message === is?.message &&
    registered.status?.nodeInfo?.kubeletVersion
  )
    return
  const images = Object.entries(kubelet.state.images).map(([name, image]) => ({ names: [image.id, name], sizeBytes: image.bytes }))
  api.updateStatus('nodes', { ...registered, status: { ...registered.status, ...nodeFacts(kubelet), conditions, images } } as KubeObject)
  if (was?.status !== is?.status && (is?.status === 'True' || was)) {
    const reason = is?.status === 'True' ? 'NodeReady' : 'NodeNotReady'
    nodeEvent(kubelet, reason, `Node ${node} status is now: ${reason}`)
  }
}

/**
 * Writes the lease as the real kubelet would have left it by now: renewed every 10 s. It is not renewed by a timer, as an idle cluster
 * has none; whoever needs to read a fresh one (the node life-cycle controller, before it judges) calls this first.
 */
export function renewLease(kubelet: Kubelet): void {
  const { api, clock, node } = kubelet.world
  const renewed = new Date(Math.floor(clock.now() / 10_000) * 10_000).toISOString().replace('Z', '000Z')
  const spec = { holderIdentity: node, leaseDurationSeconds: 40, renewTime: renewed }
  const known = api.find<KubeObject & { spec?: typeof spec }>('leases.coordination.k8s.io', 'kube-node-lease', node)
  if (known?.spec?.renewTime === renewed) return
  try {
    if (known) api.update('leases.coordination.k8s.io', { ...known, spec: { ...known.spec, ...spec } })
    else {
      const owner = api.find<KubeObject>('nodes', undefined, node)
      api.create('leases.coordination.k8s.io', {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: {
          name: node,
          namespace: 'kube-node-lease',
          ...(owner?.metadata?.uid ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid: owner.metadata.uid }] } : {}),
        },
        spec,
      })
    }
  } catch (error) {
    // The namespace of leases appears with the control plane; the real kubelet tries again too.
    if (!(error instanceof StatusError)) throw error
  }
}

function nodeEvent(kubelet: Kubelet, reason: string, message: string): void {
  const { node } = kubelet.world
  kubelet.events.record({ kind: 'Node', name: node, uid: node }, 'Normal', reason, message)
}

/** The events of a kubelet that starts. */
export function announceStart(kubelet: Kubelet): void {
  for (const [reason, message] of startEvents(kubelet.world.node)) nodeEvent(kubelet, reason, message)
}

function startEvents(node: string): [string, string][] {
  const now = (reason: string): [string, string] => [reason, `Node ${node} status is now: ${reason}`]
  return [
    ['Starting', 'Starting kubelet.'],
    ['NodeAllocatableEnforced', 'Updated Node Allocatable limit across pods'],
    now('NodeHasSufficientMemory'),
    now('NodeHasNoDiskPressure'),
    now('NodeHasSufficientPID'),
  ]
}

function newNode(kubelet: Kubelet): Node {
  const { node, labels, taints, providerId } = kubelet.world
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': node,
        'kubernetes.io/os': 'linux',
        ...labels,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: { ...(providerId ? { providerID: providerId } : {}), ...(taints && taints.length > 0 ? { taints: [...taints] } : {}) },
    status: { ...nodeFacts(kubelet), conditions: nodeConditions(networkProblem(kubelet), [], kubelet.world.clock.now()) },
  }
}

export function capacityOf(kubelet: Kubelet): Record<string, string> {
  const { cpu, memory, pods } = kubelet.world.capacity ?? { cpu: '8', memory: '16393244Ki', pods: '110' }
  return { cpu, 'ephemeral-storage': '263174212Ki', 'hugepages-1Gi': '0', 'hugepages-2Mi': '0', memory, pods }
}

/** A kind node of Kubernetes 1.34. */
function nodeFacts(kubelet: Kubelet): NonNullable<Node['status']> {
  const { node } = kubelet.world
  const capacity = capacityOf(kubelet)
  // Told apart by the node's name only, so that a restored kubelet says the same again.
  let hash = 7
  for (const letter of node) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0
  const id = hash.toString(16).padStart(8, '0')
  return {
    addresses: [...kubelet.hostAddresses.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: node }],
    capacity,
    allocatable: capacity,
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: 'amd64',
      bootID: `${id}-5b1c-4f6e-9d0a-2f3c8e7a1b44`,
      containerRuntimeVersion: 'containerd://2.1.3',
      kernelVersion: '6.8.0-45-generic',
      kubeProxyVersion: '',
      kubeletVersion: 'v1.34.2',
      machineID: `${id}c0f94be39a6d1e5b7f2a8c4d`,
      operatingSystem: 'linux',
      osImage: 'Debian GNU/Linux 12 (bookworm)',
      systemUUID: `${id}-8c1d-4c55-b3b7-6a1f0e9d2c33`,
    },
  }
}
