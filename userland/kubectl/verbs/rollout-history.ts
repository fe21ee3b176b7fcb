import type { ReplicaSet } from 'kubernetes-types/apps/v1'
import type { PodTemplateSpec } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import type { Call } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'
import { createPage } from '../describe/page.ts'
import { describeTemplate } from '../describe/template.ts'
import { sendPatch, writeQuery } from '../objects/change.ts'
import type { Info } from '../objects/targets.ts'
import { sameValue } from '../patch/strategic.ts'
import { alignRows } from '../print/tabwriter.ts'

interface Revision {
  readonly number: number
  readonly cause: string
  readonly template: PodTemplateSpec | undefined
  readonly object: any
}

const historied = new Set(['Deployment', 'DaemonSet', 'StatefulSet'])
const revisionAnnotation = 'deployment.kubernetes.io/revision'

/** `rollout history`: the table of revisions, or one revision's template. */
export async function historyText(call: Call, info: Info, revision: number): Promise<string> {
  const revisions = await revisionsOf(call, info)
  if (revision > 0) {
    const found = revisions.find((one) => one.number === revision)
    if (!found?.template) throw new Failure(`unable to find the specified revision`)
    const page = createPage(false)
    describeTemplate(page, found.template, found.cause)
    return page.text()
  }
  if (revisions.length === 0) return 'No rollout history found.'
  return alignRows([['REVISION', 'CHANGE-CAUSE'], ...revisions.map((one) => [String(one.number), one.cause || '<none>'])], {
    minimum: 0,
    padding: 2,
    remember: false,
  })
}

/** Each revision as an object, the oldest first: what `-o` prints. */
export async function historyObjects(call: Call, info: Info, revision: number): Promise<KubeObject[]> {
  const revisions = (await revisionsOf(call, info)).filter((one) => revision === 0 || one.number === revision)
  if (revisions.length === 0 && revision > 0) throw new Failure('unable to find the specified revision')
  return revisions.map(({ object, template }) =>
    info.type.kind === 'Deployment'
      ? { ...object, apiVersion: 'apps/v1', kind: 'ReplicaSet' }
      : { ...info.object, spec: { ...(info.object['spec'] as object), template } },
  )
}

async function revisionsOf(call: Call, info: Info): Promise<Revision[]> {
  const discovery = await call.discovery()
  const uid = info.object.metadata?.uid
  const owned = (object: any) => (object.metadata.ownerReferences ?? []).some((one: any) => one.controller && one.uid === uid)
  const cause = (object: any): string => object.metadata.annotations?.['kubernetes.io/change-cause'] ?? ''
  const list = async (word: string) => {
    const answer = await call.client().json('GET', pathOf(resolveType(discovery, word), info.namespace))
    return (answer.items as any[]).filter(owned)
  }
  const found =
    info.type.kind === 'Deployment'
      ? (await list('replicasets.apps')).map((set: ReplicaSet) => ({
          number: Number(set.metadata?.annotations?.[revisionAnnotation] ?? 0),
          cause: cause(set),
          template: set.spec?.template,
          object: set,
        }))
      : info.type.kind === 'DaemonSet' || info.type.kind === 'StatefulSet'
        ? (await list('controllerrevisions.apps')).map((one: any) => ({
            number: one.revision,
            cause: cause(one),
            template: one.data?.spec?.template,
            object: one,
          }))
        : undefined
  if (!found) throw new Failure(`no history viewer has been implemented for ${JSON.stringify(info.type.kind)}`)
  return found.sort((a, b) => a.number - b.number)
}

/** Goes back to a revision (0: the one before) and returns what to say. With `only`, the template to go back to instead. */
export async function undo(call: Call, info: Info, to: number, only: boolean): Promise<string> {
  if (to < 0) throw new Failure(`revision must be a positive integer: ${to}`)
  const spec = info.object['spec'] as any
  if (spec.paused) throw new Failure(`you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again`)
  if (!historied.has(info.type.kind)) throw new Failure(`no rollbacker has been implemented for ${JSON.stringify(info.type.kind)}`)
  const revisions = await revisionsOf(call, info)
  if (to === 0 && revisions.length <= 1 && info.type.kind !== 'Deployment') throw new Failure('no last revision to roll back to')
  if (revisions.length <= (to === 0 ? 1 : 0))
    throw new Failure(`no rollout history found for ${kindWord(info)} ${JSON.stringify(info.name)}`)
  const target = to === 0 ? revisions.at(-2) : revisions.find((one) => one.number === to)
  if (!target?.template) throw new Failure(`unable to find specified revision ${to} in history`)
  const template = withoutHash(target.template)
  if (only) {
    const page = createPage(false)
    describeTemplate(page, target.template, '')
    return page.text().trimEnd()
  }
  if (sameValue(template, withoutHash(spec.template)))
    return `skipped rollback (current template already matches revision ${target.number})`
  if (info.type.kind === 'Deployment') {
    const annotations = { ...kept(info.object), ...dropped(target.object.metadata.annotations ?? {}) }
    const patch = [
      { op: 'replace', path: '/spec/template', value: template },
      { op: 'replace', path: '/metadata/annotations', value: annotations },
    ]
    await sendPatch(call, info, 'json', patch)
  } else
    await call.client().json('PATCH', pathOf(info.type, info.namespace, info.name), {
      body: target.object.data,
      contentType: 'application/strategic-merge-patch+json',
      query: writeQuery(call),
    })
  return 'rolled back'
}

function kindWord(info: Info): string {
  return info.type.kind === 'Deployment' ? 'deployment' : info.type.kind === 'DaemonSet' ? 'daemon set' : 'statefulset'
}

/** The hash label belongs to the replica set, not to the template it was made from. */
function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { 'pod-template-hash': _, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { ...template.metadata, labels } }
}

const skipped = [
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  'deployment.kubernetes.io/revision-history',
].concat('deployment.kubernetes.io/desired-replicas', 'deployment.kubernetes.io/max-replicas', 'deprecated.deployment.rollback.to')

function kept(object: KubeObject): Record<string, string> {
  const annotations = (object.metadata?.annotations ?? {}) as Record<string, string>
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => skipped.includes(key)))
}

function dropped(annotations: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !skipped.includes(key)))
}
