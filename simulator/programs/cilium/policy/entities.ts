import type { LabelSelector } from 'kubernetes-types/meta/v1'
import { reserved } from '../identity.ts'
import { exists, namespaceLabel, type SecurityLabels } from './labels.ts'

const one = (name: string) => exists(`reserved:${name}`)

/** Names for groups of identities in fromEntities and toEntities (pkg/policy/api/entity.go). */
export const entities: Readonly<Record<string, readonly LabelSelector[]>> = {
  all: [{}],
  world: [one('world')],
  'world-ipv4': [one('world')],
  'world-ipv6': [],
  host: [one('host')],
  'remote-node': [one('remote-node')],
  health: [one('health')],
  init: [one('init')],
  ingress: [one('ingress')],
  none: [],
  unmanaged: [one('unmanaged')],
  'kube-apiserver': [one('kube-apiserver')],
  cluster: [
    exists(namespaceLabel),
    one('host'),
    one('remote-node'),
    one('init'),
    one('health'),
    one('unmanaged'),
    one('ingress'),
    one('kube-apiserver'),
  ],
}

/** The reserved identities and their labels; the host also is the API server's where that runs on it. */
export function reservedLabels(hostsApiServer: boolean): Map<number, SecurityLabels> {
  const labels = new Map<number, SecurityLabels>()
  for (const [name, id] of Object.entries(reserved)) labels.set(id, { [`reserved:${name}`]: '' })
  labels.set(reserved['kube-apiserver'], { 'reserved:kube-apiserver': '', 'reserved:remote-node': '' })
  if (hostsApiServer) labels.set(reserved.host, { 'reserved:host': '', 'reserved:kube-apiserver': '' })
  return labels
}
