import type { KubeObject } from '../../kubernetes.ts'
import type { Schema } from '../schema/schema.ts'

/** apiextensions.k8s.io/v1, as far as the simulator looks into it. */
export interface CustomResourceDefinition extends KubeObject {
  readonly spec: DefinitionSpec
  readonly status?: DefinitionStatus
}

export interface DefinitionSpec {
  readonly group: string
  readonly scope: string
  readonly names: Names
  readonly versions: readonly Version[]
  readonly conversion?: { readonly strategy?: string; readonly webhook?: unknown }
  readonly preserveUnknownFields?: boolean
}

export interface Names {
  readonly plural: string
  readonly kind: string
  readonly singular?: string
  readonly listKind?: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

export interface Version {
  readonly name: string
  readonly served: boolean
  readonly storage: boolean
  readonly deprecated?: boolean
  readonly deprecationWarning?: string
  readonly schema?: { readonly openAPIV3Schema?: Schema }
  readonly subresources?: Subresources
  readonly additionalPrinterColumns?: readonly PrinterColumn[]
  readonly selectableFields?: readonly { readonly jsonPath: string }[]
}

export interface Subresources {
  readonly status?: object
  readonly scale?: ScalePaths
}

export interface ScalePaths {
  readonly specReplicasPath: string
  readonly statusReplicasPath: string
  readonly labelSelectorPath?: string
}

export interface PrinterColumn {
  readonly name: string
  readonly type: string
  readonly jsonPath: string
  readonly format?: string
  readonly description?: string
  readonly priority?: number
}

export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime?: string
}

export interface DefinitionStatus {
  readonly conditions?: readonly Condition[]
  readonly acceptedNames: Partial<Names>
  readonly storedVersions: readonly string[]
}

/** Holds a definition back until its instances are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

export function storageVersion(spec: DefinitionSpec): Version | undefined {
  return spec.versions.find(({ storage }) => storage)
}
