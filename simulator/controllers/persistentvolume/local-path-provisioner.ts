import type { KubeObject } from '../../kubernetes.ts'
import { type Controller, keyOf, recorderOf, splitKey, workQueue } from '../controller.ts'
import {
  bindCompleted,
  type ClaimObject,
  type ClassObject,
  classOf,
  provisionedBy,
  provisionerAnnotations,
  selectedNodeAnnotation,
  type VolumeObject,
} from './matching.ts'

const provisioner = 'rancher.io/local-path'
/** Where kind's configuration of the provisioner keeps volumes on a node. */
const root = '/var/local-path-provisioner'

/** The class that a kind cluster comes with. */
export function standardStorageClass(): KubeObject {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  }
}

/** Why a claim gets no volume, in the provisioner's words; undefined where it does. */
export function refusal(claim: ClaimObject, node: string | undefined): string | undefined {
  if (claim.spec?.selector) return 'claim.Spec.Selector is not supported'
  if (claim.spec?.accessModes?.some((mode) => mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod')) {
    return 'NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes'
  }
  return node ? undefined : 'configuration error, no node was specified'
}

/** The volume of a claim: a directory on the node that the claim was given to. */
export function volumeFor(claim: ClaimObject, storageClass: ClassObject, node: string): VolumeObject {
  const { namespace, name, uid, resourceVersion } = claim.metadata ?? {}
  const volumeName = `pvc-${uid}`
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: volumeName,
      annotations: { 'local.path.provisioner/selected-node': node, [provisionedBy]: provisioner },
    },
    spec: {
      accessModes: claim.spec?.accessModes,
      capacity: { storage: (claim.spec?.resources?.requests as unknown as Record<string, string>)?.['storage'] ?? '0' } as never,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      hostPath: { path: `${root}/${volumeName}_${namespace}_${name}`, type: 'DirectoryOrCreate' },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] },
      },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata?.name,
      volumeMode: claim.spec?.volumeMode ?? 'Filesystem',
    },
  }
}

/**
 * Makes and removes the volumes of rancher.io/local-path classes, as kind's local-path-provisioner does, without the helper pods with
 * which that makes and empties the directories.
 */
export const localPathProvisioner: Controller = {
  name: 'local-path-provisioner',
  start(world) {
    const { api, clock, fresh } = world
    const events = recorderOf(world, `${provisioner}_local-path-provisioner`)
    const claims = workQueue('local-path-claims', clock, provision)
    const volumes = workQueue('local-path-volumes', clock, remove)
    api.watch<ClaimObject>(
      'persistentvolumeclaims',
      ({ type, object }) => {
        if (type !== 'DELETED' && provisionerAnnotations.some((one) => object.metadata?.annotations?.[one] === provisioner)) {
          claims.add(keyOf(object))
        }
      },
      { initial: fresh },
    )
    api.watch<VolumeObject>(
      'persistentvolumes',
      ({ type, object }) => {
        if (type !== 'DELETED' && object.status?.phase === 'Released') volumes.add(keyOf(object))
      },
      { initial: fresh },
    )

    function provision(key: string): void {
      const [namespace, name] = splitKey(key)
      const claim = api.find<ClaimObject>('persistentvolumeclaims', namespace, name)
      if (!claim || claim.metadata?.deletionTimestamp || claim.metadata?.annotations?.[bindCompleted] || claim.spec?.volumeName) return
      const volumeName = `pvc-${claim.metadata?.uid}`
      if (api.find('persistentvolumes', undefined, volumeName)) return
      const storageClass = api.find<ClassObject>('storageclasses.storage.k8s.io', undefined, classOf(claim))
      if (storageClass?.provisioner !== provisioner) return
      const node = claim.metadata?.annotations?.[selectedNodeAnnotation]
      if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && !node) return
      events.record(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${key}"`)
      const why = refusal(claim, node)
      if (why) {
        const sentence = `failed to provision volume with StorageClass "${storageClass.metadata?.name}": ${why}`
        return events.record(claim, 'Warning', 'ProvisioningFailed', sentence)
      }
      api.create('persistentvolumes', volumeFor(claim, storageClass, node!))
      events.record(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volumeName}`)
    }

    function remove(name: string): void {
      const volume = api.find<VolumeObject>('persistentvolumes', undefined, name)
      if (volume?.status?.phase !== 'Released' || volume.metadata?.deletionTimestamp) return
      if (volume.metadata?.annotations?.[provisionedBy] !== provisioner || volume.spec?.persistentVolumeReclaimPolicy !== 'Delete') return
      api.delete('persistentvolumes', undefined, name)
    }
  },
}
