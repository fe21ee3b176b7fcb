import type { Node, NodeSelector, PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1'
import type { StorageClass } from 'kubernetes-types/storage/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { compareQuantities, parseQuantity, type Quantity } from '../../resources/quantity.ts'
import { matchesSelector } from '../../resources/selectors.ts'
import { termMatches } from '../placement.ts'

export type VolumeObject = PersistentVolume & KubeObject
export type ClaimObject = PersistentVolumeClaim & KubeObject
export type ClassObject = StorageClass & KubeObject

export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node'
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'
export const provisionerAnnotations = ['volume.beta.kubernetes.io/storage-provisioner', 'volume.kubernetes.io/storage-provisioner']

const none: Quantity = { nanos: 0n, format: 'BinarySI' }

export function sizeOf(amounts: unknown): Quantity {
  return parseQuantity((amounts as Record<string, string> | undefined)?.['storage'] ?? '0') ?? none
}

/** The class by its old annotation, or by its field. Empty: no class, on purpose. */
export function classOf(object: VolumeObject | ClaimObject): string {
  return object.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? object.spec?.storageClassName ?? ''
}

/** Whether the volume's claimRef means this claim; a reference made by hand may leave the UID out. */
export function isBoundTo(volume: VolumeObject, claim: ClaimObject): boolean {
  const reference = volume.spec?.claimRef
  if (!reference || reference.name !== claim.metadata?.name || reference.namespace !== claim.metadata?.namespace) return false
  return !reference.uid || reference.uid === claim.metadata?.uid
}

/** Why a volume cannot serve a claim that names it; undefined where it can (checkVolumeSatisfyClaim). */
export function mismatch(volume: VolumeObject, claim: ClaimObject): string | undefined {
  if (compareQuantities(sizeOf(volume.spec?.capacity), sizeOf(claim.spec?.resources?.requests)) < 0) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if ((volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) return 'incompatible volumeMode'
  if (!offersModes(volume, claim)) return 'incompatible accessMode'
  return undefined
}

function offersModes(volume: VolumeObject, claim: ClaimObject): boolean {
  return (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode))
}

export function reachableFrom(volume: VolumeObject, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required as NodeSelector | undefined
  return !required || required.nodeSelectorTerms.some((term) => termMatches(term, node))
}

/**
 * The volume that a claim gets: one that was made for it, else the smallest that is free and fits (FindMatchingVolume).
 * `reservedOnly` leaves it at the first kind, for claims that wait for a pod; with `node` the volume must be reachable from there.
 */
export function matchingVolume(
  claim: ClaimObject,
  volumes: readonly VolumeObject[],
  options: { reservedOnly?: boolean; node?: Node } = {},
): VolumeObject | undefined {
  let best: VolumeObject | undefined
  for (const volume of volumes) {
    if (volume.metadata?.deletionTimestamp) continue
    if ((volume.spec?.volumeMode ?? 'Filesystem') !== (claim.spec?.volumeMode ?? 'Filesystem')) continue
    if (compareQuantities(sizeOf(volume.spec?.capacity), sizeOf(claim.spec?.resources?.requests)) < 0) continue
    if (options.node && !reachableFrom(volume, options.node)) continue
    if (isBoundTo(volume, claim)) return volume
    if (options.reservedOnly || volume.spec?.claimRef || volume.status?.phase !== 'Available') continue
    if (claim.spec?.selector && !matchesSelector(claim.spec.selector, volume.metadata?.labels)) continue
    if (classOf(volume) !== classOf(claim) || !offersModes(volume, claim)) continue
    if (!best || compareQuantities(sizeOf(volume.spec?.capacity), sizeOf(best.spec?.capacity)) < 0) best = volume
  }
  return best
}
