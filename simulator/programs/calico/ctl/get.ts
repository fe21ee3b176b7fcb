import { stringify } from 'yaml'
import type { BgpConfiguration } from '../bird/peers.ts'
import { resources } from '../datastore.ts'
import { CtlError, type Datastore } from './connection.ts'
import { type CtlResource, ctlResources, type Shown } from './ctl-resources.ts'
import { tabbed } from './tables.ts'

export interface GetOptions {
  readonly output: string
  readonly namespace: string | undefined
  readonly allNamespaces: boolean
}

/** `calicoctl get KIND [NAME…]`: what it prints. Throws CtlError. */
export async function get(datastore: Datastore, kind: string, names: readonly string[], options: GetOptions): Promise<string> {
  const resource = ctlResources.find((one) => one.names.includes(kind.toLowerCase()))
  if (!resource) throw new CtlError(`Failed to get resources: resource type '${kind}' is not supported`)
  const namespace = !resource.namespaced || options.allNamespaces ? undefined : (options.namespace ?? 'default')
  const all = (await resource.list(datastore, namespace)).sort(byPlace)
  const wanted = names.length === 0 ? all : names.map((name) => named(resource, all, name, namespace))
  switch (options.output) {
    case 'ps':
    case 'wide':
      return table(datastore, resource, wanted, options)
    case 'yaml':
    case 'yml':
      return stringify(document(resource, names, wanted), { sortMapEntries: true, lineWidth: 0, indentSeq: false, version: '1.1' })
    case 'json':
      return `${JSON.stringify(document(resource, names, wanted), null, 2)}\n`
    default:
      if (/^(go-template|go-template-file|custom-columns)(=|$)/.test(options.output)) {
        throw new CtlError(`the simulated calicoctl does not model --output=${options.output.split('=')[0]}`)
      }
      throw new CtlError(`unrecognized output format '${options.output}'`)
  }
}

async function table(datastore: Datastore, resource: CtlResource, objects: readonly Shown[], options: GetOptions): Promise<string> {
  const printNamespace = resource.namespaced && (options.allNamespaces || options.namespace !== undefined)
  const columns = [...(printNamespace ? ['NAMESPACE'] : []), ...(options.output === 'wide' ? resource.wide : resource.columns)]
  const as = columns.includes('ASN')
    ? (await datastore.find<BgpConfiguration>(resources.bgp, undefined, 'default'))?.spec?.asNumber
    : undefined
  const rows = objects.map((object) => {
    const cells = resource.cells(object, String(as ?? 64512))
    return columns.map((column) => cells[column] ?? '')
  })
  return `${tabbed([columns, ...rows])}\n`
}

function document({ kind }: CtlResource, names: readonly string[], objects: readonly Shown[]): unknown {
  if (names.length === 1) return objects[0]
  if (names.length > 1) return objects
  return { apiVersion: 'projectcalico.org/v3', items: objects, kind: `${kind}List`, metadata: {} }
}

function named({ kind, namespaced }: CtlResource, objects: readonly Shown[], name: string, namespace: string | undefined): Shown {
  const found = objects.find(({ metadata }) => metadata?.name === name || metadata?.name === name.replace(/^default\./, ''))
  if (found) return found
  const key = namespaced && namespace !== undefined ? `${kind}(${namespace}/${name})` : `${kind}(${name})`
  throw new CtlError(`Failed to get resources: resource does not exist: ${key}`)
}

function byPlace(a: Shown, b: Shown): number {
  const key = ({ metadata }: Shown) => `${metadata?.namespace ?? ''}/${metadata?.name}`
  return key(a) < key(b) ? -1 : 1
}
