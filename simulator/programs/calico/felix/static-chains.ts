import { setName } from '../names.ts'
import { act, type FelixRule, marks, when } from './felix-rule.ts'

/** What happens to a pod's packets for its own node, once its policy let them through (DefaultEndpointToHostAction). */
export type HostAction = 'ACCEPT' | 'DROP' | 'REJECT' | 'RETURN'

/** Which tunnels the pools ask for. */
export interface Tunnels {
  readonly vxlan: boolean
  readonly ipip: boolean
}

export type ChainSet = Readonly<Record<string, readonly FelixRule[]>>
export type TableName = 'filter' | 'nat' | 'mangle' | 'raw'

/** The interfaces of workloads. */
const workloads = 'cali+'
export const vxlanPort = 4789

/** IP sets that Felix keeps for itself. */
export const ownSets = {
  allPools: setName('all-ipam-pools'),
  masqueradedPools: setName('masq-ipam-pools'),
  hosts: setName('all-hosts-net'),
  vxlanHosts: setName('all-vxlan-net'),
  thisHost: setName('this-host'),
} as const

/** Chains that stand whatever the policies are; after felix/rules/static.go. Host endpoints are not modelled, so their chains are empty. */
export function staticChains(tunnels: Tunnels, toHost: HostAction): Readonly<Record<TableName, ChainSet>> {
  return {
    filter: {
      'cali-FORWARD': forward,
      'cali-INPUT': input(tunnels),
      'cali-OUTPUT': output(tunnels),
      'cali-wl-to-host': [
        { action: act.jump('cali-from-wl-dispatch') },
        { action: hostActions[toHost], comments: ['Configured DefaultEndpointToHostAction'] },
      ],
      'cali-from-hep-forward': [],
      'cali-to-hep-forward': [],
      'cali-from-host-endpoint': [],
      'cali-to-host-endpoint': [],
      'cali-cidr-block': [],
    },
    nat: {
      'cali-PREROUTING': [{ action: act.jump('cali-fip-dnat') }],
      'cali-POSTROUTING': postrouting(tunnels),
      'cali-OUTPUT': [{ action: act.jump('cali-fip-dnat') }],
      'cali-fip-dnat': [],
      'cali-fip-snat': [],
      'cali-nat-outgoing': [
        {
          match: [when.sourceSet(ownSets.masqueradedPools), when.notDestinationSet(ownSets.allPools)],
          action: act.masquerade,
        },
      ],
    },
    mangle: {
      'cali-PREROUTING': [
        { match: [when.tracked('RELATED', 'ESTABLISHED')], action: act.accept },
        { match: [when.markSet(marks.accept)], action: act.accept },
        { action: act.jump('cali-from-host-endpoint') },
        { match: [when.markSet(marks.accept)], action: act.accept, comments: ['Host endpoint policy accepted packet.'] },
      ],
      'cali-POSTROUTING': [
        { match: [when.markSet(marks.accept)], action: act.back },
        { action: act.clearMark(marks.all) },
        { match: [when.tracked('DNAT')], action: act.jump('cali-to-host-endpoint') },
        { match: [when.markSet(marks.accept)], action: act.back, comments: ['Host endpoint policy accepted packet.'] },
      ],
      'cali-from-host-endpoint': [],
      'cali-to-host-endpoint': [],
    },
    raw: {
      'cali-PREROUTING': rawPrerouting(tunnels),
      'cali-OUTPUT': [
        { action: act.clearMark(marks.all) },
        { action: act.jump('cali-to-host-endpoint') },
        ...untrackedVxlan(tunnels),
        { match: [when.markSet(marks.accept)], action: act.accept },
      ],
      'cali-rpf-skip': [],
      'cali-from-host-endpoint': [],
      'cali-to-host-endpoint': [],
    },
  }
}

const hostActions = { ACCEPT: act.accept, DROP: act.drop, REJECT: act.reject, RETURN: act.back } as const

/** Where Felix's chains hang in the built-in ones: table, chain, its own chain, and whether before or behind what others put there. */
export const hooks: readonly (readonly [table: TableName, chain: string, target: string, place: 'insert' | 'append'])[] = [
  ['raw', 'PREROUTING', 'cali-PREROUTING', 'insert'],
  ['raw', 'OUTPUT', 'cali-OUTPUT', 'insert'],
  ['filter', 'FORWARD', 'cali-FORWARD', 'insert'],
  ['filter', 'INPUT', 'cali-INPUT', 'insert'],
  ['filter', 'OUTPUT', 'cali-OUTPUT', 'insert'],
  ['nat', 'PREROUTING', 'cali-PREROUTING', 'insert'],
  // Last, so that kube-proxy has taken its mark off before this masquerades.
  ['nat', 'POSTROUTING', 'cali-POSTROUTING', 'append'],
  ['nat', 'OUTPUT', 'cali-OUTPUT', 'insert'],
  ['mangle', 'PREROUTING', 'cali-PREROUTING', 'insert'],
  ['mangle', 'POSTROUTING', 'cali-POSTROUTING', 'insert'],
]

/** Behind everything in filter's FORWARD. */
export const forwardAppends: readonly FelixRule[] = [
  { match: [when.markSet(marks.accept)], action: act.accept, comments: ['Policy explicitly accepted packet.'] },
  { action: act.mark(marks.accept) },
]

// A dispatch chain allows by coming back: a packet between two pods of this node must pass the one's egress and the other's ingress.
const forward: readonly FelixRule[] = [
  { action: act.clearMark(marks.all & ~marks.accept) },
  { match: [when.markClear(marks.accept)], action: act.jump('cali-from-hep-forward') },
  { match: [when.inInterface(workloads)], action: act.jump('cali-from-wl-dispatch') },
  { match: [when.outInterface(workloads)], action: act.jump('cali-to-wl-dispatch') },
  { action: act.jump('cali-to-hep-forward') },
  { action: act.jump('cali-cidr-block') },
]

function input({ vxlan, ipip }: Tunnels): FelixRule[] {
  const accepted = { match: [when.markSet(marks.accept)], action: act.accept }
  return [
    ...(ipip
      ? [
          {
            match: [when.protocolNumber(4), when.sourceSet(ownSets.hosts), when.destinationLocal],
            action: act.accept,
            comments: ['Allow IPIP packets from Calico hosts'],
          },
          { match: [when.protocolNumber(4)], action: act.drop, comments: ['Drop IPIP packets from non-Calico hosts'] },
        ]
      : []),
    ...(vxlan
      ? [
          {
            match: [
              when.protocolNumber(17),
              when.destinationPorts([String(vxlanPort)]),
              when.sourceSet(ownSets.vxlanHosts),
              when.destinationLocal,
            ],
            action: act.accept,
            comments: ['Allow IPv4 VXLAN packets from allowed hosts'],
          },
          {
            match: [when.protocolNumber(17), when.destinationPorts([String(vxlanPort)]), when.destinationLocal],
            action: act.drop,
            comments: ['Drop IPv4 VXLAN packets from non-allowed hosts'],
          },
        ]
      : []),
    { match: [when.inInterface(workloads)], action: act.goto('cali-wl-to-host') },
    accepted,
    { action: act.clearMark(marks.all) },
    { action: act.jump('cali-from-host-endpoint') },
    { ...accepted, comments: ['Host endpoint policy accepted packet.'] },
  ]
}

function output({ vxlan, ipip }: Tunnels): FelixRule[] {
  return [
    { match: [when.markSet(marks.accept)], action: act.accept },
    // What the host itself sends to its pods is not held to their policy.
    { match: [when.outInterface(workloads)], action: act.back },
    ...(ipip
      ? [
          {
            match: [when.protocolNumber(4), when.destinationSet(ownSets.hosts), when.sourceLocal],
            action: act.accept,
            comments: ['Allow IPIP packets to other Calico hosts'],
          },
        ]
      : []),
    ...(vxlan
      ? [
          {
            match: [
              when.protocolNumber(17),
              when.destinationPorts([String(vxlanPort)]),
              when.sourceLocal,
              when.destinationSet(ownSets.vxlanHosts),
            ],
            action: act.accept,
            comments: ['Allow IPv4 VXLAN packets to other allowed hosts'],
          },
        ]
      : []),
    { action: act.clearMark(marks.all) },
    { match: [when.notTracked('DNAT')], action: act.jump('cali-to-host-endpoint') },
    { match: [when.markSet(marks.accept)], action: act.accept, comments: ['Host endpoint policy accepted packet.'] },
  ]
}

function postrouting({ vxlan, ipip }: Tunnels): FelixRule[] {
  const devices = [...(ipip ? ['tunl0'] : []), ...(vxlan ? ['vxlan.calico'] : [])]
  return [
    { action: act.jump('cali-fip-snat') },
    { action: act.jump('cali-nat-outgoing') },
    // What this host sends down a tunnel under another of its addresses (a Service was behind it) goes under the tunnel's.
    ...devices.map((device) => ({
      match: [when.outInterface(device), when.sourceNotOfInterface, when.sourceLocal],
      action: act.masquerade,
    })),
  ]
}

function rawPrerouting(tunnels: Tunnels): FelixRule[] {
  const fromWorkload = when.markSet(marks.scratch)
  return [
    { action: act.clearMark(marks.all) },
    ...untrackedVxlan(tunnels),
    { match: [when.inInterface(workloads)], action: act.mark(marks.scratch) },
    { match: [fromWorkload], action: act.jump('cali-rpf-skip') },
    // Pods cannot send under another's address.
    { match: [fromWorkload, when.reversePathFails], action: act.drop },
    { match: [when.markClear(marks.scratch)], action: act.jump('cali-from-host-endpoint') },
    { match: [when.markSet(marks.accept)], action: act.accept },
  ]
}

// Each direction of a VXLAN flow has a source port of its own, so tracking would never see an answer.
function untrackedVxlan({ vxlan }: Tunnels): FelixRule[] {
  return vxlan ? [{ match: [when.protocol('udp'), when.destinationPort(vxlanPort)], action: act.untracked }] : []
}
