import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, Failures, StatusFailure } from '../cli/failure.ts'
import type { Flag } from '../cli/flags.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call } from '../cli/verb.ts'
import type { Discovery, ResourceType } from '../client/discovery.ts'
import { apiVersionOf, pathOf, resolveType, typeOfKind } from '../client/discovery.ts'
import type { Manifest } from './manifests.ts'
import { hasFiles, readManifests } from './manifests.ts'
import { quoted } from './text.ts'

/** What a command line names: one object, or (without a name) all of a type that the selectors let through. */
export interface Target {
  readonly type: ResourceType
  readonly namespace: string | undefined
  readonly name: string | undefined
  /** From `-f`: the object as the file has it, and the file. */
  readonly manifest?: Manifest
}

/** An object as the server has it. */
export interface Info {
  readonly type: ResourceType
  readonly namespace: string | undefined
  readonly name: string
  readonly object: KubeObject
  readonly manifest?: Manifest
}

export const selectorFlag: Flag = text('selector', 'Label selector: `a=b,c!=d,e in (f,g)`.', 'l')
export const fieldSelectorFlag: Flag = text('field-selector', 'Field selector: `status.phase=Running`.')
export const allNamespacesFlag: Flag = bool('all-namespaces', 'Look in every namespace.', 'A')

export interface TargetOptions {
  /** A type without a name means all of it. */
  readonly typeAlone?: boolean
  /** Take all objects of the types (`--all`). */
  readonly all?: boolean
  readonly selector?: string
  readonly fieldSelector?: string
  readonly allNamespaces?: boolean
  /** A single word is a name of this type (`kubectl exec web`). */
  readonly defaultType?: string
  /** What to say where nothing is named at all. */
  readonly nothing?: string
}

export const nothingNamed = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`

/** Reads arguments and `-f` into targets; after cli-runtime's resource.Builder. */
export async function namedTargets(call: Call, args: readonly string[], options: TargetOptions = {}): Promise<Target[]> {
  const fromFiles = call.flags.has('filename') && hasFiles(call)
  // A path that does not exist is reported first.
  if (fromFiles && args.length > 0 && !call.flags.text('kustomize')) await readManifests(call)
  if (fromFiles && args.length > 0)
    throw new Failure('when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well')
  if (fromFiles) return fileTargets(call)
  if (args.length === 0) throw new Failure(options.nothing ?? nothingNamed)
  const discovery = await call.discovery()
  return argumentTargets(discovery, args, options, options.allNamespaces ? undefined : call.namespace())
}

async function fileTargets(call: Call): Promise<Target[]> {
  const manifests = await readManifests(call)
  const discovery = await call.discovery()
  return manifests.map((manifest) => manifestTarget(call, discovery, manifest))
}

/** Where an object from a file belongs. Throws `no matches for kind` and the namespace mismatch. */
export function manifestTarget(call: Call, discovery: Discovery, manifest: Manifest): Target & { manifest: Manifest } {
  const { object, source } = manifest
  const type = typeOfKind(discovery, object.apiVersion ?? '', object.kind ?? '')
  const name = object.metadata?.name ?? ''
  const own = object.metadata?.namespace
  if (!type)
    throw new Failure(
      `resource mapping not found for name: ${quoted(name)} namespace: ${quoted(own ?? '')} from ${quoted(source)}: no matches for kind ${quoted(object.kind ?? '')} in version ${quoted(object.apiVersion ?? '')}\nensure CRDs are installed first`,
    )
  if (!type.namespaced) return { type, namespace: undefined, name, manifest }
  if (own && call.flags.changed('namespace') && own !== call.namespace())
    throw new Failure(
      `the namespace from the provided object ${quoted(own)} does not match the namespace ${quoted(call.namespace())}. You must pass '--namespace=${own}' to perform this operation.`,
    )
  return { type, namespace: own || call.namespace(), name, manifest }
}

function argumentTargets(discovery: Discovery, args: readonly string[], options: TargetOptions, namespace: string | undefined): Target[] {
  const selecting = options.all === true || !!options.selector || !!options.fieldSelector
  const target = (type: ResourceType, name: string | undefined): Target => {
    if (name !== undefined && type.namespaced && namespace === undefined)
      throw new Failure('a resource cannot be retrieved by name across all namespaces')
    return { type, namespace: type.namespaced ? namespace : undefined, name }
  }
  if (args.some((word) => word.includes('/'))) {
    const pairs = args.map((word) => slashed(word))
    if (options.all) throw new Failure('selectors and the all flag cannot be used when passing resource/name arguments')
    if (selecting) throw new Failure('selectors and the all flag cannot be used when passing resource/name arguments')
    return pairs.map(([type, name]) => target(resolveType(discovery, type), name))
  }
  if (options.defaultType && args.length === 1) return [target(resolveType(discovery, options.defaultType), args[0])]
  const [words = '', ...names] = args
  const types = expandTypes(discovery, words)
  if (names.length > 0) {
    if (options.selector || options.fieldSelector) throw new Failure('name cannot be provided when a selector is specified')
    if (options.all) throw new Failure("setting 'all' parameter but found a non empty selector. ")
    return types.flatMap((type) => names.map((name) => target(type, name)))
  }
  if (!options.typeAlone && !selecting) throw new Failure('resource(s) were provided, but no name was specified')
  return types.map((type) => target(type, undefined))
}

function slashed(word: string): [string, string] {
  const parts = word.split('/')
  if (parts.length === 1)
    throw new Failure(
      "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
    )
  if (parts.length > 2) throw new Failure('arguments in resource/name form may not have more than one slash')
  const [type = '', name = ''] = parts
  if (type === '' || name === '' || type.includes(','))
    throw new Failure('arguments in resource/name form must have a single resource and name')
  return [type, name]
}

/** `pods,svc` and `all` to types, each once. */
export function expandTypes(discovery: Discovery, words: string): ResourceType[] {
  const found: ResourceType[] = []
  const add = (type: ResourceType) => {
    if (!found.includes(type)) found.push(type)
  }
  if (words !== '' && words.split(',').every((one) => one === '')) throw new Failure('the server doesn\'t have a resource type ""')
  for (const word of words.split(',')) {
    const category = discovery.types.filter((type) => type.categories.includes(word))
    if (category.length > 0) {
      // One type may be served in several versions; the category means it once.
      const seen = new Set<string>()
      for (const type of category) if (!seen.has(`${type.plural}.${type.group}`) && seen.add(`${type.plural}.${type.group}`)) add(type)
    } else add(resolveType(discovery, word))
  }
  if (found.length === 0) throw new Failure('arguments must consist of a resource type and one or more names') // an empty word between commas
  return found
}

/** The objects behind the targets. Failures are gathered and thrown together after `each` has seen the rest. */
export async function visit(
  call: Call,
  targets: readonly Target[],
  options: TargetOptions,
  each: (info: Info) => Promise<void>,
): Promise<number> {
  const failures: Error[] = []
  let seen = 0
  for (const target of targets) {
    try {
      for await (const info of fetchTarget(call, target, options)) {
        seen++
        await each(info).catch((error: unknown) => {
          if (!(error instanceof Failure)) throw error
          failures.push(error)
        })
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      failures.push(error)
    }
  }
  throwAll(failures)
  return seen
}

/** Failures are gathered and thrown together after `each` has seen the rest. */
export async function eachOf(infos: readonly Info[], each: (info: Info) => Promise<void>): Promise<void> {
  const failures: Failure[] = []
  for (const info of infos) {
    await each(info).catch((error: unknown) => {
      if (!(error instanceof Failure)) throw error
      failures.push(error)
    })
  }
  throwAll(failures)
}

export function throwAll(failures: readonly Error[]): void {
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new Failures(failures)
}

export async function fetchInfos(call: Call, targets: readonly Target[], options: TargetOptions = {}): Promise<Info[]> {
  const infos: Info[] = []
  await visit(call, targets, options, async (info) => {
    infos.push(info)
  })
  return infos
}

export async function* fetchTarget(call: Call, target: Target, options: TargetOptions): AsyncGenerator<Info> {
  const { type, namespace, name, manifest } = target
  if (name !== undefined) {
    const object = await call.client().json<KubeObject>('GET', pathOf(type, namespace, name))
    yield { type, namespace, name, object, ...(manifest ? { manifest } : {}) }
    return
  }
  for await (const object of listObjects(call, type, namespace, options)) {
    yield { type, namespace: object.metadata?.namespace, name: object.metadata?.name ?? '', object }
  }
}

/** Lists in chunks of 500, with the kind that the list leaves out filled in. */
export async function* listObjects(
  call: Call,
  type: ResourceType,
  namespace: string | undefined,
  options: { selector?: string; fieldSelector?: string } = {},
): AsyncGenerator<KubeObject> {
  let more: string | undefined
  do {
    const query = { labelSelector: options.selector, fieldSelector: options.fieldSelector, limit: 500, continue: more }
    const page = await call
      .client()
      .json('GET', pathOf(type, namespace), { query })
      .catch((error: unknown) => {
        throw listFailure(error, type, options.selector, options.fieldSelector)
      })
    for (const item of page.items ?? []) yield { ...item, apiVersion: apiVersionOf(type), kind: type.kind }
    more = page.metadata?.continue || undefined
  } while (more)
}

/** A list that the server refuses as malformed or missing says what was looked for, as cli-runtime's resource.Selector does. */
export function listFailure(error: unknown, type: ResourceType, selector = '', fieldSelector = ''): unknown {
  if (!(error instanceof StatusFailure) || (error.status.code !== 400 && error.status.code !== 404)) return error
  const resource = `"${type.group}/${type.version}, Resource=${type.plural}"`
  const wanted =
    selector || fieldSelector
      ? `Unable to find ${resource} that match label selector ${JSON.stringify(selector)}, field selector ${JSON.stringify(fieldSelector)}`
      : `Unable to list ${resource}`
  return new StatusFailure({ ...error.status, message: `${wanted}: ${error.status.message}` })
}
