import type { Lease } from 'kubernetes-types/coordination/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import { type KubeObject, timestamp } from '../../kubernetes.ts'
import type { klog } from '../klog.ts'

type LeaseObject = Lease & KubeObject
const resource = 'leases.coordination.k8s.io'

/**
 * client-go's leader election over a Lease, without its renewals: whoever holds it is taken to renew as long as their pod runs. `isAlive` says
 * so. True: this one holds it. A refusal is logged and means no.
 */
export function acquireLease(
  api: Api,
  now: number,
  { namespace, name, identity, seconds }: { namespace: string; name: string; identity: string; seconds: number },
  isAlive: (identity: string) => boolean,
  log: ReturnType<typeof klog>,
): boolean {
  const at = `${timestamp(now).slice(0, -1)}.000000Z`
  const held = { holderIdentity: identity, leaseDurationSeconds: seconds, acquireTime: at, renewTime: at }
  try {
    const lease = api.find<LeaseObject>(resource, namespace, name)
    const holder = lease?.spec?.holderIdentity
    if (!lease) {
      const spec = { ...held, leaseTransitions: 0 }
      api.create<LeaseObject>(resource, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace },
        spec,
      } as LeaseObject)
    } else if (holder === identity) return true
    else if (holder && isAlive(holder)) return false
    else {
      const leaseTransitions = (lease.spec?.leaseTransitions ?? 0) + 1
      api.update<LeaseObject>(resource, { ...lease, spec: { ...lease.spec, ...held, leaseTransitions } } as LeaseObject)
    }
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    log('E', 'leaderelection.go:448', `"Error retrieving lease lock" err=${JSON.stringify(error.message)} lock="${namespace}/${name}"`)
    return false
  }
  log('I', 'leaderelection.go:271', `successfully acquired lease ${namespace}/${name}`)
  return true
}
