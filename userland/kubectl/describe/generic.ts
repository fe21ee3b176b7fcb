import type { KubeObject } from '../../../simulator/kubernetes.ts'
import type { Describe } from './describe.ts'
import { eventsBlock } from './events.ts'
import type { Page } from './page.ts'
import { annotationsBlock, pairsBlock } from './page.ts'

/** Kinds without a layout of their own: every field, named in words; after kubectl's genericDescriber. */
export const describeGeneric: Describe<KubeObject> = async (object, page, around) => {
  page.write(0, `Name:\t${object.metadata?.name ?? ''}\n`)
  page.write(0, `Namespace:\t${object.metadata?.namespace ?? ''}\n`)
  pairsBlock(page, 'Labels', object.metadata?.labels as Record<string, string>)
  annotationsBlock(page, 'Annotations', object.metadata?.annotations as Record<string, string>)
  fields(page, 0, object as Record<string, unknown>, '')
  eventsBlock(page, await around.events(), around.now)
}

const said = new Set(['.metadata.managedFields', '.metadata.name', '.metadata.namespace', '.metadata.labels', '.metadata.annotations'])

function fields(page: Page, level: number, content: Record<string, unknown>, path: string): void {
  for (const name of Object.keys(content).sort()) {
    const here = `${path}.${name}`
    if (said.has(here)) continue
    const value = content[name]
    const title = label(name)
    if (Array.isArray(value)) {
      page.write(level, `${title}:\n`)
      for (const item of value) {
        if (item && typeof item === 'object' && !Array.isArray(item)) fields(page, level + 1, item as Record<string, unknown>, here)
        else page.write(level + 1, `${text(item)}\n`)
      }
    } else if (value && typeof value === 'object') {
      page.write(level, `${title}:\n`)
      fields(page, level + 1, value as Record<string, unknown>, here)
    } else page.write(level, `${title}:\t${text(value)}\n`)
  }
}

function text(value: unknown): string {
  return value === null || value === undefined ? '<nil>' : String(value)
}

const acronyms = new Set(['API', 'URL', 'UID', 'OSB', 'GUID'])

/** `podCIDR` to `Pod CIDR`, `apiVersion` to `API Version`; a name with a digit or a dot stays as it is (smartLabelFor). */
function label(name: string): string {
  if (/[^\p{L}-]/u.test(name)) return name
  const words = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]|[^A-Za-z0-9]+/g) ?? [name]
  return words
    .map((word) => (acronyms.has(word.toUpperCase()) ? word.toUpperCase() : (word[0] as string).toUpperCase() + word.slice(1)))
    .join(' ')
}
