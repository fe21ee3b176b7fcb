import type { OpenapiSchema } from '../apiserver/openapi/schema.ts'
import type { KubeObject, ResourceName } from '../kubernetes.ts'
import type { Random } from '../random.ts'
import type { Conversion } from './conversion.ts'
import type { Schema } from './schema/schema.ts'

/** One cause in an `Invalid` Status, as apimachinery's field.Error. `message` is the full sentence without the field's name. */
export interface FieldError {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound'
    | 'FieldValueTypeInvalid'
  /** `spec.ports[0].nodePort` */
  readonly field: string
  /** `Invalid value: 80: provided port is not in the valid range. …` */
  readonly message: string
}

/** What a strategy may look at and draw from. Read-only but for `random`. */
export interface StrategyContext {
  /** ms since the epoch. */
  readonly now: number
  readonly random: Random
  find<T extends KubeObject>(resource: ResourceName, namespace: string | undefined, name: string): T | undefined
  list<T extends KubeObject>(resource: ResourceName, namespace?: string): readonly T[]
  /** `10.96.0.0/16` */
  readonly serviceCidr: string
}

export interface Column<T> {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  /** `name`, or whatever a custom resource's column says. */
  readonly format?: string
  readonly description: string
  /** 0 always, more only in wide output. */
  readonly priority: number
  value(object: T, context: { now: number }): string | number | boolean | null
}

/** The scale subresource: where replicas and the selector stand. */
export interface ScaleMapping<T> {
  replicas(object: T): number
  statusReplicas(object: T): number
  /** In string form. */
  selector(object: T): string
  withReplicas(object: T, replicas: number): T
  /** Why an object has no scale to show: a custom resource without the field that its scale stands on. */
  missing?(object: T): string | undefined
}

/** What a CustomResourceDefinition says of one version of its kind, beyond what every kind has. */
export interface CustomKind {
  readonly schema: Schema
  readonly listKind: string
  /** apiVersion under which objects are stored, whatever version they are written in. */
  readonly storedAs: string
  /** The spec that this was made of: another one is another kind, which ends watches. */
  readonly source: object
  /** The definition is being deleted: nothing new is made. */
  readonly terminating: boolean
  /** Goes as a warning with every answer about a deprecated version. */
  readonly deprecation: string | undefined
  /** What the store holds, as this version shows it: pruned, with defaults, under its own apiVersion. The same object for the same object. */
  present(stored: KubeObject): KubeObject
}

/**
 * All that the generic registry needs to know of a kind. Every function is pure: it returns a new object and never changes its argument.
 * Order on create: `prepareForCreate`, `defaults`, `validate`. On update: `prepareForUpdate`, `defaults`, `validateUpdate`
 * (which includes what `validate` says). On a status update: `prepareForStatusUpdate`, then `validateStatusUpdate`.
 */
export interface ResourceDefinition<T extends KubeObject = any> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly namespaced: boolean
  /** Absent: create delete deletecollection get list patch update watch. */
  readonly verbs?: readonly string[]
  readonly status?: boolean
  readonly scale?: ScaleMapping<T>
  /** Further subresources to announce in discovery, with their kinds and verbs (`pods/log`, `pods/exec`). */
  readonly connects?: readonly {
    readonly name: string
    readonly kind: string
    readonly verbs: readonly string[]
    readonly group?: string
    readonly version?: string
  }[]
  defaults?(object: T, context: StrategyContext): T
  validate?(object: T, context: StrategyContext): FieldError[]
  validateUpdate?(object: T, previous: T, context: StrategyContext): FieldError[]
  /** Drops what a client may not set (status), allocates (clusterIP, nodePort). */
  prepareForCreate?(object: T, context: StrategyContext): T
  /** Keeps what a client may not change (status); the registry itself raises `metadata.generation` when `spec` changed. */
  prepareForUpdate?(object: T, previous: T, context: StrategyContext): T
  prepareForStatusUpdate?(object: T, previous: T, context: StrategyContext): T
  validateStatusUpdate?(object: T, previous: T, context: StrategyContext): FieldError[]
  /** What a first deletion marks the object with, `deletionTimestamp` included, for kinds whose deletion is not the usual one. */
  prepareForDelete?(object: T, context: { readonly now: number }): T
  /** In place of `validateUpdate` for a change through the `ephemeralcontainers` subresource. */
  validateEphemeralContainers?(object: T, previous: T, context: StrategyContext): FieldError[]
  /** The approval subresource of certificate requests. */
  readonly approval?: {
    prepare(object: T, previous: T, context: StrategyContext): T
    validate(object: T, previous: T, context: StrategyContext): FieldError[]
  }
  /** A deletion that names no policy leaves its dependents alone, as it did before there was a garbage collector. */
  readonly orphansDependents?: { readonly warning?: string }
  /** Seconds that a deletion waits for the kubelet (pods), given the request's own wish; absent or 0: removed at once. */
  gracePeriodSeconds?(object: T, requested: number | undefined): number
  /** Lines for `Warning` headers on create and update. */
  warnings?(object: T): string[]
  /** Extra field selectors beyond metadata.name and metadata.namespace: `{ 'spec.nodeName': … }`. */
  selectableFields?(object: T): Record<string, string>
  readonly columns: readonly Column<T>[]
  /**
   * The schema that OpenAPI publishes, in the form of v3, for kinds that are no types of Kubernetes (custom resources). It may refer to
   * Kubernetes' own schemas by name; the server adds the kind, and derives v2 from it. Absent: Kubernetes' own.
   */
  readonly openapi?: OpenapiSchema
  /** Absent for built-in kinds. */
  readonly custom?: CustomKind
  /** For versions of built-in kinds that are not the one that the store holds. They stand behind that one in the catalogue. */
  readonly conversion?: Conversion
}
