import { Failure, PlainFailure } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { type Discovery, findType, fullName, type ResourceType } from '../client/discovery.ts'
import { explained } from '../explain/plaintext.ts'
import { explainedV2, lookUp } from '../explain/plaintext-v2.ts'
import { type Gvk, type Schema, type Schemas, schemaOf } from '../explain/schema.ts'

export const explainVerb: Verb = {
  name: 'explain',
  about: 'Get documentation for a resource',
  more: "Prints what the server's OpenAPI says of a type or of one of its fields.",
  examples: ['kubectl explain pods', 'kubectl explain pods.spec.containers', 'kubectl explain networkpolicy --recursive'],
  usage: 'TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2] [options]',
  flags: [
    text('api-version', 'Version to explain: apps/v1.'),
    text('output', 'plaintext, plaintext-openapiv2.', 'o', 'plaintext'),
    bool('recursive', 'Show the fields of fields.'),
  ],
  run,
}

/** What is to be explained: a resource in a version, which the server need not have, and the way to a field. */
interface Subject {
  readonly type: ResourceType
  readonly group: string
  readonly version: string
  readonly path: readonly string[]
}

async function run(call: Call): Promise<undefined> {
  const [word, ...more] = call.args
  if (!word)
    throw new Failure(
      'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n',
    )
  if (more.length > 0) throw new Failure('We accept only this format: explain RESOURCE\n')
  const subject = subjectOf(await call.discovery(), word, call.flags.text('api-version'))
  const format = call.flags.text('output')
  if (format === 'plaintext-openapiv2') return explainV2(call, subject)
  const document = await documentOf(call, subject)
  if (format !== 'plaintext') throw new Failure(`unrecognized format: ${format}`)
  const gvk = kindOf(document, subject)
  if (!gvk) throw new Failure(`GVR (${resourceText(subject)}) not found in OpenAPI schema`)
  await call.out(`${gvk.group ? `GROUP:      ${gvk.group}\n` : ''}KIND:       ${gvk.kind}\nVERSION:    ${gvk.version}\n\n`)
  const schemas = document.components?.schemas ?? {}
  const root = schemaOf(schemas, gvk)
  if (!root) throw new Failure(`GVK map[group:${gvk.group} kind:${gvk.kind} version:${gvk.version}] not found in OpenAPI schema`)
  const body = explained(root, subject.path, schemas, call.flags.bool('recursive'))
  if (!body) throw new Failure(`field ${JSON.stringify(subject.path.at(-1))} does not exist`)
  await call.out(`${body}\n`)
  return undefined
}

/** `deployments.apps.spec.replicas`: a type by any of its names, or by plural and group; then field names. */
function subjectOf(discovery: Discovery, word: string, apiVersion: string): Subject {
  const [head = '', ...path] = word.split('.')
  const named = discovery.types.filter((type) => [type.plural, type.singular, type.kind.toLowerCase()].includes(head.toLowerCase()))
  const withGroup = apiVersion ? undefined : named.find((type) => type.group && word.startsWith(fullName(type)))
  const type = withGroup ?? findType(discovery, head)
  if (!type) throw new PlainFailure(`the server doesn't have a resource type ${JSON.stringify(head)}`)
  const fields = withGroup ? word.slice(fullName(withGroup).length).split('.').slice(1) : path
  if (fields.some((field) => /[[\]{}()*?@]/.test(field)))
    throw new Failure(`invalid jsonpath syntax, ${apiVersion ? 'all nodes must be field nodes' : 'first node must be field node'}`)
  const { group, version } = apiVersion ? groupVersion(apiVersion) : type
  return { type, group, version, path: fields.filter(Boolean) }
}

function groupVersion(text: string): { group: string; version: string } {
  const parts = text.split('/')
  if (parts.length > 2) throw new Failure(`unexpected GroupVersion string: ${text}`)
  const version = parts.pop() ?? ''
  return { group: parts[0] ?? '', version }
}

interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, { 'x-kubernetes-group-version-kind'?: Gvk } | undefined>>>>
  readonly components?: { readonly schemas?: Schemas }
}

function resourceText({ type, group, version }: Subject): string {
  return `${group}/${version}, Resource=${type.plural}`
}

async function documentOf(call: Call, subject: Subject): Promise<Document> {
  const index = await call.client().json('GET', '/openapi/v3')
  const { group, version } = subject
  const entry = index.paths?.[group ? `apis/${group}/${version}` : `api/${version}`]
  if (!entry) throw new Failure(`couldn't find resource for "${resourceText(subject)}"`)
  const { pathname, search } = new URL(entry.serverRelativeURL, 'http://server')
  return call.client().json('GET', pathname + search)
}

/** The kind that the paths of a resource speak of. */
function kindOf(document: Document, { type, group, version }: Subject): Gvk | undefined {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`
  const collections = [`${root}/${type.plural}`, `${root}/namespaces/{namespace}/${type.plural}`]
  for (const path of collections.flatMap((one) => [one, `${one}/{name}`])) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
      const gvk = document.paths?.[path]?.[method]?.['x-kubernetes-group-version-kind']
      if (gvk) return gvk
    }
  }
  return undefined
}

async function explainV2(call: Call, { type, group, version, path }: Subject): Promise<undefined> {
  const gvk = { group, version, kind: type.kind }
  const document = (await call.client().json('GET', '/openapi/v2')) as { definitions?: Record<string, Schema> }
  const schemas = document.definitions ?? {}
  const root = schemaOf(schemas, gvk)
  if (!root) throw new Failure(`couldn't find resource for "${group}/${version}, Kind=${type.kind}"`)
  const found = lookUp(root, path, schemas)
  if ('missing' in found) throw new Failure(`field ${JSON.stringify(found.missing)} does not exist`)
  await call.out(explainedV2(path.at(-1) ?? '', found, gvk, schemas, call.flags.bool('recursive')))
  return undefined
}
