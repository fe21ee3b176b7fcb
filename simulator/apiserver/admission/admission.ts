import type { KubeObject, ResourceName } from '../../kubernetes.ts'
import type { ResourceDefinition, StrategyContext } from '../../resources/definition.ts'
import type { UserInfo } from '../api.ts'

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly definition: ResourceDefinition
  readonly resource: ResourceName
  readonly subresource: string | undefined
  readonly namespace: string | undefined
  /** Empty for a create that leaves the name to `generateName`. */
  readonly name: string
  /** Absent for DELETE. */
  readonly object: KubeObject | undefined
  /** Absent for CREATE. */
  readonly previous: KubeObject | undefined
  readonly user: UserInfo
}

/** An admission plugin. Refuses by throwing a StatusError; `mutate` returns a new object (or the same) and never changes its argument. */
export interface Admission {
  readonly name: string
  mutate?(request: AdmissionRequest & { object: KubeObject }, context: StrategyContext): KubeObject
  validate?(request: AdmissionRequest, context: StrategyContext): void
}
