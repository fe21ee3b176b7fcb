import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, notSupported, required, sameValue } from '../fields.ts'
import { change, fill } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { validateAmount } from '../pod/container.ts'
import { validateSelector } from '../selectors.ts'
import { keepSpec, keepStatus } from '../strategy.ts'
import { unifiedDiff } from '../unified-diff.ts'
import { accessModes, accessModesText } from './access.ts'

type ClaimObject = Plain<PersistentVolumeClaim>
const storageOf = (amounts: unknown) => (amounts as Record<string, string> | undefined)?.['storage']

function validateClaim({ spec = {} }: ClaimObject): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.accessModes?.length) errors.push(required('spec.accessModes', 'at least 1 access mode is required'))
  for (const mode of spec.accessModes ?? []) {
    if (!accessModes.includes(mode)) errors.push(notSupported('spec.accessModes', mode, accessModes))
  }
  errors.push(...validateSelector('spec.selector', spec.selector))
  const size = storageOf(spec.resources?.requests)
  if (size === undefined) errors.push(required('spec.resources[storage]'))
  else errors.push(...validateAmount('spec.resources[storage]', size))
  return errors
}

/** After binding only the requested size may change (and the class of attributes); before, the binder sets volumeName. */
function validateUpdate(claim: ClaimObject, previous: ClaimObject): FieldError[] {
  const errors = validateClaim(claim)
  const before: PersistentVolumeClaimSpec = previous.spec ?? {}
  const fixed: PersistentVolumeClaimSpec = {
    ...claim.spec,
    resources: before.resources,
    volumeAttributesClassName: before.volumeAttributesClassName,
  }
  if (!before.volumeName) fixed.volumeName = before.volumeName
  if (before.storageClassName === undefined) fixed.storageClassName = before.storageClassName
  if (!sameValue(fixed, before)) {
    const sentence =
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n' +
      unifiedDiff(before, fixed)
    errors.push(forbidden('spec', sentence))
  }
  return errors
}

export const persistentvolumeclaims: ResourceDefinition<ClaimObject> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  status: true,
  prepareForCreate: (claim) => ({ ...claim, status: { phase: 'Pending' } }),
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  defaults: (claim) => change(claim, 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem' })),
  validate: validateClaim,
  validateUpdate,
  columns: [
    nameColumn,
    column('Status', 'Phase of the claim.', (claim) => (claim.metadata?.deletionTimestamp ? 'Terminating' : (claim.status?.phase ?? ''))),
    column('Volume', 'Volume that it is bound to.', ({ spec }) => spec?.volumeName ?? ''),
    column('Capacity', 'Size of the volume.', ({ spec, status }) => (spec?.volumeName ? (storageOf(status?.capacity) ?? '0') : '')),
    column('Access Modes', 'Ways in which it can be mounted.', ({ spec, status }) =>
      spec?.volumeName ? accessModesText(status?.accessModes) : '',
    ),
    column('StorageClass', 'Storage class.', ({ spec }) => spec?.storageClassName ?? ''),
    column('VolumeAttributesClass', 'Volume attributes class.', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    ageColumn,
    wide('VolumeMode', 'File system or raw block.', ({ spec }) => spec?.volumeMode ?? '<unset>'),
  ],
}
