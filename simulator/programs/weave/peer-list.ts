import type { ConfigMap } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'

/** Which peers there are, kept in an annotation of ConfigMap weave-net. Follows weave 2.8's prog/kube-utils. */
export interface ListedPeer {
  readonly PeerName: string
  readonly NodeName: string
}

const prefix = 'kube-peers.weave.works/'
const peersKey = `${prefix}peers`
const [namespace, name] = ['kube-system', 'weave-net']
type Annotated = ConfigMap & KubeObject

/** Throws StatusError where the account may not. */
export function peerList(api: Api): readonly ListedPeer[] {
  return listed(configMap(api))
}

/** `&{[{1a:… worker}]}`, as Go prints the list. */
export function printed(peers: readonly ListedPeer[]): string {
  return `&{[${peers.map(({ PeerName, NodeName }) => `{${PeerName} ${NodeName}}`).join(' ')}]}`
}

export function addPeer(api: Api, peer: ListedPeer): readonly ListedPeer[] {
  const before = peerList(api)
  if (before.some(({ PeerName }) => PeerName === peer.PeerName)) return before
  const peers = [...before, peer]
  annotate(api, { [peersKey]: JSON.stringify({ Peers: peers }) })
  return peers
}

/** Whether this peer is the one that reclaims a dead one's addresses: the annotation under the dead one's name is its. */
export function claimReclaim(api: Api, dead: string, own: string): boolean {
  const key = lockOf(dead)
  const holder = configMap(api).metadata?.annotations?.[key]
  if (holder !== undefined && holder !== own && peerList(api).some(({ PeerName }) => PeerName === holder)) return false
  if (holder !== own) annotate(api, { [key]: own })
  return true
}

export function removePeer(api: Api, dead: string): void {
  const peers = peerList(api).filter(({ PeerName }) => PeerName !== dead)
  annotate(api, { [peersKey]: JSON.stringify({ Peers: peers }), [lockOf(dead)]: undefined })
}

const lockOf = (peer: string) => `${prefix}${peer.replaceAll(':', '_')}`

function listed(map: Annotated): readonly ListedPeer[] {
  const text = map.metadata?.annotations?.[peersKey]
  return text === undefined ? [] : ((JSON.parse(text) as { Peers?: ListedPeer[] | null }).Peers ?? [])
}

function configMap(api: Api): Annotated {
  try {
    return api.get<Annotated>('configmaps', namespace, name)
  } catch (error) {
    if (!(error instanceof StatusError) || error.status.code !== 404) throw error
    return api.create<Annotated>('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } })
  }
}

function annotate(api: Api, change: Record<string, string | undefined>): void {
  const map = configMap(api)
  const annotations = Object.fromEntries(
    Object.entries({ ...map.metadata?.annotations, ...change }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  api.update('configmaps', { ...map, metadata: { ...map.metadata, annotations } })
}
