import type { Volume } from 'kubernetes-types/core/v1'
import type { Page } from './page.ts'

/** `Volumes:` of a pod or a template. */
export function volumesBlock(page: Page, volumes: readonly Volume[] | undefined, space: string): void {
  if (!volumes || volumes.length === 0) return page.write(0, `${space}Volumes:\t<none>\n`)
  page.write(0, `${space}Volumes:\n`)
  for (const volume of volumes) {
    page.write(1, `${space === '' ? '' : ' '}${volume.name}:\n`)
    source(page, volume)
  }
}

function source(page: Page, volume: Volume): void {
  const line = (name: string, value: unknown) => page.write(2, `${name}:\t${value ?? ''}\n`)
  const ephemeral = (volume as { ephemeral?: { volumeClaimTemplate: any } }).ephemeral
  if (volume.hostPath) {
    line('Type', 'HostPath (bare host directory volume)')
    line('Path', volume.hostPath.path)
    line('HostPathType', volume.hostPath.type ?? '')
  } else if (volume.emptyDir) {
    line('Type', "EmptyDir (a temporary directory that shares a pod's lifetime)")
    line('Medium', volume.emptyDir.medium)
    line('SizeLimit', volume.emptyDir.sizeLimit ?? '<unset>')
  } else if (volume.secret) {
    line('Type', 'Secret (a volume populated by a Secret)')
    line('SecretName', volume.secret.secretName)
    line('Optional', volume.secret.optional ?? false)
  } else if (volume.configMap) {
    line('Type', 'ConfigMap (a volume populated by a ConfigMap)')
    line('Name', volume.configMap.name)
    line('Optional', volume.configMap.optional ?? false)
  } else if (volume.persistentVolumeClaim) {
    line('Type', 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)')
    line('ClaimName', volume.persistentVolumeClaim.claimName)
    line('ReadOnly', volume.persistentVolumeClaim.readOnly ?? false)
  } else if (ephemeral) {
    line('Type', 'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)')
    const claim = ephemeral.volumeClaimTemplate?.spec ?? {}
    line('StorageClass', claim.storageClassName)
    line('Access Modes', (claim.accessModes ?? []).join(','))
  } else if (volume.projected) projected(page, volume.projected)
  else if (volume.downwardAPI) {
    line('Type', 'DownwardAPI (a volume populated by information about the pod)')
    page.write(2, 'Items:\n')
    for (const item of volume.downwardAPI.items ?? [])
      page.write(3, `${item.fieldRef?.fieldPath ?? item.resourceFieldRef?.resource ?? ''} -> ${item.path}\n`)
  } else if (volume.nfs) {
    line('Type', 'NFS (an NFS mount that lasts the lifetime of a pod)')
    line('Server', volume.nfs.server)
    line('Path', volume.nfs.path)
    line('ReadOnly', volume.nfs.readOnly ?? false)
  } else if (volume.csi) {
    line('Type', 'CSI (a Container Storage Interface (CSI) volume source)')
    line('Driver', volume.csi.driver)
    line('FSType', volume.csi.fsType)
    line('ReadOnly', volume.csi.readOnly ?? false)
  } else page.write(1, '<unknown>\n')
}

function projected(page: Page, volume: NonNullable<Volume['projected']>): void {
  page.write(2, 'Type:\tProjected (a volume that contains injected data from multiple sources)\n')
  for (const one of volume.sources ?? []) {
    if (one.secret) {
      page.write(2, `SecretName:\t${one.secret.name}\n`)
      page.write(2, `Optional:\t${one.secret.optional ?? false}\n`)
    } else if (one.downwardAPI) page.write(2, 'DownwardAPI:\ttrue\n')
    else if (one.configMap) {
      page.write(2, `ConfigMapName:\t${one.configMap.name}\n`)
      page.write(2, `Optional:\t${one.configMap.optional ?? false}\n`)
    } else if (one.serviceAccountToken) page.write(2, `TokenExpirationSeconds:\t${one.serviceAccountToken.expirationSeconds ?? 3600}\n`)
  }
}
