import type { Namespace } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { ResourceDefinition } from '../definition.ts'
import { invalid } from '../fields.ts'
import type { Plain } from '../plain.ts'
import { keepSpec } from '../strategy.ts'

type NamespaceObject = Plain<Namespace>
const ownName = 'kubernetes.io/metadata.name'

/** Every namespace carries its name as a label, whatever a client says, so that policies can select by it. */
function withOwnName(namespace: NamespaceObject): NamespaceObject {
  const name = namespace.metadata?.name
  if (!name || namespace.metadata?.labels?.[ownName] === name) return namespace
  return { ...namespace, metadata: { ...namespace.metadata, labels: { ...namespace.metadata?.labels, [ownName]: name } } }
}

export const namespaces: ResourceDefinition<NamespaceObject> = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  status: true,
  connects: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  prepareForCreate: (namespace) => ({
    ...namespace,
    spec: { ...namespace.spec, finalizers: [...new Set([...(namespace.spec?.finalizers ?? []), 'kubernetes'])] },
    status: { phase: 'Active' },
  }),
  // Finalizers go through the finalize subresource only.
  prepareForUpdate: (namespace, previous) => ({
    ...namespace,
    spec: { ...namespace.spec, finalizers: previous.spec?.finalizers },
    status: previous.status,
  }),
  prepareForStatusUpdate: keepSpec,
  defaults: withOwnName,
  validate: () => [],
  validateStatusUpdate(namespace) {
    const phase = namespace.status?.phase
    const deleted = Boolean(namespace.metadata?.deletionTimestamp)
    if (!deleted && phase !== 'Active') {
      return [invalid('status.Phase', phase ?? '', "may only be 'Active' if `deletionTimestamp` is empty")]
    }
    if (deleted && phase !== 'Terminating') {
      return [invalid('status.Phase', phase ?? '', "may only be 'Terminating' if `deletionTimestamp` is not empty")]
    }
    return []
  },
  selectableFields: (namespace) => ({ 'status.phase': namespace.status?.phase ?? '' }),
  columns: [nameColumn, column('Status', 'Phase of the namespace.', (namespace) => namespace.status?.phase ?? ''), ageColumn],
}
