import type { KubeObject } from '../../../kubernetes.ts'
import type { PolicyPod } from '../../../network-policy/policy-pod.ts'
import { parseCidr } from '../../../resources/addresses.ts'
import type { InformerCache } from '../../informers.ts'
import { resources } from '../datastore.ts'
import { type CalicoPolicy, PolicyError, readCalicoPolicy, tierOf } from './calico-policy.ts'
import { type Found, LabelIndex } from './labelled.ts'
import type { CalicoPolicyObject, NetworkSetObject, TierObject } from './policy-objects.ts'
import { inherited, ownLabels } from './policy-selectors.ts'

interface Kept {
  readonly object: KubeObject
  /** Absent where Felix treats the object as missing. */
  readonly policy?: CalicoPolicy
  readonly target?: Found
}

export interface Tier {
  readonly name: string
  readonly order: number
  /** Whether somebody made it; policies of a tier that nobody made come last and end in a drop. */
  readonly valid: boolean
  /** What no policy of the tier decides goes on to the next. */
  readonly passes: boolean
}

/**
 * Calico's own policies and network sets as they come and go, with whom each is about. As long as there is no policy it looks at no pod.
 * `missing` hears of what cannot be read.
 */
export class CalicoPolicies {
  readonly labelled = new LabelIndex()
  readonly #kept = new Map<string, Kept>()
  readonly #cache: InformerCache
  readonly #pods: () => Iterable<PolicyPod>
  readonly #missing: (key: string, error: string) => void
  #awake = false

  constructor(cache: InformerCache, pods: () => Iterable<PolicyPod>, missing: (key: string, error: string) => void) {
    this.#cache = cache
    this.#pods = pods
    this.#missing = missing
  }

  get some(): boolean {
    return this.#kept.size > 0
  }

  begin(): void {
    for (const policy of this.#cache.list<CalicoPolicyObject>(resources.globalPolicies)) this.setPolicy(policy, 'GlobalNetworkPolicy')
    for (const policy of this.#cache.list<CalicoPolicyObject>(resources.policies)) this.setPolicy(policy, 'NetworkPolicy')
  }

  setPolicy(object: CalicoPolicyObject, kind: CalicoPolicy['kind'], gone = false): void {
    const { name = '', namespace } = object.metadata ?? {}
    const key = `${kind} ${namespace ?? ''}/${name}`
    const before = this.#kept.get(key)
    if (before?.target) this.labelled.release(before.target)
    this.#kept.delete(key)
    if (gone) return
    if (!this.#awake) this.#wake()
    try {
      const policy = readCalicoPolicy(object, kind)
      this.#kept.set(key, { object, ...(policy && { policy, target: this.labelled.take(policy.selector) }) })
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      this.#kept.set(key, { object })
      this.#missing(`Policy(tier=${tierOf(name)}, name=${namespace === undefined ? name : `${namespace}/${name}`})`, error.message)
    }
  }

  setPod(key: string, pod: PolicyPod | undefined): void {
    if (!this.#awake) return
    this.labelled.set(`pod ${key}`, pod && { key, labels: this.#labelsOf(pod), nets: pod.addresses, pod })
  }

  setNetworkSet(object: NetworkSetObject, gone = false): void {
    if (!this.#awake) return
    const { name = '', namespace } = object.metadata ?? {}
    const key = `set ${namespace ?? ''}/${name}`
    const nets = (object.spec?.nets ?? []).map((net) => (net.includes('/') ? net : `${net}/32`))
    const four = nets.filter((net) => parseCidr(net)?.family === 'IPv4').map((net) => net.replace(/\/32$/, ''))
    const labels: Record<string, string> = Object.assign(Object.create(null), object.metadata?.labels)
    if (namespace !== undefined) this.#inherit(labels, namespace)
    this.labelled.set(key, gone ? undefined : { key, labels, nets: four })
  }

  /** After a namespace's or a service account's labels changed: whatever inherits them is looked at again. */
  refresh(namespace: string): void {
    if (!this.#awake) return
    for (const pod of this.#pods()) if (pod.namespace === namespace) this.setPod(pod.key, pod)
    for (const set of this.#cache.list<NetworkSetObject>(resources.networkSets, { namespace })) this.setNetworkSet(set)
  }

  /** The policies that select a pod. */
  selecting(podKey: string): CalicoPolicy[] {
    if (!this.some) return []
    const thing = this.labelled.get(`pod ${podKey}`)
    if (!thing) return []
    return [...this.#kept.values()].flatMap(({ policy, target }) => (policy && target?.members.has(thing) ? policy : []))
  }

  tier(name: string): Tier {
    const object = this.#cache.find<TierObject>(resources.tiers, undefined, name)
    return {
      name,
      valid: object !== undefined,
      order: object?.spec?.order ?? Number.POSITIVE_INFINITY,
      passes: object?.spec?.defaultAction === 'Pass',
    }
  }

  #wake(): void {
    this.#awake = true
    for (const pod of this.#pods()) this.setPod(pod.key, pod)
    for (const kind of [resources.networkSets, resources.globalNetworkSets]) {
      for (const set of this.#cache.list<NetworkSetObject>(kind)) this.setNetworkSet(set)
    }
  }

  /** A pod's own labels, Calico's, and those of its profiles: its namespace's and its service account's. */
  #labelsOf(pod: PolicyPod): Record<string, string> {
    const labels: Record<string, string> = Object.assign(Object.create(null), pod.labels)
    labels[ownLabels.orchestrator] = 'k8s'
    labels[ownLabels.account] = pod.account
    this.#inherit(labels, pod.namespace)
    const account = this.#cache.find('serviceaccounts', pod.namespace, pod.account)
    for (const [key, value] of Object.entries(account?.metadata?.labels ?? {})) labels[inherited.account + key] = value
    if (account) labels[inherited.account + ownLabels.name] = pod.account
    return labels
  }

  #inherit(labels: Record<string, string>, namespace: string): void {
    labels[ownLabels.namespace] = namespace
    const object = this.#cache.find('namespaces', undefined, namespace)
    for (const [key, value] of Object.entries(object?.metadata?.labels ?? {})) labels[inherited.namespace + key] = value
    if (object) labels[inherited.namespace + ownLabels.name] = namespace
  }
}

/** Which tier comes first: those that exist, by order, then by name (felix/calc/policy_sorter.go). */
export function compareTiers(a: Tier, b: Tier): number {
  if (a.valid !== b.valid) return a.valid ? -1 : 1
  if (a.order !== b.order) return a.order < b.order ? -1 : 1
  return a.name < b.name ? -1 : 1
}
