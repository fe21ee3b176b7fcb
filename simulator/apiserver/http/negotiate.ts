import { notAcceptable } from '../status.ts'

export type Form = 'object' | 'table' | 'partial' | 'partial-list'
export type DiscoveryForm = { readonly version: 'v2' | 'v2beta1' } | undefined

interface MediaType {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

function mediaTypes(accept: string | null): MediaType[] {
  if (!accept) return [{ type: '*/*', parameters: new Map() }]
  return accept.split(',').map((item) => {
    const [type, ...parameters] = item.split(';').map((part) => part.trim())
    return {
      type: type!.toLowerCase(),
      parameters: new Map(
        parameters.map((parameter) => {
          const at = parameter.indexOf('=')
          return [parameter.slice(0, at), parameter.slice(at + 1)]
        }),
      ),
    }
  })
}

const json = new Set(['application/json', '*/*', 'application/*'])
const forms: ReadonlyMap<string, Form> = new Map([
  ['Table', 'table'],
  ['PartialObjectMetadata', 'partial'],
  ['PartialObjectMetadataList', 'partial-list'],
])

/** How an answer is to look: the first of the client's wishes that can be met. Throws NotAcceptable. */
export function negotiate(accept: string | null): { form: Form; yaml: boolean; version: string } {
  for (const { type, parameters } of mediaTypes(accept)) {
    const yaml = type === 'application/yaml'
    if (!json.has(type) && !yaml) continue
    const as = parameters.get('as')
    if (as === undefined) return { form: 'object', yaml, version: 'v1' }
    const version = parameters.get('v')
    const form = forms.get(as)
    if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1') || !form) continue
    return { form, yaml, version }
  }
  throw notAcceptable('application/json, application/yaml')
}

/** Which version of aggregated discovery the client prefers, or undefined for the legacy lists. */
export function negotiateDiscovery(accept: string | null): DiscoveryForm {
  for (const { type, parameters } of mediaTypes(accept)) {
    if (!json.has(type)) continue
    if (parameters.get('as') === undefined) return undefined
    const version = parameters.get('v')
    if (parameters.get('g') !== 'apidiscovery.k8s.io' || parameters.get('as') !== 'APIGroupDiscoveryList') continue
    if (version === 'v2' || version === 'v2beta1') return { version }
  }
  throw notAcceptable('application/json')
}
