import type { Document, YAMLParseError, YAMLWarning } from 'yaml'
import { parseAllDocuments, visit } from 'yaml'
import { resolvePath } from '../../../simulator/files.ts'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, Failures } from '../cli/failure.ts'
import type { Flag } from '../cli/flags.ts'
import { bool, list, text } from '../cli/flags.ts'
import type { Call } from '../cli/verb.ts'
import { dial } from '../client/client.ts'
import { compactJson } from '../print/json.ts'
import { quoted, readAll } from './text.ts'

/** An object from `-f`, with the name of where it came from. */
export interface Manifest {
  readonly object: KubeObject
  readonly source: string
}

export const filenameFlags: readonly Flag[] = [
  list('filename', 'Files or directories with the objects to use; `-` is standard input.', 'f'),
  text('kustomize', 'Refused: kustomize is not part of this kubectl.', 'k'),
  bool('recursive', 'Also read the directories below the ones given with -f.', 'R'),
]

/**
 * Reads `-f` of the call. Throws what kubectl says for missing paths, bad YAML and objects without a kind;
 * with `gather`, files that cannot be read are put there and the others are returned.
 */
export async function readManifests(call: Call, gather?: Error[]): Promise<Manifest[]> {
  refuseKustomize(call)
  const found: Manifest[] = []
  const failures: Failure[] = []
  const validated = call.flags.has('validate') && !['false', 'ignore'].includes(call.flags.text('validate'))
  const texts: [source: string, text: string][] = []
  const missing: Failure[] = []
  for (const name of call.flags.list('filename')) {
    try {
      texts.push(...(await textsOf(call, name)))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      missing.push(error)
    }
  }
  // Nothing is done where a path leads nowhere.
  if (missing.length > 0) throw missing.length === 1 ? missing[0] : new Failures(missing)
  for (const [source, text] of texts) {
    try {
      for (const manifest of decode(text, source, validated)) found.push(manifest)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      failures.push(error)
    }
  }
  if (gather) gather.push(...failures)
  else if (failures.length === 1) throw failures[0]
  else if (failures.length > 1) throw new Failures(failures)
  if (found.length === 0 && failures.length === 0 && call.flags.list('filename').length > 0 && call.path !== 'kubectl get')
    throw new Failure('no objects passed to ' + (call.path.split(' ')[1] ?? ''))
  return found
}

export function refuseKustomize(call: Call): void {
  if (!call.flags.has('kustomize') || !call.flags.text('kustomize')) return
  if (call.flags.list('filename').length > 0) throw new Failure('only one of -f or -k can be specified')
  throw new Failure('-k is not supported: kustomize is not part of this kubectl. Write the objects out and use -f')
}

export function hasFiles(call: Call): boolean {
  return call.flags.list('filename').length > 0 || (call.flags.has('kustomize') && call.flags.text('kustomize') !== '')
}

async function textsOf(call: Call, name: string): Promise<[string, string][]> {
  if (name === '-') return [['STDIN', await readAll(call.process.stdin, call.process.signal)]]
  if (/^https?:\/\//.test(name)) return [[name, await download(call, name)]]
  return expand(call, name).map((path) => [path, call.process.files.readText(resolvePath(call.process.cwd, path))])
}

const phrases: Record<number, string> = {
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}

/** A manifest from a server, as far as this network reaches one. Throws in cli-runtime's words. */
async function download(call: Call, url: string): Promise<string> {
  const address = new URL(url)
  const host = address.port || address.protocol !== 'https:' ? address.host : `${address.host}:443`
  if (address.protocol !== 'https:')
    throw new Failure(
      `${quoted(url)}: manifests over plain HTTP are not supported by this kubectl: use https:// or save the file and use -f FILE`,
    )
  const response = await dial(call.process, host, 30_000, false, () =>
    call.process.fetch(new Request(url, { signal: call.process.signal })),
  )
  if (response.status !== 200)
    throw new Failure(
      `unable to read URL ${quoted(url)}, server reported ${response.status} ${response.statusText || (phrases[response.status] ?? '')}, status code=${response.status}`,
    )
  return response.text()
}

function expand(call: Call, name: string): string[] {
  const { flags } = call
  const { files, cwd } = call.process
  const path = resolvePath(cwd, name)
  if (!files.exists(path)) {
    const matching = /[*?[]/.test(name) ? matches(call, name) : []
    if (matching.length > 0) return matching.flatMap((one) => expand(call, one))
    throw new Failure(`the path ${quoted(name)} does not exist`)
  }
  if (!files.stat(path).directory) return [name]
  const inside: string[] = []
  const walk = (folder: string) => {
    for (const entry of files.list(resolvePath(cwd, folder))) {
      const child = folder === '.' ? entry.name : `${folder.replace(/^\.\/|\/$/g, '')}/${entry.name}`
      if (entry.directory) {
        if (flags.bool('recursive')) walk(child)
      } else if (/\.(json|yaml|yml)$/.test(entry.name)) inside.push(child)
    }
  }
  walk(name)
  if (inside.length === 0) throw new Failure(`error reading [${name}]: recognized file extensions are [.json .yaml .yml]`)
  return inside
}

/** The paths that a pattern stands for, in order; after filepath.Glob. */
function matches(call: Call, pattern: string): string[] {
  const { files, cwd } = call.process
  let found = [pattern.startsWith('/') ? '/' : '']
  for (const part of pattern.split('/').filter(Boolean)) {
    const expression = new RegExp(
      `^${part
        .replace(/[.+^${}()|\\]/g, '\\$&')
        .replaceAll('*', '[^/]*')
        .replaceAll('?', '[^/]')}$`,
    )
    const join = (folder: string, name: string) => (folder === '' || folder === '/' ? folder + name : `${folder}/${name}`)
    found = found.flatMap((folder) => {
      const at = resolvePath(cwd, folder || '.')
      if (!files.exists(at) || !files.stat(at).directory) return []
      return files
        .list(at)
        .filter((entry) => expression.test(entry.name))
        .map((entry) => join(folder, entry.name))
    })
  }
  return found.sort()
}

/** The objects in a text of YAML or JSON documents; Lists are opened. */
export function* decode(text: string, source: string, validated = false): Generator<Manifest> {
  for (const value of parseDocuments(text, source)) {
    if (value === null || value === undefined) continue
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw new Failure(
        `error validating ${quoted(source)}: error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false`,
      )
    }
    const object = value as KubeObject
    const missing = [...(object.apiVersion ? [] : ['apiVersion not set']), ...(object.kind ? [] : ['kind not set'])]
    if (validated && missing.length > 0) {
      const problem = missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`
      throw new Failure(
        `error validating ${quoted(source)}: error validating data: ${problem}; if you choose to ignore these errors, turn validation off with --validate=false`,
      )
    }
    if (!object.kind) throw new Failure(`unable to decode ${quoted(source)}: Object 'Kind' is missing in '${compactJson(object)}'`)
    if (!object.apiVersion)
      throw new Failure(`unable to decode ${quoted(source)}: Object 'apiVersion' is missing in '${compactJson(object)}'`)
    if (object.kind === 'List' && Array.isArray(object['items']))
      for (const item of object['items'] as KubeObject[]) yield { object: item, source }
    else yield { object, source }
  }
}

/** Tags of YAML 1.1 that go-yaml does not give to plain scalars, or that become no JSON: `yes` is a bool here and 0644 is octal, `1:30` is text. */
const unread = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`))

/** Every document as plain data: JSON where the text begins as JSON does, else YAML 1.1 as Kubernetes reads it. Throws with the parser's line. */
export function* parseDocuments(text: string, source: string): Generator<unknown> {
  if (/^\s*\{/.test(text)) {
    const values = jsonValues(text)
    if (values) return yield* values
  }
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || (!unread.has(tag.tag) && tag.format !== 'TIME')),
    merge: true,
    uniqueKeys: true,
    logLevel: 'silent',
  })
  const wrong = (problem: string) => new Failure(`error parsing ${source}: error converting YAML to JSON: yaml: ${problem}`)
  const mistake = ({ errors, warnings }: Pick<Document, 'errors' | 'warnings'>) =>
    errors[0] ?? warnings.find((one) => one.code === 'BAD_DIRECTIVE')
  if ('empty' in documents) {
    const error = mistake(documents)
    if (error) throw wrong(yamlProblem(error, text))
    return
  }
  for (const document of documents) {
    const error = mistake(document)
    if (error) throw wrong(yamlProblem(error, text))
    const unknown = unresolvedAlias(document)
    if (unknown !== undefined) throw wrong(`unknown anchor '${unknown}' referenced`)
    yield document.toJS({ maxAliasCount: 100 })
  }
}

/** JSON values one after the other; undefined where the text is not all JSON. */
function jsonValues(text: string): unknown[] | undefined {
  const values: unknown[] = []
  let start = 0
  let depth = 0
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (match[0] === '{') depth++
    if (match[0] !== '}' || --depth > 0) continue
    const end = match.index + 1
    try {
      values.push(JSON.parse(text.slice(start, end)))
    } catch {
      return undefined // YAML in braces, or a mistake that the YAML parser names
    }
    start = end
  }
  return text.slice(start).trim() === '' ? values : undefined
}

function unresolvedAlias(document: Document): string | undefined {
  const anchors = new Set<string>()
  let unknown: string | undefined
  visit(document, {
    Value(_, node) {
      if (node.anchor) anchors.add(node.anchor)
    },
    Alias(_, node) {
      if (!anchors.has(node.source)) unknown ??= node.source
    },
  })
  return unknown
}

interface Problem {
  readonly says: string
  /** The scanner counts lines from one, the parser from nought. */
  readonly scanner: boolean
  readonly line: number
}

/** go-yaml's sentence for a mistake, with the line that its `fail` finds: none where it is the first. */
function yamlProblem(error: YAMLParseError | YAMLWarning, text: string): string {
  const { says, scanner, line } = problemOf(error, text)
  const shown = line === 0 ? 0 : line + (scanner ? 1 : 0)
  return shown === 0 ? says : `line ${shown}: ${says}`
}

/** `line` counts from nought. */
function problemOf(error: YAMLParseError | YAMLWarning, text: string): Problem {
  const message = error.message.split('\n')[0] ?? ''
  const line = text.slice(0, error.pos[0]).split('\n').length - 1
  const last = text.split('\n').length - 1
  const lines = text.split('\n')
  if (error.code === 'TAB_AS_INDENT') return { says: 'found a tab character that violates indentation', scanner: true, line }
  if (/Nested mappings are not allowed|Missing , or : between/.test(message)) {
    // The second colon of the line itself, or the first of a line that goes on with a scalar.
    const further = lines.findIndex((one, at) => at > line && /:(\s|$)/.test(one))
    const here = /:\s.*:(\s|$)/.test(lines[line] ?? '') || further < 0
    return { says: 'mapping values are not allowed in this context', scanner: true, line: here ? line : further }
  }
  if (/Implicit keys need to be on a single line/.test(message))
    return { says: "could not find expected ':'", scanner: true, line: line + 1 }
  if (error.code === 'BAD_SCALAR_START' || /reserved character/.test(message))
    return { says: 'found character that cannot start any token', scanner: true, line }
  if (error.code === 'BAD_DQ_ESCAPE') return { says: 'found unknown escape character', scanner: true, line }
  if (error.code === 'BAD_ALIAS') return { says: 'did not find expected alphabetic or numeric character', scanner: true, line }
  if (error.code === 'BAD_DIRECTIVE') return { says: 'found unknown directive name', scanner: true, line }
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^\s*(?:- )?["']?([^"':]+)/.exec(lines[line] ?? '')?.[1] ?? ''
    return { says: `mapping key ${quoted(key)} already defined`, scanner: false, line }
  }
  const flow = /^Flow (map|sequence)/.exec(message)
  if (flow) return { says: `did not find expected ',' or '${flow[1] === 'map' ? '}' : ']'}'`, scanner: false, line: last }
  if (/Missing closing .*quote/.test(message)) return { says: 'found unexpected end of stream', scanner: true, line: last }
  if (
    /All sequence items must start|Sequence item without/.test(message) ||
    /All mapping items|Implicit map keys need|Unexpected/.test(message)
  ) {
    if (/Implicit map keys need/.test(message) && !/:(\s|$)/.test(lines[line] ?? ''))
      return { says: "could not find expected ':'", scanner: true, line: line + 1 }
    return {
      says: /All sequence items/.test(message) ? "did not find expected '-' indicator" : 'did not find expected key',
      scanner: false,
      line,
    }
  }
  return { says: message.replace(/ at line \d+, column \d+:?$/, ''), scanner: true, line }
}
