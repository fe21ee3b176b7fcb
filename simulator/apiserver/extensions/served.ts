import { sameJson } from '../../json.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { isTrue } from '../../resources/customresourcedefinition/conditions.ts'
import { customResourceDefinitionsName } from '../../resources/customresourcedefinition/definition.ts'
import type { CustomResourceDefinition, DefinitionSpec, Names, Version } from '../../resources/customresourcedefinition/types.ts'
import type { ResourceDefinition } from '../../resources/definition.ts'
import type { Store } from '../../store/store.ts'
import { customResource } from './custom-resource.ts'

const nothing: readonly ResourceDefinition[] = []
const byList = new WeakMap<readonly KubeObject[], readonly ResourceDefinition[]>()

/**
 * The kinds that the stored CustomResourceDefinitions make, storage version first, then as discovery orders versions. Made anew only when a
 * definition was written, and then only for that one; nothing is kept but what the store holds.
 */
export function customDefinitions(store: Store): readonly ResourceDefinition[] {
  const list = store.list(customResourceDefinitionsName)
  if (list.length === 0) return nothing
  let known = byList.get(list)
  if (!known) byList.set(list, (known = list.flatMap((object) => definitionsOf(object as CustomResourceDefinition))))
  return known
}

interface Made {
  readonly names: Partial<Names>
  readonly terminating: boolean
  readonly definitions: readonly ResourceDefinition[]
}

/** By spec, which outlives writes to the status. */
const bySpec = new WeakMap<DefinitionSpec, Made>()

function definitionsOf(definition: CustomResourceDefinition): readonly ResourceDefinition[] {
  if (!isTrue(definition, 'Established')) return nothing
  const { spec } = definition
  const names = definition.status?.acceptedNames ?? {}
  const terminating = isTrue(definition, 'Terminating')
  const known = bySpec.get(spec)
  if (known && known.terminating === terminating && sameJson(known.names, names)) return known.definitions
  const served = spec.versions.filter((version) => version.served).sort(byPriority)
  const definitions = served.map((version) => customResource(definition, version, terminating))
  bySpec.set(spec, { names, terminating, definitions })
  return definitions
}

function byPriority(a: Version, b: Version): number {
  if (a.storage !== b.storage) return a.storage ? -1 : 1
  return compareVersions(a.name, b.name)
}

/** apimachinery's version.CompareKubeAwareVersionStrings, best first: v10, v2, v1, v2beta1, v1beta2, v1alpha1, then other names by letter. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a)
  const right = parse(b)
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : 1
  for (const [index, part] of left.entries()) if (part !== right[index]) return right[index]! - part
  return 0
}

function parse(version: string): readonly number[] | undefined {
  const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? []
  if (major === undefined) return undefined
  return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor ?? 0)]
}
