import type { NodeSelector, PersistentVolume } from 'kubernetes-types/core/v1'
import { ageColumn, column, nameColumn, wide } from '../columns.ts'
import type { FieldError, ResourceDefinition } from '../definition.ts'
import { forbidden, notSupported, required, sameValue } from '../fields.ts'
import { change, fill, fillText } from '../fill.ts'
import type { Plain } from '../plain.ts'
import { validateAmount } from '../pod/container.ts'
import { validateNodeSelector } from '../pod/scheduling.ts'
import { keepSpec, keepStatus } from '../strategy.ts'
import { accessModes, accessModesText } from './access.ts'

type VolumeObject = Plain<PersistentVolume>
const sources = ['hostPath', 'local', 'nfs', 'csi', 'iscsi', 'fc', 'cephfs', 'rbd'] as const

function validateVolume({ spec = {} }: VolumeObject): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.accessModes?.length) errors.push(required('spec.accessModes'))
  for (const mode of spec.accessModes ?? []) {
    if (!accessModes.includes(mode)) errors.push(notSupported('spec.accessModes', mode, accessModes))
  }
  if (!Object.keys(spec.capacity ?? {}).length) errors.push(required('spec.capacity'))
  else if ((spec.capacity as Record<string, string>)['storage'] === undefined) {
    errors.push(notSupported('spec.capacity', spec.capacity, ['storage']))
  }
  for (const [name, amount] of Object.entries((spec.capacity ?? {}) as Record<string, string>)) {
    errors.push(...validateAmount(`spec.capacity[${name}]`, amount, name))
  }
  const given = sources.filter((source) => spec[source])
  if (!given.length) errors.push(required('spec', 'must specify a volume type'))
  for (const extra of given.slice(1)) errors.push(forbidden(`spec.${extra}`, 'may not specify more than 1 volume type'))
  if (spec.local && !spec.nodeAffinity) errors.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
  const { nodeAffinity } = spec
  if (nodeAffinity && !nodeAffinity.required) errors.push(required('spec.nodeAffinity.required', 'must specify required node constraints'))
  else if (nodeAffinity?.required) errors.push(...validateNodeSelector('spec.nodeAffinity.required', nodeAffinity.required as NodeSelector))
  return errors
}

export const persistentvolumes: ResourceDefinition<VolumeObject> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  status: true,
  prepareForCreate: (volume) => ({ ...volume, status: { phase: 'Pending' } }),
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate: keepSpec,
  defaults: (volume) =>
    change(volume, 'spec', (spec) => fill(fillText(spec, { persistentVolumeReclaimPolicy: 'Retain' }), { volumeMode: 'Filesystem' })),
  validate: validateVolume,
  validateUpdate(volume, previous) {
    const errors = validateVolume(volume)
    const source = ({ spec }: VolumeObject) => sources.map((kind) => spec?.[kind])
    if (!sameValue(source(volume), source(previous))) {
      errors.push(forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation'))
    }
    return errors
  },
  columns: [
    nameColumn,
    column('Capacity', 'Size.', ({ spec }) => (spec?.capacity as Record<string, string>)?.['storage'] ?? '0'),
    column('Access Modes', 'Ways in which it can be mounted.', ({ spec }) => accessModesText(spec?.accessModes)),
    column('Reclaim Policy', 'What happens to it when released.', ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ''),
    column('Status', 'Phase of the volume.', (volume) =>
      volume.metadata?.deletionTimestamp ? 'Terminating' : (volume.status?.phase ?? ''),
    ),
    column('Claim', 'Claim that it is bound to.', ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '')),
    column('StorageClass', 'Storage class.', ({ spec }) => spec?.storageClassName ?? ''),
    column('VolumeAttributesClass', 'Volume attributes class.', ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>'),
    column('Reason', 'Why it is in its phase.', ({ status }) => status?.reason ?? ''),
    ageColumn,
    wide('VolumeMode', 'File system or raw block.', ({ spec }) => spec?.volumeMode ?? '<unset>'),
  ],
}
