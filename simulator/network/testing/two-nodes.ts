import { EventLoop, HeldTime } from '../../clock.ts'
import { Random } from '../../random.ts'
import type { NetworkNamespace } from '../namespace.ts'
import { createNetwork, type Network, upLoopback } from '../network.ts'
import type { TcpHandlers } from '../sockets.ts'

/** Two nodes with a pod bridge each, a segment between them, and time that a test moves. */
export interface TwoNodes {
  readonly network: Network
  readonly time: HeldTime
  readonly loop: EventLoop
  /** What callbacks threw; a test that expects none finds it empty. */
  readonly errors: unknown[]
  readonly nodes: readonly [NetworkNamespace, NetworkNamespace]
  /** Runs all that is due now. */
  settle(): void
  /** Lets time pass. */
  advance(ms: number): void
  /** A pod on node 0 or 1 with address 10.244.NODE.HOST. */
  pod(node: 0 | 1, host: number): NetworkNamespace
}

/** `overlay`: how pod subnets reach each other. */
export function twoNodes(overlay: 'routes' | 'vxlan' | 'ipip' = 'routes', seed = 1): TwoNodes {
  const time = new HeldTime(1_700_000_000_000)
  const errors: unknown[] = []
  const loop = new EventLoop(time, (error) => errors.push(error))
  const network = createNetwork({ clock: loop, random: new Random(seed) })
  const segment = network.addSegment('kind')
  const gateway = network.addMachine('gateway')
  network.attach(gateway.root, segment, { address: '172.18.0.1/16' })
  const nodes = [0, 1].map((i) => {
    const { root } = network.addMachine(`node-${i}`)
    network.attach(root, segment, { address: `172.18.0.${i + 2}/16`, gateway: '172.18.0.1' })
    root.setSysctl('net.ipv4.ip_forward', '1')
    root.setSysctl('net.bridge.bridge-nf-call-iptables', '1')
    root.addBridge('cni0')
    root.setLink('cni0', { up: true })
    root.addAddress('cni0', `10.244.${i}.1/24`)
    return root
  }) as [NetworkNamespace, NetworkNamespace]
  for (const i of [0, 1] as const) join(nodes[i], i, overlay, nodes)
  return {
    network,
    time,
    loop,
    errors,
    nodes,
    settle: () => {
      loop.settle()
    },
    advance: (ms) => {
      loop.settle()
      time.advance(ms)
    },
    pod: (node, host) => addPod(nodes[node], node, host, overlay === 'routes' ? 1500 : overlay === 'vxlan' ? 1450 : 1480),
  }
}

function join(root: NetworkNamespace, i: 0 | 1, overlay: 'routes' | 'vxlan' | 'ipip', nodes: readonly NetworkNamespace[]): void {
  const other = 1 - i
  const remote = `172.18.0.${other + 2}`
  const dst = `10.244.${other}.0/24`
  if (overlay === 'routes') return root.routing.add({ dst, via: remote })
  if (overlay === 'ipip') {
    root.addIpip('tunl0', { local: `172.18.0.${i + 2}` })
    root.setLink('tunl0', { up: true })
    root.addAddress('tunl0', `10.244.${i}.0/32`)
    return root.routing.add({ dst, via: remote, dev: 'tunl0', onlink: true, protocol: 'bird' })
  }
  const macs = ['02:00:00:00:01:00', '02:00:00:00:01:01']
  root.addVxlan('flannel.1', { id: 1, local: `172.18.0.${i + 2}`, port: 8472, dev: 'eth0', learning: false }, { mac: macs[i]! })
  root.setLink('flannel.1', { up: true })
  root.addAddress('flannel.1', `10.244.${i}.0/32`)
  root.setNeighbour('flannel.1', `10.244.${other}.0`, macs[other]!)
  root.addFdb('flannel.1', { mac: macs[other]!, remote })
  root.routing.add({ dst, via: `10.244.${other}.0`, dev: 'flannel.1', onlink: true })
  if (nodes.length !== 2) throw new Error('two nodes expected')
}

function addPod(root: NetworkNamespace, node: number, host: number, mtu: number): NetworkNamespace {
  const pod = root.machine.addNamespace(`pod-${node}-${host}`)
  upLoopback(pod)
  root.addVeth(`veth${host}`, pod, 'eth0', { mtu })
  root.setLink(`veth${host}`, { up: true, master: 'cni0', hairpin: true })
  pod.setLink('eth0', { up: true })
  pod.addAddress('eth0', `10.244.${node}.${host}/24`)
  pod.routing.add({ dst: '0.0.0.0/0', via: `10.244.${node}.1` })
  return pod
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
export const bytes = (text: string): Uint8Array => encoder.encode(text)
export const text = (data: Uint8Array): string => decoder.decode(data)

/** Handlers that write down what happened: `connected`, `data:…`, `end`, `error:CODE`. */
export function diary(extra: TcpHandlers = {}): { log: string[]; handlers: TcpHandlers } {
  const log: string[] = []
  return {
    log,
    handlers: {
      connected: () => {
        log.push('connected')
        extra.connected?.()
      },
      data: (data) => {
        log.push(`data:${text(data)}`)
        extra.data?.(data)
      },
      end: () => {
        log.push('end')
        extra.end?.()
      },
      error: (error) => {
        log.push(`error:${error.code}`)
        extra.error?.(error)
      },
    },
  }
}

/** A server that says back what it hears and closes when its client does. */
export function echoServer(namespace: NetworkNamespace, port: number): void {
  namespace.sockets.listenTcp({ port }, (connection) => ({
    data: (data) => connection.write(data),
    end: () => connection.end(),
  }))
}
