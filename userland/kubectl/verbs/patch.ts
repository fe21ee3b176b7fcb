import { resolvePath } from '../../../simulator/files.ts'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, StatusFailure } from '../cli/failure.ts'
import { bool, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { apiVersionOf, namedObject, pathOf } from '../client/discovery.ts'
import {
  createObject,
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  lastApplied,
  patchTypes,
  report,
  sendPatch,
  validateFlag,
  withLastApplied,
  withSource,
  writeQuery,
} from '../objects/change.ts'
import { filenameFlags, hasFiles, parseDocuments } from '../objects/manifests.ts'
import type { Info } from '../objects/targets.ts'
import { namedTargets, throwAll, visit } from '../objects/targets.ts'
import { patched } from '../patch/apply.ts'
import { sameValue } from '../patch/strategic.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'
import { sendRaw } from './raw.ts'

export const patchVerb: Verb = {
  name: 'patch',
  about: 'Update fields of a resource',
  examples: [
    `kubectl patch deployment web -p '{"spec":{"replicas":3}}'`,
    `kubectl patch svc web --type=json -p '[{"op":"remove","path":"/spec/selector/x"}]'`,
  ],
  usage: '(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE] [options]',
  flags: [
    dryRunFlag,
    fieldManagerFlag('kubectl-patch'),
    ...filenameFlags,
    bool('local', 'Refused.'),
    text('patch', 'The patch, in JSON or YAML.', 'p'),
    text('patch-file', 'File with the patch.'),
    text('subresource', 'Subresource to patch: status, scale.'),
    text('type', 'strategic, merge or json.', undefined, 'strategic'),
    ...printFlags,
  ],
  run: patch,
}

async function patch(call: Call): Promise<undefined> {
  const { flags } = call
  if (flags.bool('local')) throw new Failure('--local is not supported by this kubectl')
  if (flags.text('patch') && flags.text('patch-file')) throw new Failure('cannot specify --patch and --patch-file together')
  if (!flags.text('patch') && !flags.text('patch-file'))
    throw new Failure('must specify --patch or --patch-file containing the contents of the patch')
  const type = flags.text('type').toLowerCase()
  if (type !== 'strategic' && type !== 'merge' && type !== 'json')
    throw new Failure(`--type must be one of [json merge strategic], not ${JSON.stringify(flags.text('type'))}`)
  const source = flags.text('patch') || readPatch(call, flags.text('patch-file'))
  const body = parsePatch(source, flags.text('patch'))
  await visit(call, await namedTargets(call, call.args), {}, async (info) => {
    if (dryRunOf(call) === 'client') {
      const changed = patched(type, info.object, typeof body === 'string' ? JSON.parse(body) : body)
      return printPatched(call, info, changed)
    }
    const answer = await sendPatch(call, info, type, body, flags.text('subresource') || undefined).catch((error: unknown) => {
      if (!(error instanceof StatusFailure) || error.reason !== 'UnsupportedMediaType') throw error
      const kind = `${apiVersionOf(info.type)}, Kind=${info.type.kind}`
      throw new Failure(`${patchTypes[type]} is not supported by ${kind}: ${error.message}`)
    })
    await printPatched(call, info, answer)
  })
  return undefined
}

/** JSON goes as it is, for the server to judge; YAML is read here. `given` is how the message names it. */
function parsePatch(source: string, given: string): unknown {
  if (/^\s*\{/.test(source)) {
    try {
      return JSON.parse(source)
    } catch {
      return source
    }
  }
  try {
    return [...parseDocuments(source, '')][0]
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new Failure(`unable to parse ${JSON.stringify(given)}: ${error.message.replace(/^.*converting YAML to JSON: /, '')}`)
  }
}

/** A dry run is not spoken of, and what a subresource answers with is named as what it is. */
async function printPatched(call: Call, info: Info, answer: KubeObject): Promise<void> {
  const done = sameValue(comparable(info.object), comparable(answer)) ? 'patched (no change)' : 'patched'
  const type = answer.kind && answer.kind !== info.type.kind ? { ...info.type, kind: answer.kind, group: groupOf(answer) } : info.type
  const printer = objectPrinter(call)
  await call.out(printer ? printer.print(answer) + printer.done() : `${namedObject(type, info.name)} ${done}\n`)
}

function groupOf({ apiVersion = '' }: KubeObject): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] as string) : ''
}

function comparable(object: KubeObject): KubeObject {
  const { managedFields: _, resourceVersion: __, ...metadata } = object.metadata ?? {}
  return { ...object, metadata }
}

function readPatch(call: Call, path: string): string {
  const full = resolvePath(call.process.cwd, path)
  if (!call.process.files.exists(full)) throw new Failure(`unable to read patch file: open ${path}: no such file or directory`)
  return call.process.files.readText(full)
}

export const replaceVerb: Verb = {
  name: 'replace',
  about: 'Replace a resource by file name or stdin',
  examples: ['kubectl replace -f web.yaml', 'kubectl replace --force -f web.yaml'],
  usage: '-f FILENAME [options]',
  flags: [
    { name: 'cascade', kind: 'string', value: 'background', bare: 'background', about: 'With --force: background, foreground or orphan.' },
    dryRunFlag,
    fieldManagerFlag('kubectl-replace'),
    ...filenameFlags,
    bool('force', 'Delete the object first.'),
    int('grace-period', 'With --force: seconds the object gets to end.', undefined, '-1'),
    text('raw', 'Path to PUT the file to, as it is.'),
    bool('save-config', 'Record the object in its last-applied annotation.'),
    text('subresource', 'Subresource to replace: status, scale.'),
    text('timeout', 'Accepted.', undefined, '0s'),
    validateFlag,
    bool('wait', 'Accepted.'),
    ...printFlags,
  ],
  run: replace,
}

async function replace(call: Call): Promise<undefined> {
  if (call.args.length > 0) throw new Failure(`Unexpected args: [${call.args.join(' ')}]\nSee 'kubectl replace -h' for help and examples`)
  if (!hasFiles(call)) throw new Failure('must specify one of -f and -k')
  if (call.flags.text('raw')) return sendRaw(call, 'PUT')
  const failures: Error[] = []
  for (const { type, namespace, name = '', manifest } of await namedTargets(call, [])) {
    if (!manifest) continue
    try {
      if (name === '') throw new Failure('resource name may not be empty')
      const path = pathOf(type, namespace, name, call.flags.text('subresource') || undefined)
      const recorded = (manifest.object.metadata?.annotations as Record<string, string> | undefined)?.[lastApplied] !== undefined
      const body = call.flags.bool('save-config') || recorded ? withLastApplied(manifest.object, namespace) : manifest.object
      if (call.flags.bool('force')) {
        await call
          .client()
          .json('DELETE', path, {
            body: { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Background' },
          })
          .then(
            () =>
              call.out(
                `${type.kind.toLowerCase()}${type.group ? `.${type.group}` : ''} ${JSON.stringify(name)} deleted${namespace ? ` from ${namespace} namespace` : ''}\n`,
              ),
            () => {}, // an object that is not there need not go
          )
        await report(call, type, await createObject(call, type, namespace, body), 'replaced')
        continue
      }
      await call.client().json('GET', path)
      const replaced =
        dryRunOf(call) === 'client' ? body : await call.client().json('PUT', path, { body, query: writeQuery(call, { validate: true }) })
      await report(call, type, replaced, 'replaced')
    } catch (error) {
      const named = withSource(error, 'replacing', manifest.source)
      if (!(named instanceof Failure)) throw named
      failures.push(named)
    }
  }
  throwAll(failures)
}
