import type { GroupVersionKind } from '../../simulator/apiserver/openapi/schema.ts'
import type { ClientModel } from './client-models.ts'
import type { DocumentedType } from './typed-docs.ts'

/** Where a type stands in upstream's packages. */
export interface TypePlace {
  /** Folder of k8s.io/api, or `meta`: `core`. */
  readonly folder: string
  /** `v1` */
  readonly version: string
  /** `ServicePort` */
  readonly name: string
}

/** Folder of k8s.io/api → API group, where one is not `FOLDER.k8s.io`. */
const groups: Readonly<Record<string, string>> = {
  core: '',
  meta: '',
  apps: 'apps',
  autoscaling: 'autoscaling',
  batch: 'batch',
  policy: 'policy',
  rbac: 'rbac.authorization.k8s.io',
  flowcontrol: 'flowcontrol.apiserver.k8s.io',
  apiserverinternal: 'internal.apiserver.k8s.io',
}

/** The client's APIs that are called otherwise than their folder. */
const apiFolders: Readonly<Record<string, string>> = {
  RbacAuthorization: 'rbac',
  FlowcontrolApiserver: 'flowcontrol',
  InternalApiserver: 'apiserverinternal',
}

/** Types that several groups share and kubernetes-types is too old to know. */
const shared: Readonly<Record<string, string>> = { FieldSelectorRequirement: 'meta' }

export function groupVersionKind({ folder, version, name }: TypePlace): GroupVersionKind {
  return { group: groups[folder] ?? `${folder}.k8s.io`, version, kind: name }
}

export function schemaName({ folder, version, name }: TypePlace): string {
  switch (folder) {
    case 'meta':
      return `io.k8s.apimachinery.pkg.apis.meta.${version}.${name}`
    case 'apiextensions':
      return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${name}`
    case 'apiregistration':
      return `io.k8s.kube-aggregator.pkg.apis.apiregistration.${version}.${name}`
    default:
      return `io.k8s.api.${folder}.${version}.${name}`
  }
}

/**
 * The place of every class. A class that is named after its group (`RbacV1Subject`) says it itself; the others stand where kubernetes-types
 * has them, or, when they are younger, where the API that returns them or the class that holds them does. Throws where nothing tells.
 */
export function placesOf(
  models: readonly ClientModel[],
  documented: readonly DocumentedType[],
  apis: ReadonlyMap<string, string>,
): Map<string, TypePlace> {
  const known = new Map<string, DocumentedType[]>()
  for (const type of documented) {
    const key = `${type.place.slice(type.place.indexOf('/') + 1)} ${type.name}`
    known.set(key, [...(known.get(key) ?? []), type])
  }
  const named = new Set(models.map(({ name }) => name))
  const places = new Map<string, TypePlace>()
  const waiting: ClientModel[] = []
  for (const model of models) {
    const { prefix, version, name } = partsOf(model.name)
    const folders = (known.get(`${version} ${name}`) ?? []).map(({ place }) => place.slice(0, place.indexOf('/')))
    // The other one of two equal names carries its group in front.
    const own = folders.filter((folder) => !named.has(`${folder[0]!.toUpperCase()}${folder.slice(1)}${model.name}`))
    const folder = prefix ? prefix.toLowerCase() : (own[0] ?? shared[name] ?? folderOfApi(apis.get(model.name)))
    if (folder) places.set(model.name, { folder, version, name })
    else waiting.push(model)
  }
  const holders = new Map<string, string[]>()
  for (const { name, fields } of models) {
    for (const { type } of fields) {
      for (const [inner] of type.matchAll(/\b\w*V\d\w+/g)) holders.set(inner, [...(holders.get(inner) ?? []), name])
    }
  }
  for (let left = waiting; left.length > 0; ) {
    const still = left.filter((model) => {
      const { version, name } = partsOf(model.name)
      const holder = (holders.get(model.name) ?? []).map((one) => places.get(one)).find((place) => place !== undefined)
      if (holder) places.set(model.name, { folder: holder.folder, version, name })
      return !holder
    })
    if (still.length === left.length) throw new Error(`no group is known for ${still.map(({ name }) => name).join(', ')}`)
    left = still
  }
  return places
}

function partsOf(model: string): { prefix: string; version: string; name: string } {
  const [, prefix = '', version = '', name = ''] = /^([A-Z][a-z]+)??(V\d+(?:(?:alpha|beta)\d+)?)(\w+)$/.exec(model) ?? []
  return { prefix, version: version.toLowerCase(), name }
}

function folderOfApi(api: string | undefined): string | undefined {
  const group = api && /^(\w+?)V\d/.exec(api)?.[1]
  return group && (apiFolders[group] ?? group.toLowerCase())
}
