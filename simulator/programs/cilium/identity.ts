/** Numeric identities that every Cilium cluster has (pkg/identity/numericidentity.go). */
export const reserved = {
  host: 1,
  world: 2,
  unmanaged: 3,
  health: 4,
  init: 5,
  'remote-node': 6,
  'kube-apiserver': 7,
  ingress: 8,
} as const

/** Identities of a cluster's pods; the lower ones are reserved. */
export const firstPodIdentity = 256
export const lastPodIdentity = 65_535
/** Identities of address blocks are a node's own affair (scope local). */
export const firstLocalIdentity = 1 << 24

/** What a node's packets carry in a tunnel instead of `host`, which means another node at the other end. */
export function tunnelIdentity(identity: number): number {
  return identity === reserved.host ? reserved['remote-node'] : identity
}

export function isNode(identity: number): boolean {
  return identity === reserved.host || identity === reserved['remote-node'] || identity === reserved['kube-apiserver']
}
