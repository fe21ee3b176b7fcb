import type { Namespace } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { forbidden, notFound } from '../status.ts'
import type { Admission } from './admission.ts'

/** Namespaces that can never be deleted (NamespaceLifecycle's immortal set). */
const immortal = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease'])

/** NamespaceLifecycle: nothing new in a namespace that is missing or ending. */
export const namespaceLifecycle: Admission = {
  name: 'NamespaceLifecycle',
  validate({ operation, resource, name }) {
    if (operation === 'DELETE' && resource === 'namespaces' && immortal.has(name)) {
      throw forbidden({ group: '', resource: 'namespaces', name }, 'this namespace may not be deleted')
    }
  },
  // Upstream's Admit: before any other plugin, and before validation, has a say.
  mutate({ operation, definition, resource, namespace, name, object }, context) {
    if (operation !== 'CREATE' || !namespace || resource === 'namespaces') return object
    const found = context.find<Namespace & KubeObject>('namespaces', undefined, namespace)
    if (!found) throw notFound({ group: '', resource: 'namespaces', name: namespace })
    if (found.status?.phase !== 'Terminating' && !found.metadata?.deletionTimestamp) return object
    throw forbidden(
      { group: definition.group, resource: definition.plural, name },
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [{ reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }],
    )
  },
}
