import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1'
import type { Job } from 'kubernetes-types/batch/v1'
import type { Pod } from 'kubernetes-types/core/v1'
import { humanDuration, longMoment } from '../print/age.ts'
import type { Describe, Surroundings } from './describe.ts'
import { eventsBlock } from './events.ts'
import type { Page } from './page.ts'
import { annotationsBlock, pairsBlock, selectorText } from './page.ts'
import { describeTemplate } from './template.ts'

export const describeDeployment: Describe<Deployment> = async (deployment, page, around) => {
  const { metadata = {}, spec, status = {} } = deployment
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `CreationTimestamp:\t${longMoment(metadata.creationTimestamp)}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Selector:\t${selectorText(spec?.selector)}\n`)
  page.write(
    0,
    `Replicas:\t${spec?.replicas ?? 1} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable\n`,
  )
  page.write(0, `StrategyType:\t${spec?.strategy?.type ?? ''}\n`)
  page.write(0, `MinReadySeconds:\t${spec?.minReadySeconds ?? 0}\n`)
  const rolling = spec?.strategy?.rollingUpdate
  if (rolling) page.write(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge\n`)
  if (spec) describeTemplate(page, spec.template)
  if (status.conditions && status.conditions.length > 0) {
    page.write(0, 'Conditions:\n  Type\tStatus\tReason\n')
    page.write(1, '----\t------\t------\n')
    for (const one of status.conditions) page.write(1, `${one.type} \t${one.status}\t${one.reason ?? ''}\n`)
  }
  const sets = (await around.list<ReplicaSet>('replicasets.apps')).filter((set) =>
    set.metadata?.ownerReferences?.some((one) => one.controller && one.uid === metadata.uid),
  )
  const current = sets.find((set) => sameTemplate(set, deployment))
  const older = sets.filter((set) => set !== current)
  const named = (list: readonly ReplicaSet[]) =>
    list.length === 0
      ? '<none>'
      : list.map((set) => `${set.metadata?.name} (${set.status?.replicas ?? 0}/${set.spec?.replicas ?? 0} replicas created)`).join(', ')
  page.write(0, `OldReplicaSets:\t${named(older)}\n`)
  page.write(0, `NewReplicaSet:\t${named(current ? [current] : [])}\n`)
  eventsBlock(page, await around.events(), around.now)
}

/** The replica set of the deployment's own template, leaving aside the hash that tells replica sets apart. */
function sameTemplate(set: ReplicaSet, deployment: Deployment): boolean {
  const bare = (template: any) => {
    const { 'pod-template-hash': _, ...labels } = template?.metadata?.labels ?? {}
    return stable({ ...template, metadata: { ...template?.metadata, labels, creationTimestamp: null } })
  }
  return bare(set.spec?.template) === bare(deployment.spec?.template)
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_, one) =>
    one && typeof one === 'object' && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}

async function podCounts(around: Surroundings, uid: string | undefined, selector: unknown): Promise<{ text: string }> {
  const pods = (await around.list<Pod>('pods', selectorText(selector))).filter((pod) =>
    pod.metadata?.ownerReferences?.some((one) => one.controller && one.uid === uid),
  )
  const count = (phase: string) => pods.filter((pod) => pod.status?.phase === phase).length
  return { text: `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed` }
}

export const describeReplicaSet: Describe<ReplicaSet> = async ({ metadata = {}, spec, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `Selector:\t${selectorText(spec?.selector)}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  const owner = metadata.ownerReferences?.find((one) => one.controller)
  if (owner) page.write(0, `Controlled By:\t${owner.kind}/${owner.name}\n`)
  page.write(0, `Replicas:\t${status?.replicas ?? 0} current / ${spec?.replicas ?? 0} desired\n`)
  page.write(0, `Pods Status:\t${(await podCounts(around, metadata.uid, spec?.selector)).text}\n`)
  if (spec?.template) describeTemplate(page, spec.template)
  conditions(page, status?.conditions)
  eventsBlock(page, await around.events(), around.now)
}

function conditions(page: Page, list: readonly { type: string; status: string; reason?: string }[] | undefined): void {
  if (!list || list.length === 0) return
  page.write(0, 'Conditions:\n  Type\tStatus\tReason\n')
  page.write(1, '----\t------\t------\n')
  for (const one of list) page.write(1, `${one.type} \t${one.status}\t${one.reason ?? ''}\n`)
}

export const describeDaemonSet: Describe<DaemonSet> = async ({ metadata = {}, spec, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `Selector:\t${selectorText(spec?.selector)}\n`)
  const node = Object.entries(spec?.template.spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`)
  page.write(0, `Node-Selector:\t${node.sort().join(',') || '<none>'}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Desired Number of Nodes Scheduled: ${status?.desiredNumberScheduled ?? 0}\n`)
  page.write(0, `Current Number of Nodes Scheduled: ${status?.currentNumberScheduled ?? 0}\n`)
  page.write(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status?.updatedNumberScheduled ?? 0}\n`)
  page.write(0, `Number of Nodes Scheduled with Available Pods: ${status?.numberAvailable ?? 0}\n`)
  page.write(0, `Number of Nodes Misscheduled: ${status?.numberMisscheduled ?? 0}\n`)
  page.write(0, `Pods Status:\t${(await podCounts(around, metadata.uid, spec?.selector)).text}\n`)
  if (spec) describeTemplate(page, spec.template)
  eventsBlock(page, await around.events(), around.now)
}

export const describeStatefulSet: Describe<StatefulSet> = async ({ metadata = {}, spec, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `CreationTimestamp:\t${longMoment(metadata.creationTimestamp)}\n`)
  page.write(0, `Selector:\t${selectorText(spec?.selector)}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Replicas:\t${spec?.replicas ?? 1} desired | ${status?.replicas ?? 0} total\n`)
  page.write(0, `Update Strategy:\t${spec?.updateStrategy?.type ?? ''}\n`)
  const partition = spec?.updateStrategy?.rollingUpdate?.partition
  if (partition !== undefined) page.write(1, `Partition:\t${partition}\n`)
  page.write(0, `Pods Status:\t${(await podCounts(around, metadata.uid, spec?.selector)).text}\n`)
  if (spec) describeTemplate(page, spec.template)
  const claims = spec?.volumeClaimTemplates ?? []
  if (claims.length === 0) page.write(0, 'Volume Claims:\t<none>\n')
  else {
    page.write(0, 'Volume Claims:\n')
    for (const claim of claims) {
      page.write(1, `Name:\t${claim.metadata?.name}\n`)
      page.write(1, `StorageClass:\t${claim.spec?.storageClassName ?? ''}\n`)
      pairsBlock(page, '  Labels', claim.metadata?.labels)
      annotationsBlock(page, '  Annotations', claim.metadata?.annotations)
      page.write(1, `Capacity:\t${(claim.spec?.resources?.requests as Record<string, string> | undefined)?.['storage'] ?? '<default>'}\n`)
      page.write(1, `Access Modes:\t[${(claim.spec?.accessModes ?? []).join(' ')}]\n`)
    }
  }
  eventsBlock(page, await around.events(), around.now)
}

export const describeJob: Describe<Job> = async ({ metadata = {}, spec, status }, page, around) => {
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  page.write(0, `Selector:\t${selectorText(spec?.selector)}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  const owner = metadata.ownerReferences?.find((one) => one.controller)
  if (owner) page.write(0, `Controlled By:\t${owner.kind}/${owner.name}\n`)
  page.field(0, 'Parallelism', spec?.parallelism)
  page.write(0, `Completions:\t${spec?.completions ?? '<unset>'}\n`)
  const further = spec as { completionMode?: string; suspend?: boolean } | undefined
  page.field(0, 'Completion Mode', further?.completionMode)
  page.field(0, 'Suspend', further?.suspend)
  page.field(0, 'Backoff Limit', spec?.backoffLimit)
  page.field(0, 'TTL Seconds After Finished', spec?.ttlSecondsAfterFinished === undefined ? undefined : spec.ttlSecondsAfterFinished)
  if (status?.startTime) page.write(0, `Start Time:\t${longMoment(status.startTime)}\n`)
  if (status?.completionTime) page.write(0, `Completed At:\t${longMoment(status.completionTime)}\n`)
  if (status?.startTime && status.completionTime)
    page.write(0, `Duration:\t${humanDuration(Date.parse(status.completionTime) - Date.parse(status.startTime))}\n`)
  page.field(0, 'Active Deadline Seconds', spec?.activeDeadlineSeconds === undefined ? undefined : `${spec.activeDeadlineSeconds}s`)
  const ready = (status as { ready?: number } | undefined)?.ready
  if (ready === undefined)
    page.write(0, `Pods Statuses:\t${status?.active ?? 0} Active / ${status?.succeeded ?? 0} Succeeded / ${status?.failed ?? 0} Failed\n`)
  else
    page.write(
      0,
      `Pods Statuses:\t${status?.active ?? 0} Active (${ready} Ready) / ${status?.succeeded ?? 0} Succeeded / ${status?.failed ?? 0} Failed\n`,
    )
  if (spec) describeTemplate(page, spec.template)
  eventsBlock(page, await around.events(), around.now)
}

export const describeCronJob: Describe<any> = async ({ metadata = {}, spec = {}, status = {} }, page, around) => {
  const unset = (value: unknown, unit = '') => (value === undefined ? '<unset>' : `${value}${unit}`)
  page.write(0, `Name:\t${metadata.name}\n`)
  page.write(0, `Namespace:\t${metadata.namespace}\n`)
  pairsBlock(page, 'Labels', metadata.labels)
  annotationsBlock(page, 'Annotations', metadata.annotations)
  page.write(0, `Schedule:\t${spec.schedule}\n`)
  page.write(0, `Concurrency Policy:\t${spec.concurrencyPolicy ?? ''}\n`)
  page.write(0, `Suspend:\t${spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False'}\n`)
  page.write(0, `Successful Job History Limit:\t${unset(spec.successfulJobsHistoryLimit)}\n`)
  page.write(0, `Failed Job History Limit:\t${unset(spec.failedJobsHistoryLimit)}\n`)
  page.write(0, `Starting Deadline Seconds:\t${unset(spec.startingDeadlineSeconds, 's')}\n`)
  const job = spec.jobTemplate?.spec ?? {}
  page.write(0, `Selector:\t${job.selector ? selectorText(job.selector) : '<unset>'}\n`)
  page.write(0, `Parallelism:\t${unset(job.parallelism)}\n`)
  page.write(0, `Completions:\t${unset(job.completions)}\n`)
  if (job.activeDeadlineSeconds !== undefined) page.write(0, `Active Deadline Seconds:\t${job.activeDeadlineSeconds}s\n`)
  if (job.template) describeTemplate(page, job.template)
  page.write(0, `Last Schedule Time:\t${status.lastScheduleTime ? longMoment(status.lastScheduleTime) : '<unset>'}\n`)
  const active: any[] = status.active ?? []
  page.write(0, `Active Jobs:\t${active.length === 0 ? '<none>' : active.map((one) => one.name).join(', ')}\n`)
  eventsBlock(page, await around.events(), around.now)
}
