/** What a simulated cluster can be made with. */
export const plugins = ['kindnet', 'flannel', 'calico', 'cilium', 'weave'] as const
export type Plugin = (typeof plugins)[number]

/** What a cluster can be made with besides: an ingress controller. */
export const addons = ['ingress-nginx', 'traefik'] as const
export type Addon = (typeof addons)[number]

export interface ClusterSpec {
  /** Prefix of the node names: `faultline` gives `faultline-control-plane`, `faultline-worker`, `faultline-worker2`. */
  readonly name: string
  /** The control plane included. */
  readonly nodes: number
  /** `none`: nodes stay NotReady until somebody installs a plugin. */
  readonly cni: Plugin | 'none'
  readonly seed: number
  /** How many load balancers the cloud rents out to it; absent: there is no cloud, and Services of that type stay pending. */
  readonly loadBalancers?: number | undefined
  /** Absent: none. */
  readonly addons?: readonly Addon[]
}

/** Versions of what a fresh cluster runs, as kubeadm 1.34 pairs them. */
export const versions = {
  kubernetes: 'v1.34.2',
  etcd: '3.6.4-0',
  coredns: 'v1.12.1',
  kindnetd: 'v20250512-df8de77b',
  flannel: 'v0.27.4',
  flannelCniPlugin: 'v1.8.0-flannel1',
  calico: 'v3.30.4',
  cilium: 'v1.18.4',
  weave: '2.8.1',
  ingressNginx: 'v1.13.9',
  traefik: 'v3.5.3',
  containerd: '2.1.3',
} as const

/** Addresses of every simulated cluster; as kind's. */
export const addresses = {
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
  apiService: '10.96.0.1',
  dnsService: '10.96.0.10',
  nodeSegment: '172.18.0.0/16',
  gateway: '172.18.0.1',
  apiPort: 6443,
} as const

export const clusterDomain = 'cluster.local'

/** Node names in order; the first is the control plane. */
export function nodeNames(spec: ClusterSpec): string[] {
  return Array.from({ length: spec.nodes }, (_, index) =>
    index === 0 ? `${spec.name}-control-plane` : `${spec.name}-worker${index === 1 ? '' : index}`,
  )
}

/** `172.18.0.2` for the first node. */
export function nodeAddress(index: number): string {
  return `172.18.0.${index + 2}`
}
