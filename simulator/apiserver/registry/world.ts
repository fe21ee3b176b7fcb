import type { Clock } from '../../clock.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { Random } from '../../random.ts'
import type { ResourceDefinition, StrategyContext } from '../../resources/definition.ts'
import type { Store } from '../../store/store.ts'
import type { Admission } from '../admission/admission.ts'
import type { UserInfo } from '../api.ts'
import type { ServiceAccountTokens } from '../authentication/service-account-tokens.ts'

/** What an API server stands on. All of its state is in `store` (and `random`), so any number of them may share one. */
export interface RegistryWorld {
  readonly store: Store
  readonly definitions: readonly ResourceDefinition[]
  readonly clock: Clock
  readonly random: Random
  /** `10.96.0.0/16` */
  readonly serviceCidr: string
  /** Absent: `defaultAdmission`. */
  readonly admission?: readonly Admission[]
  /** Absent: it issues no tokens. */
  readonly tokens?: ServiceAccountTokens
}

/** Who asks, and how a write is to be made. */
export interface RequestContext {
  readonly user: UserInfo
  readonly fieldManager?: string
  /** Everything is done but the writing. */
  readonly dryRun?: boolean
  /** What a patch made of the object, or an applied configuration, goes through this before it counts: decoding, for clients outside. */
  readonly decode?: (object: KubeObject) => KubeObject
}

export function strategyContext(world: RegistryWorld, list: StrategyContext['list']): StrategyContext {
  return {
    now: world.clock.now(),
    random: world.random,
    serviceCidr: world.serviceCidr,
    find: <T>(resource: string, namespace: string | undefined, name: string) => world.store.get(resource, namespace, name) as T | undefined,
    list,
  }
}
