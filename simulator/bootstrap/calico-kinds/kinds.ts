import type { KubeObject } from '../../kubernetes.ts'
import type { Schema } from '../../resources/schema/schema.ts'
import { bgpConfigurationSpec, bgpPeerSpec } from './bgp-schemas.ts'
import { felixConfigurationSpec } from './felix-schema.ts'
import { globalNetworkPolicySpec, networkPolicySpec } from './policy-schema.ts'
import { anything, fields, list, map, number, oneOf, refused, text, truth, whole } from './schemas.ts'

const group = 'crd.projectcalico.org'

interface Kind {
  readonly kind: string
  readonly plural: string
  readonly spec: Schema
  readonly namespaced?: boolean
  readonly status?: Schema
  /** Nobody reads objects of it, so they are refused in these words. */
  readonly unmodelled?: string
}

/** Calico's kinds as its manifest defines them: names, scopes, and schemas that accept what the real ones do. */
const kinds: readonly Kind[] = [
  {
    kind: 'BGPConfiguration',
    plural: 'bgpconfigurations',
    spec: bgpConfigurationSpec,
  },
  { kind: 'BGPFilter', plural: 'bgpfilters', spec: anything, unmodelled: 'BGP filters' },
  {
    kind: 'BGPPeer',
    plural: 'bgppeers',
    spec: bgpPeerSpec,
  },
  {
    kind: 'BlockAffinity',
    plural: 'blockaffinities',
    spec: fields({ cidr: text, deleted: text, node: text, state: text, type: text }, ['cidr', 'deleted', 'node', 'state']),
  },
  { kind: 'CalicoNodeStatus', plural: 'caliconodestatuses', spec: anything, status: anything, unmodelled: 'CalicoNodeStatus' },
  {
    kind: 'ClusterInformation',
    plural: 'clusterinformations',
    spec: fields({ calicoVersion: text, clusterGUID: text, clusterType: text, datastoreReady: truth, variant: text }),
  },
  {
    kind: 'FelixConfiguration',
    plural: 'felixconfigurations',
    spec: felixConfigurationSpec,
  },
  { kind: 'GlobalNetworkPolicy', plural: 'globalnetworkpolicies', spec: globalNetworkPolicySpec },
  { kind: 'GlobalNetworkSet', plural: 'globalnetworksets', spec: fields({ nets: list(text) }) },
  { kind: 'HostEndpoint', plural: 'hostendpoints', spec: anything, unmodelled: 'host endpoints' },
  {
    kind: 'IPAMBlock',
    plural: 'ipamblocks',
    spec: fields(
      {
        affinity: text,
        allocations: list({ type: 'integer', nullable: true }),
        attributes: list(fields({ handle_id: text, secondary: map(text) })),
        cidr: text,
        deleted: truth,
        sequenceNumber: { type: 'integer', format: 'int64', default: 0 },
        sequenceNumberForAllocation: map({ type: 'integer', format: 'int64' }),
        strictAffinity: truth,
        unallocated: list(whole),
      },
      ['allocations', 'attributes', 'cidr', 'strictAffinity', 'unallocated'],
    ),
  },
  { kind: 'IPAMConfig', plural: 'ipamconfigs', spec: anything, unmodelled: 'IPAMConfig' },
  {
    kind: 'IPAMHandle',
    plural: 'ipamhandles',
    spec: fields({ block: map(whole), deleted: truth, handleID: text }, ['block', 'handleID']),
  },
  {
    kind: 'IPPool',
    plural: 'ippools',
    spec: fields(
      {
        allowedUses: list(text),
        assignmentMode: oneOf('Automatic', 'Manual'),
        blockSize: whole,
        cidr: text,
        disableBGPExport: truth,
        disabled: truth,
        ipip: fields({ enabled: truth, mode: text }),
        ipipMode: text,
        'nat-outgoing': truth,
        natOutgoing: truth,
        nodeSelector: text,
        vxlanMode: text,
      },
      ['cidr'],
    ),
  },
  { kind: 'IPReservation', plural: 'ipreservations', spec: anything, unmodelled: 'IP reservations' },
  {
    kind: 'KubeControllersConfiguration',
    plural: 'kubecontrollersconfigurations',
    spec: anything,
    status: anything,
    unmodelled: 'KubeControllersConfiguration',
  },
  { kind: 'NetworkPolicy', plural: 'networkpolicies', namespaced: true, spec: networkPolicySpec },
  { kind: 'NetworkSet', plural: 'networksets', namespaced: true, spec: fields({ nets: list(text) }) },
  { kind: 'StagedGlobalNetworkPolicy', plural: 'stagedglobalnetworkpolicies', spec: anything, unmodelled: 'staged policies' },
  {
    kind: 'StagedKubernetesNetworkPolicy',
    plural: 'stagedkubernetesnetworkpolicies',
    namespaced: true,
    spec: anything,
    unmodelled: 'staged policies',
  },
  { kind: 'StagedNetworkPolicy', plural: 'stagednetworkpolicies', namespaced: true, spec: anything, unmodelled: 'staged policies' },
  { kind: 'Tier', plural: 'tiers', spec: fields({ defaultAction: oneOf('Pass', 'Deny'), order: number }) },
]

/** The CustomResourceDefinitions of Calico's manifest. */
export const calicoKinds: readonly KubeObject[] = kinds.map(definition)

function definition({ kind, plural, spec, namespaced = false, status, unmodelled }: Kind): KubeObject {
  const schema = fields({ apiVersion: text, kind: text, metadata: { type: 'object' }, spec, ...(status && { status }) })
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      preserveUnknownFields: false,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: 'v1',
          schema: { openAPIV3Schema: unmodelled ? refused(schema, unmodelled) : schema },
          served: true,
          storage: true,
        },
      ],
    },
  }
}
