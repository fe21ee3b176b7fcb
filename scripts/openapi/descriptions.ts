import type { ClientField } from './client-models.ts'

/** The text of a type: the client's words, with the line breaks of kubernetes-types where both say the same. */
export function typeText(client: string, documented: string | undefined): string {
  if (documented && (client === '' || bare(client) === bare(documented))) return documented
  return broken(client, documented ?? '')
}

/** Types whose comment the client library shows at every field that holds one, in place of the field's own. */
const intruders =
  /^(IntOrString is a type that|Quantity is a fixed-point|JSON represents any|JSONSchemaPropsOr\w+ represents|RawExtension is used|FieldsV1 stores a set|Time is a wrapper|MicroTime is version)/

/** The text of a field; empty where it has none of its own and the type speaks for it. */
export function fieldText({ description }: ClientField, documented: string | undefined): string {
  if (description === '' || intruders.test(description)) return documented ?? ''
  return typeText(description, documented)
}

function bare(text: string): string {
  return text.replaceAll(/\s+/g, '')
}

/**
 * The client library writes every line break as a space. It is one again where an older text of the same thing has it, and before a
 * bullet, where two spaces and more were an empty line or an indent; all else that was a break cannot be told from a space.
 */
function broken(text: string, documented: string): string {
  let known = text
  for (const [, gap = '', start = ''] of documented.matchAll(/(\n\s*)(\S[^\n]{0,15})/g)) {
    known = known.replace(`${' '.repeat(gap.length)}${start}`, `${gap}${start}`)
  }
  return known.replaceAll(/ ( +)(?=[*-] |\d+\. )/g, (_, spaces: string) => (spaces.length === 1 ? '\n\n' : `\n${spaces}`))
}
