import type { Node, NodeStatus, Taint } from 'kubernetes-types/core/v1'
import { validateCidr } from '../addresses.ts'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, required, sameValue } from '../fields.ts'
import { change, fill } from '../fill.ts'
import { isQualifiedName, isValidLabelValue } from '../names.ts'
import type { Plain } from '../plain.ts'
import { validateAmount } from '../pod/container.ts'
import { taintEffects } from '../pod/scheduling.ts'
import { keepStatus } from '../strategy.ts'

type NodeObject = Plain<Node>

function validateNode(node: NodeObject): FieldError[] {
  const errors = validateTaints(node.spec?.taints ?? [])
  for (const kind of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(node.status?.[kind] ?? {})) {
      errors.push(...validateAmount(`status.${kind}.${name}`, amount, name))
    }
  }
  const ranges = node.spec?.podCIDRs ?? []
  ranges.forEach((range, index) => void errors.push(...validateCidr(`spec.podCIDRs[${index}]`, range)))
  const families = new Set(ranges.map((range) => range.includes(':')))
  if (ranges.length > 1 && (families.size < 2 || ranges.length > 2)) {
    errors.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'))
  }
  return errors
}

function validateTaints(taints: readonly Taint[]): FieldError[] {
  const seen = new Set<string>()
  return taints.flatMap((taint, index) => {
    // Upstream places the taints under metadata.
    const at = `metadata.taints[${index}]`
    const errors = invalidEach(`${at}.key`, taint.key, isQualifiedName(taint.key ?? ''))
    const sentences = isValidLabelValue(taint.value ?? '')
    if (sentences.length) errors.push(invalid(`${at}.value`, taint.value, sentences.join(';')))
    if (!taint.effect) errors.push(required(`${at}.effect`))
    else if (!taintEffects.includes(taint.effect)) errors.push(notSupported(`${at}.effect`, taint.effect, taintEffects))
    const key = `${taint.effect}/${taint.key}`
    if (seen.has(key)) {
      const value = { Key: taint.key, Value: taint.value ?? '', Effect: taint.effect, TimeAdded: null }
      errors.push(duplicate(at, value, 'taints must be unique by key and effect pair'))
    }
    seen.add(key)
    return errors
  })
}

function validateUpdate(node: NodeObject, previous: NodeObject): FieldError[] {
  const errors = validateNode(node)
  const before = previous.spec ?? {}
  if (before.podCIDRs?.length && !sameValue(before.podCIDRs, node.spec?.podCIDRs)) {
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
  }
  if (before.providerID && before.providerID !== node.spec?.providerID) {
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  }
  return errors
}

/** `podCIDR` is the first of `podCIDRs`, and either may be given. */
function withPodCidrs(node: NodeObject): NodeObject {
  return change(node, 'spec', (spec) => {
    if (spec.podCIDR && !spec.podCIDRs?.length) return { ...spec, podCIDRs: [spec.podCIDR] }
    if (spec.podCIDRs?.length && spec.podCIDR !== spec.podCIDRs[0]) return { ...spec, podCIDR: spec.podCIDRs[0] }
    return spec
  })
}

function readiness(node: NodeObject): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')
  const states = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown']
  if (node.spec?.unschedulable) states.push('SchedulingDisabled')
  return states.join(',')
}

const rolePrefix = 'node-role.kubernetes.io/'

function roles(node: NodeObject): string {
  const found = Object.entries(node.metadata?.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length)
    return key === 'kubernetes.io/role' ? value : ''
  })
  return [...new Set(found.filter(Boolean))].sort().join(',') || '<none>'
}

const address = (node: NodeObject, type: string) => node.status?.addresses?.find((one) => one.type === type)?.address ?? '<none>'
const info = (node: NodeObject): Partial<NonNullable<NodeStatus['nodeInfo']>> => node.status?.nodeInfo ?? {}

export const nodes: ResourceDefinition<NodeObject> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  status: true,
  connects: [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  // A kubelet registers its node with the status in place.
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: (node, previous) => ({ ...node, spec: previous.spec }),
  defaults: (node) =>
    change(withPodCidrs(node), 'status', (status) => (status.capacity ? fill(status, { allocatable: status.capacity }) : status)),
  validate: validateNode,
  validateUpdate,
  validateStatusUpdate: validateUpdate,
  selectableFields: (node) => ({ 'spec.unschedulable': String(node.spec?.unschedulable ?? false) }),
  columns: [
    nameColumn,
    column('Status', 'Whether the node is ready and takes pods.', readiness),
    column('Roles', 'Roles of the node, from its labels.', roles),
    ageColumn,
    column('Version', 'Version of the kubelet.', (node) => info(node).kubeletVersion ?? ''),
    wide('Internal-IP', 'Address inside the cluster.', (node) => address(node, 'InternalIP')),
    wide('External-IP', 'Address from outside.', (node) => address(node, 'ExternalIP')),
    wide('OS-Image', 'Operating system.', (node) => info(node).osImage || '<unknown>'),
    wide('Kernel-Version', 'Kernel.', (node) => info(node).kernelVersion || '<unknown>'),
    wide('Container-Runtime', 'Container runtime and its version.', (node) => info(node).containerRuntimeVersion || '<unknown>'),
  ],
}
