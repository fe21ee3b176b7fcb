import { Failure } from '../cli/failure.ts'
import type { Client } from './client.ts'

/** One resource type as the server announces it. */
export interface ResourceType {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly subresources: readonly string[]
}

/** What the server offers: types by group in the server's order, preferred version first. */
export interface Discovery {
  readonly types: readonly ResourceType[]
  readonly groups: readonly { readonly name: string; readonly versions: readonly string[] }[]
}

const aggregated = ['v2', 'v2beta1'].map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
const accept = [...aggregated, 'application/json'].join(',')

/** Aggregated discovery (KEP-3352) in two requests; group by group where the server does not speak it. */
export async function discover(client: Client): Promise<Discovery> {
  const [core, named] = await Promise.all([client.json('GET', '/api', { accept }), client.json('GET', '/apis', { accept })])
  if (core.kind === 'APIGroupDiscoveryList' && named.kind === 'APIGroupDiscoveryList')
    return fromAggregated([...core.items, ...named.items])
  return fromLegacy(client, core, named)
}

function fromAggregated(items: any[]): Discovery {
  const types: ResourceType[] = []
  const groups = items.map((item) => {
    const group: string = item.metadata?.name ?? ''
    // What another server serves that cannot be reached now is stale, and as good as absent to client-go.
    const versions = (item.versions ?? []).filter((version: any) => version.freshness !== 'Stale')
    for (const version of versions) {
      for (const resource of version.resources ?? []) {
        types.push({
          group,
          version: version.version,
          kind: resource.responseKind?.kind ?? '',
          plural: resource.resource,
          singular: resource.singularResource ?? '',
          shortNames: resource.shortNames ?? [],
          categories: resource.categories ?? [],
          namespaced: resource.scope === 'Namespaced',
          verbs: resource.verbs ?? [],
          subresources: (resource.subresources ?? []).map((one: any) => one.subresource),
        })
      }
    }
    return { name: group, versions: versions.map((version: any) => version.version as string) }
  })
  return { types, groups }
}

async function fromLegacy(client: Client, core: any, named: any): Promise<Discovery> {
  const groups = [
    { name: '', versions: core.versions ?? ['v1'] },
    ...(named.groups ?? []).map((group: any) => {
      const preferred = group.preferredVersion?.version
      const versions: string[] = group.versions.map((version: any) => version.version)
      return { name: group.name, versions: [...versions].sort((a, b) => Number(b === preferred) - Number(a === preferred)) }
    }),
  ]
  const lists = await Promise.all(
    groups.flatMap((group) =>
      group.versions.map(async (version: string) => {
        const path = group.name === '' ? `/api/${version}` : `/apis/${group.name}/${version}`
        return { group: group.name as string, version, list: await client.json('GET', path) }
      }),
    ),
  )
  const types = lists.flatMap(({ group, version, list }) => {
    const resources: any[] = list.resources ?? []
    return resources
      .filter((resource) => !resource.name.includes('/'))
      .map(
        (resource): ResourceType => ({
          group,
          version,
          kind: resource.kind,
          plural: resource.name,
          singular: resource.singularName ?? '',
          shortNames: resource.shortNames ?? [],
          categories: resource.categories ?? [],
          namespaced: resource.namespaced,
          verbs: resource.verbs ?? [],
          subresources: resources.flatMap((one) =>
            one.name.startsWith(`${resource.name}/`) ? [one.name.slice(resource.name.length + 1)] : [],
          ),
        }),
      )
  })
  return { types, groups }
}

/** `pods`, `deployments.apps`: how the server's messages and kubectl's own name a type. */
export function fullName(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`
}

/** `deployment.apps/web`, as `-o name` and every "created" line say it. */
export function namedObject(type: Pick<ResourceType, 'kind' | 'group'>, name: string): string {
  return `${type.kind.toLowerCase()}${type.group === '' ? '' : `.${type.group}`}/${name}`
}

/**
 * The type behind what a person typed: plural, singular, short name or kind, with `.group` or `.version.group`.
 * Throws `the server doesn't have a resource type …`.
 */
export function resolveType(discovery: Discovery, word: string): ResourceType {
  const found = findType(discovery, word)
  if (found) return found
  throw new Failure(`the server doesn't have a resource type "${word.toLowerCase().split('.')[0]}"`)
}

export function findType(discovery: Discovery, word: string): ResourceType | undefined {
  const [name = '', ...rest] = word.toLowerCase().split('.')
  const named = (type: ResourceType) => type.plural === name || type.singular === name
  const matches = (type: ResourceType) => named(type) || type.kind.toLowerCase() === name
  if (rest.length >= 2) {
    const [version, ...group] = rest
    const exact = discovery.types.find((type) => matches(type) && type.version === version && type.group === group.join('.'))
    if (exact) return exact
  }
  const group = rest.join('.')
  const inGroup = (type: ResourceType) => group === '' || type.group === group || type.group.startsWith(group)
  return (
    discovery.types.find((type) => named(type) && inGroup(type)) ??
    discovery.types.find((type) => type.shortNames.includes(name) && inGroup(type)) ??
    discovery.types.find((type) => matches(type) && inGroup(type)) ??
    // `Deployment.v1.apps` and `pods.v1`: a version where a group was read.
    (rest.length === 1 ? discovery.types.find((type) => matches(type) && type.version === rest[0] && type.group === '') : undefined)
  )
}

/** The type of an object in a manifest. Throws kubectl's `no matches for kind`, with the hint it gives about CRDs. */
export function typeOfKind(discovery: Discovery, apiVersion: string, kind: string): ResourceType | undefined {
  const slash = apiVersion.indexOf('/')
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
  return discovery.types.find((type) => type.kind === kind && type.group === group && type.version === version)
}

export function apiVersionOf(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`
}

/** `/api/v1/namespaces/default/pods/web/log` */
export function pathOf(type: ResourceType, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`
  const scope = type.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${root}${scope}/${type.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}${subresource ? `/${subresource}` : ''}`
}
