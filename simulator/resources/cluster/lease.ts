import type { Lease } from 'kubernetes-types/coordination/v1'
import { ageColumn, column, nameColumn } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { invalid } from '../fields.ts'
import type { Plain } from '../plain.ts'

function validateLease({ spec = {} }: Plain<Lease>): FieldError[] {
  const errors: FieldError[] = []
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec
  if (duration !== undefined && duration <= 0) errors.push(invalid('spec.leaseDurationSeconds', duration, 'must be greater than 0'))
  if (transitions !== undefined && transitions < 0) {
    errors.push(invalid('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'))
  }
  return errors
}

export const leases: ResourceDefinition<Plain<Lease>> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  validate: validateLease,
  columns: [nameColumn, column('Holder', 'Who holds the lease.', (lease) => lease.spec?.holderIdentity ?? ''), ageColumn],
}
