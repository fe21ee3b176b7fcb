import type { ConfigMap, Namespace, PersistentVolumeClaim, Pod, Secret, ServiceAccount } from 'kubernetes-types/core/v1'
import { fromBase64 } from '../objects/text.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import { annotationsBlock, pairsBlock } from './page.ts'
import { limitRows, quotaRows, scopesBlock } from './policy.ts'

export const describeConfigMap: Describe<ConfigMap> = async ({ metadata = {}, data, binaryData }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, '\nData\n====\n')
  for (const key of Object.keys(data ?? {}).sort()) {
    page.write(0, `${key}:\n----\n`)
    page.write(0, `${data?.[key]}\n`)
    page.write(0, '\n')
  }
  page.write(0, '\nBinaryData\n====\n')
  for (const key of Object.keys(binaryData ?? {}).sort()) page.write(0, `${key}: ${fromBase64(binaryData?.[key] ?? '').length} bytes\n`)
  page.write(0, '\n')
  eventsBlock(page, await around.events(), around.now)
}

export const describeSecret: Describe<Secret> = async ({ metadata = {}, type, data }, page) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `\nType:\t${type ?? ''}\n`)
  page.write(0, '\nData\n====\n')
  for (const key of Object.keys(data ?? {}).sort()) {
    const bytes = fromBase64(data?.[key] ?? '')
    const shown = key === 'token' && type === 'kubernetes.io/service-account-token'
    page.write(0, shown ? `${key}:\t${new TextDecoder().decode(bytes)}\n` : `${key}:\t${bytes.length} bytes\n`)
  }
}

export const describeServiceAccount: Describe<ServiceAccount> = async ({ metadata = {}, imagePullSecrets }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  const list = (title: string, names: readonly (string | undefined)[]) => {
    if (names.length === 0) page.write(0, `${title}:\t<none>\n`)
    for (const [at, name] of names.entries()) page.write(0, `${at === 0 ? `${title}:` : ' '}\t${name}\n`)
  }
  list(
    'Image pull secrets',
    (imagePullSecrets ?? []).map((one) => one.name),
  )
  eventsBlock(page, await around.events(), around.now)
}

export const describeNamespace: Describe<Namespace> = async ({ metadata = {}, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Status:\t${status?.phase ?? ''}\n`)
  const conditions = status?.conditions ?? []
  if (conditions.length > 0) {
    page.write(0, 'Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n')
    page.write(1, '----\t------\t------------------\t------\t-------\n')
    for (const one of conditions)
      page.write(1, `${one.type} \t${one.status} \t${one.lastTransitionTime ?? ''} \t${one.reason ?? ''} \t${one.message ?? ''}\n`)
  }
  const quotas = await around.list<any>('resourcequotas', undefined, metadata.name)
  const known = await around.has('resourcequotas')
  if (known && quotas.length === 0) page.write(0, '\nNo resource quota.\n')
  else if (known) {
    page.write(0, '\nResource Quotas\n')
    for (const quota of quotas) {
      page.write(1, `Name:\t${quota.metadata.name}\n`)
      scopesBlock(page, 1, quota.spec?.scopes, '* ')
      page.write(1, 'Resource\tUsed\tHard\n')
      page.write(1, '--------\t---\t---\n')
      quotaRows(page, 1, quota.status)
    }
  }
  if (!(await around.has('limitranges'))) return
  const limits = await around.list<any>('limitranges', undefined, metadata.name)
  if (limits.length === 0) return page.write(0, '\nNo LimitRange resource.\n')
  page.write(0, '\nResource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n')
  page.write(0, ' ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n')
  limitRows(
    page,
    limits.flatMap((one) => one.spec.limits),
    ' ',
  )
}

const modes: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }

export function accessModesText(given: readonly string[] | undefined): string {
  return [...new Set(given ?? [])].map((mode) => modes[mode] ?? mode).join(',')
}

export const describeClaim: Describe<PersistentVolumeClaim> = async ({ metadata = {}, spec, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `StorageClass:\t${spec?.storageClassName ?? ''}\n`)
  page.write(0, metadata.deletionTimestamp ? 'Status:\tTerminating\n' : `Status:\t${status?.phase ?? ''}\n`)
  page.write(0, `Volume:\t${spec?.volumeName ?? ''}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Finalizers:\t[${(metadata.finalizers ?? []).join(' ')}]\n`)
  const bound = spec?.volumeName !== undefined
  page.write(0, `Capacity:\t${bound ? ((status?.capacity as Record<string, string> | undefined)?.['storage'] ?? '') : ''}\n`)
  page.write(0, `Access Modes:\t${bound ? accessModesText(status?.accessModes) : ''}\n`)
  page.field(0, 'VolumeMode', spec?.volumeMode)
  const pods = (await around.list<Pod>('pods')).filter((pod) =>
    pod.spec?.volumes?.some((one) => one.persistentVolumeClaim?.claimName === metadata.name),
  )
  page.write(0, 'Used By:\t')
  if (pods.length === 0) page.write(0, '<none>\n')
  for (const [at, pod] of pods.entries()) page.write(0, `${at === 0 ? '' : '\t'}${pod.metadata?.name}\n`)
  const conditions = status?.conditions ?? []
  if (conditions.length > 0) page.write(0, 'Conditions:\n  Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage\n')
  eventsBlock(page, await around.events(), around.now)
}
