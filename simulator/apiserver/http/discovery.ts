import type { ResourceDefinition } from '../../resources/definition.ts'
import type { RemoteGroup } from '../aggregation/aggregator.ts'
import { compareVersions } from '../extensions/served.ts'
import { defaultVerbs } from '../registry/definitions.ts'
import { unknownResource } from '../status.ts'

/** A kind that has no objects of its own: reviews, answered when they are created. */
export interface VirtualResource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
}

interface Entry {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly subresources: readonly { name: string; kind: string; group: string; version: string; verbs: readonly string[] }[]
}

/** kube-apiserver's order of groups (its API service priorities); what is not here follows by name. */
const groupOrder = [
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
]

export interface Discovery {
  /** `/api` (`legacy`) or `/apis`, as APIGroupDiscoveryList. */
  aggregated(version: string, legacy: boolean): unknown
  groups(): unknown
  /** Throws NotFound. */
  group(group: string): unknown
  resources(group: string, version: string): unknown
  groupVersions(): { group: string; version: string }[]
}

/** `remote` are other servers' groups: one that cannot be reached is named with nothing in it, and called stale. */
export function createDiscovery(
  definitions: readonly ResourceDefinition[],
  virtual: readonly VirtualResource[],
  remote: readonly RemoteGroup[] = [],
): Discovery {
  const entries = [
    ...definitions.map(entryOf),
    ...virtual.map((resource) => ({ ...resource, shortNames: [], categories: [], subresources: [] })),
    ...remote.flatMap(remoteEntries),
  ]
  entries.sort((a, b) => (a.plural < b.plural ? -1 : a.plural > b.plural ? 1 : 0))
  const names = [...new Set([...entries, ...remote].map((entry) => entry.group))].filter((name) => name !== '')
  const place = (name: string) => (groupOrder.includes(name) ? groupOrder.indexOf(name) : groupOrder.length)
  names.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
  const isStale = (group: string, version: string) => remote.some((one) => one.group === group && one.version === version && !one.resources)
  const versionsOf = (group: string) => {
    const versions = [...new Set([...entries, ...remote].filter((entry) => entry.group === group).map((entry) => entry.version))]
    // Versions of custom kinds all have one priority, so that their names decide.
    return place(group) === groupOrder.length ? versions.sort(compareVersions) : versions
  }

  function groupOf(name: string) {
    const versions = versionsOf(name).map((version) => ({ groupVersion: `${name}/${version}`, version }))
    if (versions.length === 0) throw unknownResource()
    return { name, versions, preferredVersion: versions[0] }
  }

  return {
    aggregated: (version, legacy) => ({
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: (legacy ? [''] : names).map((name) => ({
        metadata: { ...(name && { name }), creationTimestamp: null },
        versions: versionsOf(name).map((served) => ({
          version: served,
          freshness: isStale(name, served) ? 'Stale' : 'Current',
          resources: entries.filter((entry) => entry.group === name && entry.version === served).map(aggregatedResource),
        })),
      })),
    }),
    groups: () => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: names.map(groupOf) }),
    group: (name) => ({ kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name) }),
    resources: (group, version) => {
      const served = entries.filter((entry) => entry.group === group && entry.version === version)
      if (served.length === 0) throw unknownResource()
      return {
        kind: 'APIResourceList',
        ...(group && { apiVersion: 'v1' }),
        groupVersion: group ? `${group}/${version}` : version,
        resources: served.flatMap(legacyResources),
      }
    },
    groupVersions: () => ['', ...names].flatMap((group) => versionsOf(group).map((version) => ({ group, version }))),
  }
}

function remoteEntries({ group, version, resources = [] }: RemoteGroup): Entry[] {
  return resources.map(({ name, singularName = '', namespaced, kind, verbs, shortNames = [] }) => {
    return { group, version, plural: name, singular: singularName, kind, namespaced, verbs, shortNames, categories: [], subresources: [] }
  })
}

function entryOf(definition: ResourceDefinition): Entry {
  const { group, version, plural, singular, kind, namespaced } = definition
  const subresources = (definition.connects ?? []).map(({ name, kind, verbs, group: own, version: at }) => ({
    // Both spellings are understood: `log` and `pods/log`.
    name: name.slice(name.indexOf('/') + 1),
    kind,
    verbs,
    group: own ?? group,
    version: at ?? version,
  }))
  const announced = new Set(subresources.map(({ name }) => name))
  if (definition.status && !announced.has('status'))
    subresources.push({ name: 'status', kind, group, version, verbs: ['get', 'patch', 'update'] })
  if (definition.scale && !announced.has('scale')) {
    subresources.push({ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] })
  }
  subresources.sort((a, b) => (a.name < b.name ? -1 : 1))
  return {
    group,
    version,
    plural,
    singular,
    kind,
    namespaced,
    verbs: definition.verbs ?? defaultVerbs,
    shortNames: definition.shortNames ?? [],
    categories: definition.categories ?? [],
    subresources,
  }
}

function aggregatedResource(entry: Entry) {
  return {
    resource: entry.plural,
    responseKind: { group: entry.group, version: entry.version, kind: entry.kind },
    scope: entry.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: entry.singular,
    verbs: entry.verbs,
    ...(entry.shortNames.length > 0 && { shortNames: entry.shortNames }),
    ...(entry.categories.length > 0 && { categories: entry.categories }),
    ...(entry.subresources.length > 0 && {
      subresources: entry.subresources.map(({ name, kind, group, version, verbs }) => ({
        subresource: name,
        responseKind: { group, version, kind },
        verbs,
      })),
    }),
  }
}

function legacyResources(entry: Entry) {
  const main = {
    name: entry.plural,
    singularName: entry.singular,
    namespaced: entry.namespaced,
    kind: entry.kind,
    verbs: entry.verbs,
    ...(entry.shortNames.length > 0 && { shortNames: entry.shortNames }),
    ...(entry.categories.length > 0 && { categories: entry.categories }),
  }
  const below = entry.subresources.map(({ name, kind, group, version, verbs }) => ({
    name: `${entry.plural}/${name}`,
    singularName: '',
    namespaced: entry.namespaced,
    ...(group !== entry.group && { group, version }),
    kind,
    verbs,
  }))
  return [main, ...below]
}
