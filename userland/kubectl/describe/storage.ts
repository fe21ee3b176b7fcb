import type { PersistentVolume } from 'kubernetes-types/core/v1'
import type { StorageClass } from 'kubernetes-types/storage/v1'
import { ageOf } from '../print/age.ts'
import { formatLabels } from '../print/table.ts'
import { accessModesText } from './config.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import type { Page } from './page.ts'
import { annotationsBlock, pairsBlock } from './page.ts'

export const describeStorageClass: Describe<StorageClass> = async (storage, page, around) => {
  const { metadata = {} } = storage
  const isDefault = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'].some(
    (key) => metadata.annotations?.[key] === 'true',
  )
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `IsDefaultClass:\t${isDefault ? 'Yes' : 'No'}\n`)
  page.write(0, `Annotations:\t${formatLabels(metadata.annotations)}\n`)
  page.write(0, `Provisioner:\t${storage.provisioner}\n`)
  page.write(0, `Parameters:\t${formatLabels(storage.parameters)}\n`)
  const expands = storage.allowVolumeExpansion
  page.write(0, `AllowVolumeExpansion:\t${expands === undefined ? '<unset>' : expands ? 'True' : 'False'}\n`)
  if (!storage.mountOptions?.length) page.write(0, 'MountOptions:\t<none>\n')
  else {
    page.write(0, 'MountOptions:\n')
    for (const option of storage.mountOptions) page.write(1, `${option}\n`)
  }
  if (storage.reclaimPolicy) page.write(0, `ReclaimPolicy:\t${storage.reclaimPolicy}\n`)
  if (storage.volumeBindingMode) page.write(0, `VolumeBindingMode:\t${storage.volumeBindingMode}\n`)
  if (storage.allowedTopologies) {
    page.write(0, 'AllowedTopologies:\t\n')
    storage.allowedTopologies.forEach((term, at) => {
      termLines(
        page,
        1,
        `Term ${at}`,
        (term.matchLabelExpressions ?? []).map((one) => ({ key: one.key, operator: 'in', values: one.values })),
      )
    })
  }
  eventsBlock(page, await around.events(), around.now)
}

interface Requirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

function termLines(page: Page, level: number, title: string, requirements: readonly Requirement[]): void {
  page.write(level, `${title}:\t`)
  if (requirements.length === 0) return page.write(0, '<none>\n')
  requirements.forEach((one, at) => {
    if (at > 0) page.write(level, '\t')
    page.write(0, `${one.key} ${one.operator.toLowerCase()}${one.values?.length ? ` [${one.values.join(', ')}]` : ''}\n`)
  })
}

export const describeVolume: Describe<PersistentVolume> = async ({ metadata = {}, spec, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(' ')}]\n`)
  page.write(0, `StorageClass:\t${spec?.storageClassName ?? ''}\n`)
  const gone = metadata.deletionTimestamp
  page.write(0, `Status:\t${gone ? `Terminating (lasts ${ageOf(gone, around.now)})` : (status?.phase ?? '')}\n`)
  page.write(0, `Claim:\t${spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : ''}\n`)
  page.write(0, `Reclaim Policy:\t${spec?.persistentVolumeReclaimPolicy ?? ''}\n`)
  page.write(0, `Access Modes:\t${accessModesText(spec?.accessModes)}\n`)
  if (spec?.volumeMode) page.write(0, `VolumeMode:\t${spec.volumeMode}\n`)
  page.write(0, `Capacity:\t${(spec?.capacity as Record<string, string> | undefined)?.['storage'] ?? '0'}\n`)
  page.write(0, 'Node Affinity:\t')
  const required = spec?.nodeAffinity?.required
  if (!required) page.write(0, '<none>\n')
  else {
    page.write(0, '\n')
    page.write(1, 'Required Terms:\t\n')
    required.nodeSelectorTerms.forEach((term, at) => {
      termLines(page, 2, `Term ${at}`, term.matchExpressions ?? [])
    })
  }
  page.write(0, `Message:\t${status?.message ?? ''}\n`)
  page.write(0, 'Source:\n')
  sourceLines(page, spec ?? {})
  eventsBlock(page, await around.events(), around.now)
}

/** The kinds of source that a cluster without a cloud has; others are named by their field alone. */
function sourceLines(page: Page, spec: NonNullable<PersistentVolume['spec']>): void {
  const line = (name: string, value: unknown) => page.write(2, `${name}:\t${value ?? ''}\n`)
  if (spec.hostPath) {
    line('Type', 'HostPath (bare host directory volume)')
    line('Path', spec.hostPath.path)
    line('HostPathType', spec.hostPath.type ?? '<none>')
  } else if (spec.nfs) {
    line('Type', 'NFS (an NFS mount that lasts the lifetime of a pod)')
    line('Server', spec.nfs.server)
    line('Path', spec.nfs.path)
    line('ReadOnly', spec.nfs.readOnly ?? false)
  } else if (spec.local) {
    line('Type', 'LocalVolume (a persistent volume backed by local storage on a node)')
    line('Path', spec.local.path)
  } else if (spec.csi) {
    line('Type', 'CSI (a Container Storage Interface (CSI) volume source)')
    line('Driver', spec.csi.driver)
    line('FSType', spec.csi.fsType)
    line('VolumeHandle', spec.csi.volumeHandle)
    line('ReadOnly', spec.csi.readOnly ?? false)
    const attributes = Object.entries(spec.csi.volumeAttributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    page.write(2, `VolumeAttributes:\t${attributes.length === 0 ? '<none>' : ''}`)
    for (const [at, [key, value]] of attributes.entries())
      page.write(0, `${at > 0 ? '                        \t' : ''}    ${key}=${value}\n`)
    if (attributes.length === 0) page.write(0, '\n')
  } else page.write(1, '<unknown>\n')
}
