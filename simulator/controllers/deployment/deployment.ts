import type { PodTemplateSpec } from 'kubernetes-types/core/v1'
import { StatusError } from '../../apiserver/api.ts'
import { sameJson } from '../../json.ts'
import {
  type Controller,
  type ControllerWorld,
  controllerReference,
  keyOf,
  recorderOf,
  splitKey,
  unhandled,
  usualRetries,
  watchOwned,
  workQueue,
  writeStatus,
} from '../controller.ts'
import { templateHash } from '../hash.ts'
import { claim, isTerminal, type PodObject, type ReplicaSetObject } from '../pods.ts'
import { deploymentStatus } from './conditions.ts'
import {
  availableOf,
  type DeploymentObject,
  desiredAnnotation,
  fenceposts,
  hashLabel,
  maxAnnotation,
  newReplicas,
  proportional,
  revisionAnnotation,
  revisionOf,
  shrinkOld,
  wantedOf,
} from './replicas.ts'

/** Rolls Deployments out through ReplicaSets. Follows upstream's pkg/controller/deployment. */
export const deploymentController: Controller = {
  name: 'deployment-controller',
  start(world) {
    const { api, clock } = world
    const queue = workQueue('deployment', clock, (key) => reconcile(world, key, queue.addAt), {
      retries: usualRetries,
      dropped: unhandled(world, 'deployment_controller.go:502', (_key, why) => why),
    })
    api.watch<DeploymentObject>('deployments.apps', ({ object }) => queue.add(keyOf(object)), { initial: world.fresh })
    watchOwned(world, 'replicasets.apps', 'Deployment', queue, ({ object }) => {
      if (object.metadata?.ownerReferences?.length) return
      for (const deployment of api.list('deployments.apps', { namespace: object.metadata?.namespace })) queue.add(keyOf(deployment))
    })
    // A Recreate rollout waits until the last old pod is gone.
    api.watch<PodObject>('pods', ({ type, object }) => {
      const owner = object.metadata?.ownerReferences?.find(({ controller }) => controller)
      if (type !== 'DELETED' || owner?.kind !== 'ReplicaSet') return
      const set = api.find<ReplicaSetObject>('replicasets.apps', object.metadata?.namespace, owner.name)
      const deployment = set?.metadata?.ownerReferences?.find(({ controller }) => controller)
      if (deployment?.kind === 'Deployment') queue.add(`${object.metadata?.namespace}/${deployment.name}`)
    })
  },
}

function reconcile(world: ControllerWorld, key: string, addAt: (key: string, at: number) => void): void {
  const { api, clock } = world
  const events = recorderOf(world, 'deployment-controller')
  const [namespace, name] = splitKey(key)
  const found = api.find<DeploymentObject>('deployments.apps', namespace, name)
  if (!found) return
  let deployment = found
  const owner = controllerReference(deployment, 'apps/v1', 'Deployment')
  let sets = claim<ReplicaSetObject>(api, 'replicasets.apps', namespace, deployment, owner, deployment.spec?.selector)
  let current = sets.find((set) => sameTemplate(set.spec?.template, deployment.spec?.template))
  if (deployment.metadata?.deletionTimestamp) return writeDeploymentStatus()

  const paused = deployment.spec?.paused ?? false
  if (!paused || current) syncRevision()

  const active = sets.filter((set) => wantedOf(set) > 0)
  if (paused || isScaling(deployment, active)) {
    resize()
  } else if (deployment.spec?.strategy?.type === 'Recreate') {
    recreate()
  } else {
    roll()
  }
  if (!paused && current) cleanUp()
  writeDeploymentStatus()

  function others(): ReplicaSetObject[] {
    return sets.filter((set) => set !== current)
  }

  /** The new ReplicaSet has the highest revision, and the Deployment carries it. */
  function syncRevision(): void {
    const newest = Math.max(0, ...others().map(revisionOf)) + 1
    if (current) {
      const revision = Math.max(newest, revisionOf(current))
      current = annotate(current, String(revision))
      setDeploymentRevision(String(revision))
    }
  }

  function annotate(set: ReplicaSetObject, revision: string): ReplicaSetObject {
    const annotations = { ...inherited(deployment), ...sizeAnnotations(deployment), [revisionAnnotation]: revision }
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0
    if (
      sameJson({ ...set.metadata?.annotations, ...annotations }, set.metadata?.annotations) &&
      (set.spec?.minReadySeconds ?? 0) === minReadySeconds
    )
      return set
    return replace(set, {
      ...set,
      metadata: { ...set.metadata, annotations: { ...set.metadata?.annotations, ...annotations } },
      spec: { ...set.spec, selector: set.spec?.selector ?? {}, ...(minReadySeconds ? { minReadySeconds } : {}) },
    })
  }

  function replace(before: ReplicaSetObject, after: ReplicaSetObject): ReplicaSetObject {
    const written = api.update<ReplicaSetObject>('replicasets.apps', after)
    sets = sets.map((set) => (set === before ? written : set))
    if (current === before) current = written
    return written
  }

  function setDeploymentRevision(revision: string): void {
    if (deployment.metadata?.annotations?.[revisionAnnotation] === revision) return
    deployment = api.update<DeploymentObject>('deployments.apps', {
      ...deployment,
      metadata: { ...deployment.metadata, annotations: { ...deployment.metadata?.annotations, [revisionAnnotation]: revision } },
    })
  }

  function makeCurrent(replicasFor: (set: ReplicaSetObject) => number): ReplicaSetObject {
    if (current) return current
    const revision = String(Math.max(0, ...sets.map(revisionOf)) + 1)
    const template = deployment.spec?.template ?? {}
    const hash = templateHash(template, deployment.status?.collisionCount ?? 0)
    const labels = { ...template.metadata?.labels, [hashLabel]: hash }
    const set: ReplicaSetObject = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        namespace,
        name: `${name}-${hash}`,
        labels,
        annotations: { ...inherited(deployment), ...sizeAnnotations(deployment), [revisionAnnotation]: revision },
        ownerReferences: [owner],
      },
      spec: {
        replicas: 0,
        ...(deployment.spec?.minReadySeconds ? { minReadySeconds: deployment.spec.minReadySeconds } : {}),
        selector: { ...deployment.spec?.selector, matchLabels: { ...deployment.spec?.selector?.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    }
    const replicas = replicasFor(set)
    try {
      current = api.create<ReplicaSetObject>('replicasets.apps', { ...set, spec: { ...set.spec!, replicas } })
    } catch (error) {
      if (error instanceof StatusError && error.reason === 'AlreadyExists') {
        const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
        api.updateStatus('deployments.apps', { ...deployment, status: { ...deployment.status, collisionCount } })
      }
      throw error
    }
    sets = [...sets, current]
    if (replicas > 0) scaledEvent('up', current, 0, replicas)
    setDeploymentRevision(revision)
    return current
  }

  function scale(set: ReplicaSetObject, to: number): void {
    const from = wantedOf(set)
    if (from === to) return
    replace(set, {
      ...set,
      metadata: { ...set.metadata, annotations: { ...set.metadata?.annotations, ...sizeAnnotations(deployment) } },
      spec: { ...set.spec!, replicas: to },
    })
    scaledEvent(to > from ? 'up' : 'down', set, from, to)
  }

  function scaledEvent(direction: 'up' | 'down', set: ReplicaSetObject, from: number, to: number): void {
    events.record(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${direction} replica set ${set.metadata?.name} from ${from} to ${to}`)
  }

  function resize(): void {
    const one = active.length === 1 ? active[0] : active.length === 0 ? current : undefined
    if (one) return scale(one, deployment.spec?.replicas ?? 1)
    if (current && availableOf(current) >= (deployment.spec?.replicas ?? 1)) {
      for (const set of others()) scale(set, 0)
      return
    }
    for (const { set, to } of proportional(deployment, active)) scale(set, to)
  }

  function recreate(): void {
    const old = others().filter((set) => wantedOf(set) > 0)
    for (const set of old) scale(set, 0)
    if (old.length > 0) return
    const uids = new Set(others().map((set) => set.metadata?.uid))
    const left = api
      .list<PodObject>('pods', { namespace })
      .some((pod) => !isTerminal(pod) && pod.metadata?.ownerReferences?.some(({ uid }) => uids.has(uid)))
    if (left) return
    const set = makeCurrent(() => deployment.spec?.replicas ?? 1)
    scale(set, deployment.spec?.replicas ?? 1)
  }

  function roll(): void {
    const set = makeCurrent((fresh) => newReplicas(deployment, [...sets, fresh], fresh))
    const size = newReplicas(deployment, sets, set)
    if (size !== wantedOf(set)) return scale(set, size)
    for (const { set: old, to } of shrinkOld(
      deployment,
      others().filter((other) => wantedOf(other) > 0),
      set,
    ))
      scale(old, to)
  }

  /** Old, empty ReplicaSets beyond the history limit go once the rollout is complete. */
  function cleanUp(): void {
    if (!current || availableOf(current) < (deployment.spec?.replicas ?? 1)) return
    const idle = others()
      .filter((set) => wantedOf(set) === 0 && (set.status?.replicas ?? 0) === 0 && !set.metadata?.deletionTimestamp)
      .sort((a, b) => revisionOf(a) - revisionOf(b))
    const surplus = idle.slice(0, Math.max(0, idle.length - (deployment.spec?.revisionHistoryLimit ?? 10)))
    for (const set of surplus) api.delete('replicasets.apps', namespace, set.metadata?.name ?? '')
  }

  function writeDeploymentStatus(): void {
    const fresh = api.find<DeploymentObject>('deployments.apps', namespace, name)
    if (!fresh) return
    const { status, checkAt } = deploymentStatus(fresh, sets, current, clock.now())
    writeStatus(api, 'deployments.apps', fresh, status)
    if (checkAt !== undefined) addAt(key, checkAt)
  }
}

/** A resize (not a rollout) is under way when an active set was made for another wanted number. */
function isScaling(deployment: DeploymentObject, active: readonly ReplicaSetObject[]): boolean {
  return active.some((set) => {
    const annotated = set.metadata?.annotations?.[desiredAnnotation]
    return annotated !== undefined && Number(annotated) !== (deployment.spec?.replicas ?? 1)
  })
}

function sizeAnnotations(deployment: DeploymentObject): Record<string, string> {
  const wanted = deployment.spec?.replicas ?? 1
  return { [desiredAnnotation]: String(wanted), [maxAnnotation]: String(wanted + fenceposts(deployment).surge) }
}

/** A Deployment's annotations go to its ReplicaSets, but for those that mean the Deployment itself. */
function inherited(deployment: DeploymentObject): Record<string, string> {
  const own = new Set([
    'kubectl.kubernetes.io/last-applied-configuration',
    revisionAnnotation,
    'deployment.kubernetes.io/revision-history',
    desiredAnnotation,
    maxAnnotation,
    'deprecated.deployment.rollback.to',
  ])
  return Object.fromEntries(Object.entries(deployment.metadata?.annotations ?? {}).filter(([name]) => !own.has(name)))
}

function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  const plain = (template: PodTemplateSpec | undefined) => {
    const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {}
    return { metadata: { ...template?.metadata, labels }, spec: template?.spec }
  }
  return sameJson(plain(a), plain(b))
}
