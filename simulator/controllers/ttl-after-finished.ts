import { type Controller, keyOf, splitKey, unhandled, workQueue } from './controller.ts'
import { isFinished, type JobObject } from './job-decisions.ts'

/** When a finished job may go, ms since the epoch; undefined where it stays. */
export function expiry(job: JobObject): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished
  if (seconds === undefined || !isFinished(job) || job.metadata?.deletionTimestamp) return undefined
  const end = job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True')
  return Date.parse((end?.lastTransitionTime as string | undefined) ?? '') + seconds * 1000
}

/** Deletes finished jobs after ttlSecondsAfterFinished. Follows upstream's pkg/controller/ttlafterfinished. */
export const ttlAfterFinishedController: Controller = {
  name: 'ttl-after-finished-controller',
  start(world) {
    const { api, clock, fresh } = world
    const queue = workQueue('ttl-after-finished', clock, reconcile, {
      retrying: unhandled(world, 'ttlafterfinished_controller.go:202', (key, why) => `error cleaning up Job ${key}, will retry: ${why}`),
    })
    api.watch<JobObject>(
      'jobs.batch',
      ({ type, object }) => {
        if (type !== 'DELETED' && expiry(object) !== undefined) queue.add(keyOf(object))
      },
      { initial: fresh },
    )

    function reconcile(key: string): void {
      const [namespace, name] = splitKey(key)
      const job = api.find<JobObject>('jobs.batch', namespace, name)
      const at = job && expiry(job)
      if (!job || at === undefined) return
      if (at > clock.now()) return queue.addAt(key, at)
      const uid = job.metadata?.uid
      api.delete('jobs.batch', namespace, name, { propagationPolicy: 'Foreground', ...(uid ? { preconditions: { uid } } : {}) })
    }
  },
}
