import type { ProbeSource } from '../engines/engine.ts'

/** Objects that a check looks at: `Deployment prod/web`, `Pod prod/app=web`, `Pod prod/*`, `Node *`, `Widget.example.com/v1 prod/x`. */
export interface ObjectReference {
  readonly kind: string
  readonly apiVersion?: string
  readonly namespace?: string
  /** One object; undefined means a list. */
  readonly name?: string
  readonly selector?: string
}

export const objectForms = '`Kind namespace/name`, `Kind namespace/label=value`, `Kind namespace/*`, or for cluster-wide kinds `Kind name`'
export const sourceForms =
  '`workstation`, `node <name>`, `pod <namespace>/<name>` or `pod <namespace>/<label>=<value>`, with ` container <name>` after a pod'

const name = '[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?'
const objectPattern = new RegExp(`^([A-Z][A-Za-z]+)(?:\\.([a-z0-9.-]+/v[a-z0-9]+))? (?:(${name})/)?(\\S.*)$`)
const sourcePattern = new RegExp(`^pod (${name})/(\\S+?)(?: container (${name}))?$`)

/** undefined where the text is none of `objectForms`. */
export function parseObjectReference(text: string): ObjectReference | undefined {
  const [, kind, apiVersion, namespace, rest] = objectPattern.exec(text.trim()) ?? []
  if (kind === undefined || rest === undefined) return undefined
  const place = { kind, ...(apiVersion === undefined ? {} : { apiVersion }), ...(namespace === undefined ? {} : { namespace }) }
  if (rest === '*') return place
  if (isSelector(rest)) return { ...place, selector: rest }
  return new RegExp(`^${name}$`).test(rest) ? { ...place, name: rest } : undefined
}

/** undefined where the text is none of `sourceForms`. */
export function parseSource(text: string): ProbeSource | undefined {
  const trimmed = text.trim()
  if (trimmed === 'workstation') return { workstation: true }
  const node = new RegExp(`^node (${name})$`).exec(trimmed)?.[1]
  if (node !== undefined) return { node }
  const [, namespace, which, container] = sourcePattern.exec(trimmed) ?? []
  if (namespace === undefined || which === undefined) return undefined
  const found = isSelector(which) ? { selector: which } : { name: which }
  return { pod: { namespace, ...found, ...(container === undefined ? {} : { container }) } }
}

function isSelector(text: string): boolean {
  return /[=!,]| in | notin /.test(text)
}
