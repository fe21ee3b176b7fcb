import type { DaemonSet, Deployment, StatefulSet } from 'kubernetes-types/apps/v1'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'

export interface RolloutState {
  /** A line, newline at the end. */
  readonly text: string
  readonly done: boolean
}

/** How far a rollout is; after kubectl's polymorphichelpers/rollout_status.go. Throws where it cannot end well. */
export function rolloutState(object: KubeObject, revision: number): RolloutState {
  if (object.kind === 'Deployment') return deploymentState(object as unknown as Deployment, revision)
  if (object.kind === 'DaemonSet') return daemonSetState(object as unknown as DaemonSet)
  if (object.kind === 'StatefulSet') return statefulSetState(object as unknown as StatefulSet)
  const group = object.apiVersion?.includes('/') ? `.${object.apiVersion.split('/')[0]}` : ''
  throw new Failure(`no status viewer has been implemented for ${object.kind}${group}`)
}

const waiting = (text: string): RolloutState => ({ text: `${text}\n`, done: false })
const done = (text: string): RolloutState => ({ text: `${text}\n`, done: true })

function deploymentState({ metadata, spec, status = {} }: Deployment, revision: number): RolloutState {
  const name = metadata?.name ?? ''
  if (revision > 0) {
    const now = Number(metadata?.annotations?.['deployment.kubernetes.io/revision'] ?? 0)
    if (now !== revision) throw new Failure(`desired revision (${revision}) is different from the running revision (${now})`)
  }
  if ((metadata?.generation ?? 0) > (status.observedGeneration ?? 0)) return waiting('Waiting for deployment spec update to be observed...')
  const progressing = status.conditions?.find((one) => one.type === 'Progressing')
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    throw new Failure(`deployment ${JSON.stringify(name)} exceeded its progress deadline`)
  const head = `Waiting for deployment ${JSON.stringify(name)} rollout to finish: `
  const [wanted, updated] = [spec?.replicas ?? 1, status.updatedReplicas ?? 0]
  if (updated < wanted) return waiting(`${head}${updated} out of ${wanted} new replicas have been updated...`)
  if ((status.replicas ?? 0) > updated) return waiting(`${head}${(status.replicas ?? 0) - updated} old replicas are pending termination...`)
  if ((status.availableReplicas ?? 0) < updated)
    return waiting(`${head}${status.availableReplicas ?? 0} of ${updated} updated replicas are available...`)
  return done(`deployment ${JSON.stringify(name)} successfully rolled out`)
}

function daemonSetState({ metadata, spec, status }: DaemonSet): RolloutState {
  const name = metadata?.name ?? ''
  if (spec?.updateStrategy?.type === 'OnDelete') throw new Failure('rollout status is only available for RollingUpdate strategy type')
  if ((metadata?.generation ?? 0) > (status?.observedGeneration ?? 0))
    return waiting('Waiting for daemon set spec update to be observed...')
  const head = `Waiting for daemon set ${JSON.stringify(name)} rollout to finish: `
  const wanted = status?.desiredNumberScheduled ?? 0
  if ((status?.updatedNumberScheduled ?? 0) < wanted)
    return waiting(`${head}${status?.updatedNumberScheduled ?? 0} out of ${wanted} new pods have been updated...`)
  if ((status?.numberAvailable ?? 0) < wanted)
    return waiting(`${head}${status?.numberAvailable ?? 0} of ${wanted} updated pods are available...`)
  return done(`daemon set ${JSON.stringify(name)} successfully rolled out`)
}

function statefulSetState({ metadata, spec, status }: StatefulSet): RolloutState {
  if (spec?.updateStrategy?.type === 'OnDelete') throw new Failure('rollout status is only available for RollingUpdate strategy type')
  if ((status?.observedGeneration ?? 0) === 0 || (metadata?.generation ?? 0) > (status?.observedGeneration ?? 0))
    return waiting('Waiting for statefulset spec update to be observed...')
  const wanted = spec?.replicas ?? 1
  if ((status?.readyReplicas ?? 0) < wanted) return waiting(`Waiting for ${wanted - (status?.readyReplicas ?? 0)} pods to be ready...`)
  const partition = spec?.updateStrategy?.rollingUpdate?.partition
  if (spec?.updateStrategy?.type === 'RollingUpdate' && partition !== undefined && spec.replicas !== undefined) {
    if ((status?.updatedReplicas ?? 0) < wanted - partition)
      return waiting(
        `Waiting for partitioned roll out to finish: ${status?.updatedReplicas ?? 0} out of ${wanted - partition} new pods have been updated...`,
      )
    return done(`partitioned roll out complete: ${status?.updatedReplicas ?? 0} new pods have been updated...`)
  }
  if (status?.updateRevision !== status?.currentRevision)
    return waiting(
      `waiting for statefulset rolling update to complete ${status?.updatedReplicas ?? 0} pods at revision ${status?.updateRevision}...`,
    )
  return done(`statefulset rolling update complete ${status?.currentReplicas ?? 0} pods at revision ${status?.currentRevision}...`)
}
