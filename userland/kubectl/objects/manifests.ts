import { parseAllDocuments } from 'yaml'
import { resolvePath } from '../../../simulator/files.ts'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, Failures } from '../cli/failure.ts'
import type { Flag } from '../cli/flags.ts'
import { bool, list, text } from '../cli/flags.ts'
import type { Call } from '../cli/verb.ts'
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
  for (const name of call.flags.list('filename')) {
    const texts =
      name === '-'
        ? [['STDIN', await readAll(call.process.stdin, call.process.signal)]]
        : expand(call, name).map((path) => [path, call.process.files.readText(resolvePath(call.process.cwd, path))])
    for (const [source = '', text = ''] of texts) {
      try {
        found.push(...decode(text, source, validated))
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        failures.push(error)
      }
    }
  }
  if (gather) gather.push(...failures)
  else if (failures.length === 1) throw failures[0]
  else if (failures.length > 1) throw new Failures(failures)
  if (found.length === 0 && failures.length === 0 && call.flags.list('filename').length > 0)
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

function expand(call: Call, name: string): string[] {
  if (/^https?:\/\//.test(name))
    throw new Failure(`${quoted(name)}: manifests from URLs are not supported: there is no internet here. Save the file and use -f FILE`)
  const { flags } = call
  const { files, cwd } = call.process
  const path = resolvePath(cwd, name)
  if (!files.exists(path)) throw new Failure(`the path ${quoted(name)} does not exist`)
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

/** The objects in a text of YAML or JSON documents; Lists are opened. */
export function decode(text: string, source: string, validated = false): Manifest[] {
  const found: Manifest[] = []
  for (const value of parseDocuments(text, source)) {
    if (value === null || value === undefined) continue
    if (typeof value !== 'object' || Array.isArray(value)) {
      const type = Array.isArray(value) ? 'array' : typeof value
      throw new Failure(
        `error validating ${quoted(source)}: error validating data: invalid object to validate; if you choose to ignore these errors, turn validation off with --validate=false (found ${type})`,
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
      for (const item of object['items'] as KubeObject[]) found.push({ object: item, source })
    else found.push({ object, source })
  }
  return found
}

/** Every document as plain data, in YAML 1.1 as Kubernetes reads it. Throws with the parser's line. */
export function parseDocuments(text: string, source: string): unknown[] {
  const documents = parseAllDocuments(text, { version: '1.1', schema: 'core', merge: true, uniqueKeys: true, logLevel: 'silent' })
  if (!Array.isArray(documents)) return []
  return documents.map((document) => {
    const error = document.errors[0]
    if (error)
      throw new Failure(`error parsing ${source}: error converting YAML to JSON: yaml: ${yamlProblem(error.message, lineOf(error, text))}`)
    return document.toJS({ maxAliasCount: 100 })
  })
}

/** The line go-yaml names: where the second colon of a nested mapping stands, else where the parser stumbled. */
function lineOf(error: { pos: [number, number]; message: string }, text: string): number {
  const line = text.slice(0, error.pos[0]).split('\n').length
  if (!/Nested mappings|Implicit keys/.test(error.message)) return line
  const colons = text.split('\n').findIndex((one, at) => at >= line && /:(\s|$)/.test(one))
  return colons < 0 ? line : colons + 1
}

/** go-yaml's sentence for the common mistakes; the parser's own for the rest. Its line is counted as go-yaml counts, from what went before. */
function yamlProblem(message: string, line = 1): string {
  const first = message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message
  if (/tab/i.test(first)) return `line ${line}: found character that cannot start any token`
  if (/Nested mappings are not allowed|Implicit keys|Missing , or : between/.test(first))
    return `line ${line}: mapping values are not allowed in this context`
  if (/All mapping items must start at the same column|Implicit map keys need/.test(first)) return `line ${line}: did not find expected key`
  if (/All sequence items must start at the same column/.test(first)) return `line ${line}: did not find expected '-' indicator`
  if (/Missing closing/.test(first)) return `line ${line}: found unexpected end of stream`
  if (/Map keys must be unique/.test(first)) return `line ${line}: key already set in map`
  return `line ${line}: ${first}`
}
