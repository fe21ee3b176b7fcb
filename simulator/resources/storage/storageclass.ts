import type { StorageClass } from 'kubernetes-types/storage/v1'
import { ageColumn, column } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, notSupported, required, sameValue } from '../fields.ts'
import { fillText } from '../fill.ts'
import type { Plain } from '../plain.ts'

type ClassObject = Plain<StorageClass>
const bindingModes = ['Immediate', 'WaitForFirstConsumer']
const reclaimPolicies = ['Delete', 'Retain']

function validateClass({ provisioner, reclaimPolicy, volumeBindingMode }: ClassObject): FieldError[] {
  const errors: FieldError[] = []
  if (!provisioner) errors.push(required('provisioner'))
  if (!reclaimPolicies.includes(reclaimPolicy ?? '')) errors.push(notSupported('reclaimPolicy', reclaimPolicy, reclaimPolicies))
  if (!bindingModes.includes(volumeBindingMode ?? '')) errors.push(notSupported('volumeBindingMode', volumeBindingMode, bindingModes))
  return errors
}

const defaultMarks = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const storageclasses: ResourceDefinition<ClassObject> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  defaults: (one) => fillText(one, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
  validate: validateClass,
  validateUpdate(one, previous) {
    const errors = validateClass(one)
    for (const key of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
      if (!sameValue(one[key], previous[key])) errors.push(forbidden(key, 'updates to ' + key + ' are forbidden.'))
    }
    return errors
  },
  columns: [
    {
      ...column<ClassObject>('Name', 'Name of the class, and whether it is the default.', (one) => {
        const isDefault = defaultMarks.some((mark) => one.metadata?.annotations?.[mark] === 'true')
        return isDefault ? `${one.metadata?.name} (default)` : (one.metadata?.name ?? '')
      }),
      format: 'name',
    },
    column('Provisioner', 'Who makes volumes of the class.', (one) => one.provisioner),
    column('ReclaimPolicy', 'What happens to a volume when released.', (one) => one.reclaimPolicy ?? 'Delete'),
    column('VolumeBindingMode', 'When volumes are bound.', (one) => one.volumeBindingMode ?? '<unset>'),
    column('AllowVolumeExpansion', 'Whether claims may grow.', (one) => String(one.allowVolumeExpansion ?? false)),
    ageColumn,
  ],
}
