import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, isNotFound, StatusFailure } from '../cli/failure.ts'
import { bool, duration, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf } from '../client/discovery.ts'
import {
  createObject,
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  lastApplied,
  own,
  patchTypes,
  report,
  sendPatch,
  validateFlag,
  withLastApplied,
  withSource,
  writeQuery,
} from '../objects/change.ts'
import type { Manifest } from '../objects/manifests.ts'
import { filenameFlags, hasFiles, readManifests } from '../objects/manifests.ts'
import type { Info } from '../objects/targets.ts'
import { fetchInfos, manifestTarget, namedTargets, selectorFlag, throwAll } from '../objects/targets.ts'
import { threeWayMergePatch } from '../patch/json-merge.ts'
import { patchesStrategically } from '../patch/merge-keys.ts'
import { threeWayPatch } from '../patch/strategic.ts'
import { compactJson, sorted } from '../print/json.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'
import { yamlText } from '../print/yaml.ts'

export const applyVerb: Verb = {
  name: 'apply',
  about: 'Apply a configuration to a resource by file name or stdin',
  more: 'Objects that do not exist are created; those that do are patched with what changed since they were last applied.',
  examples: ['kubectl apply -f web.yaml', 'cat web.yaml | kubectl apply -f -', 'kubectl apply --server-side -f web.yaml'],
  usage: '(-f FILENAME | -k DIRECTORY) [options]',
  flags: [
    bool('all', 'Refused together with --prune.'),
    { name: 'cascade', kind: 'string', value: 'background', bare: 'background', about: 'Refused together with --prune.' },
    dryRunFlag,
    fieldManagerFlag('kubectl-client-side-apply'),
    ...filenameFlags,
    bool('force', 'Refused: delete the object and apply again.'),
    bool('force-conflicts', 'Take over fields of other managers, with --server-side.'),
    int('grace-period', 'Refused together with --force.', undefined, '-1'),
    bool('openapi-patch', 'Accepted; merge keys are known without the server.', undefined, 'true'),
    bool('overwrite', 'Take what the file says where the live object differs.', undefined, 'true'),
    bool('prune', 'Refused: pruning is not part of this kubectl.'),
    selectorFlag,
    bool('server-side', 'Let the server do the merging.'),
    text('subresource', 'Refused.'),
    duration('timeout', 'Accepted; nothing is deleted.'),
    validateFlag,
    bool('wait', 'Accepted; nothing is deleted.'),
    ...printFlags,
  ],
  children: [
    {
      name: 'set-last-applied',
      about: 'Set the last-applied-configuration annotation on a live object to match the contents of a file',
      usage: '-f FILENAME [options]',
      flags: [bool('create-annotation', 'Also where there is none yet.'), dryRunFlag, ...filenameFlags, ...printFlags],
      run: setLastApplied,
    },
    {
      name: 'view-last-applied',
      about: 'View the latest last-applied-configuration annotations of a resource/object',
      usage: '(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME) [options]',
      flags: [selectorFlag, text('output', 'yaml or json.', 'o', 'yaml'), ...filenameFlags],
      run: viewLastApplied,
    },
  ],
  run: apply,
}

async function apply(call: Call): Promise<undefined> {
  for (const refused of ['prune', 'force']) if (call.flags.bool(refused)) throw new Failure(`--${refused} is not supported by this kubectl`)
  if (call.flags.bool('force-conflicts') && !call.flags.bool('server-side'))
    throw new Failure('--force-conflicts only works with --server-side')
  if (call.flags.text('subresource')) throw new Failure('--subresource is not supported by apply of this kubectl; use patch --subresource')
  if (call.args.length > 0) throw new Failure(`Unexpected args: [${call.args.join(' ')}]\nSee 'kubectl apply -h' for help and examples`)
  if (!hasFiles(call)) throw new Failure('must specify one of -f and -k')
  const failures: Error[] = []
  const manifests = (await readManifests(call, failures)).filter((manifest) => matches(manifest.object, call.flags.text('selector')))
  if (manifests.length === 0 && failures.length === 0) throw new Failure('no objects passed to apply')
  const discovery = await call.discovery()
  const applied: Applied[] = []
  // Whole objects are printed at the end, as a List where there are several.
  const whole = !['', 'name'].includes(call.flags.text('output'))
  for (const manifest of manifests) {
    try {
      const { type, namespace, name = '' } = manifestTarget(call, discovery, manifest)
      if (name === '' && manifest.object.metadata?.generateName)
        throw new Failure(`from ${manifest.object.metadata.generateName}: cannot use generate name with apply`)
      const info: Info = { type, namespace, name, object: manifest.object, manifest }
      if (name === '') throw retrieval(new Failure('resource name may not be empty'), info, manifest)
      const done = call.flags.bool('server-side') ? await applyOnServer(call, info) : await applyHere(call, info, manifest)
      if (whole) applied.push(done)
      else await report(call, done.info.type, done.object, done.word)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      failures.push(error)
    }
  }
  if (applied.length === 1) await report(call, (applied[0] as Applied).info.type, (applied[0] as Applied).object, '')
  else if (applied.length > 1) {
    const printer = objectPrinter(call)
    const list = own('List', 'v1', { metadata: {}, items: applied.map((one) => sorted(one.object)) })
    await call.out(printer ? printer.print(list) + printer.done() : '')
  }
  throwAll(failures)
}

interface Applied {
  readonly info: Info
  readonly object: KubeObject
  readonly word: 'created' | 'configured' | 'unchanged' | 'serverside-applied'
}

async function applyHere(call: Call, info: Info, manifest: Manifest): Promise<Applied> {
  const path = pathOf(info.type, info.namespace, info.name)
  const modified = withLastApplied(manifest.object, info.namespace)
  let current: KubeObject
  try {
    current = await call.client().json('GET', path)
  } catch (error) {
    if (!isNotFound(error)) throw retrieval(error, info, manifest)
    if (dryRunOf(call) === 'client') return { info, object: modified, word: 'created' }
    const created = await createObject(call, info.type, info.namespace, modified).catch((problem: unknown) => {
      throw withSource(problem, 'creating', manifest.source)
    })
    return { info, object: created, word: 'created' }
  }
  const annotations = (current.metadata?.annotations ?? {}) as Record<string, string>
  const recorded = annotations[lastApplied]
  if (recorded === undefined && dryRunOf(call) !== 'client')
    await call.err(
      `Warning: resource ${info.type.plural}/${info.name} is missing the ${lastApplied} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n`,
    )
  const strategic = patchesStrategically(info.type)
  const original = recorded ? JSON.parse(recorded) : {}
  const patch = (strategic ? threeWayPatch : threeWayMergePatch)(original, modified, current)
  if (Object.keys(patch).length === 0) return { info, object: current, word: 'unchanged' }
  if (dryRunOf(call) === 'client') return { info, object: current, word: 'configured' }
  const patched = await sendPatch(call, info, strategic ? 'strategic' : 'merge', patch).catch((error: unknown) => {
    const doing = `applying patch:\n${compactJson(patch)}\nto:\n${describeInfo(info)}\nfor:`
    throw withSource(withSource(error, 'patching', manifest.source), doing, manifest.source)
  })
  return { info, object: patched, word: 'configured' }
}

function describeInfo({ type, name, namespace }: Info): string {
  return `Resource: "${type.group}/${type.version}, Resource=${type.plural}", GroupVersionKind: "${type.group}/${type.version}, Kind=${type.kind}"\nName: "${name}", Namespace: "${namespace ?? ''}"`
}

function retrieval(error: unknown, info: Info, manifest: Manifest): unknown {
  return withSource(error, `retrieving current configuration of:\n${describeInfo(info)}\nfrom server for:`, manifest.source)
}

async function applyOnServer(call: Call, info: Info): Promise<Applied> {
  if (dryRunOf(call) === 'client')
    throw new Failure("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
  const manager = call.flags.changed('field-manager') ? call.flags.text('field-manager') : 'kubectl'
  const query = { ...writeQuery(call, { validate: true }), fieldManager: manager, force: String(call.flags.bool('force-conflicts')) }
  const applied = await call
    .client()
    .json('PATCH', pathOf(info.type, info.namespace, info.name), { body: info.object, contentType: patchTypes.apply, query })
    .catch((error: unknown) => {
      if (error instanceof StatusFailure && error.reason === 'Conflict') throw conflict(error)
      throw error
    })
  return { info, object: applied, word: 'serverside-applied' }
}

function conflict(error: StatusFailure): Failure {
  return new Failure(
    `${error.status.message}\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the \`--force-conflicts\` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`,
  )
}

function matches(object: KubeObject, selector: string): boolean {
  const labels = (object.metadata?.labels ?? {}) as Record<string, string>
  return selector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [, key = '', operator, value] = /^([^=!]+)(!=|==?)?(.*)$/.exec(term) ?? []
      if (!operator) return key in labels
      return operator === '!=' ? labels[key] !== value : labels[key] === value
    })
}

async function setLastApplied(call: Call): Promise<undefined> {
  for (const { type, namespace, name = '', manifest } of await namedTargets(call, [])) {
    if (!manifest) continue
    const object = await call.client().json<KubeObject>('GET', pathOf(type, namespace, name))
    const annotations = (object.metadata?.annotations ?? {}) as Record<string, string>
    if (annotations[lastApplied] === undefined && !call.flags.bool('create-annotation'))
      throw new Failure(
        `no last-applied-configuration annotation found on resource: ${name}, to create the annotation, run the command with --create-annotation`,
      )
    const recorded = (withLastApplied(manifest.object, namespace).metadata?.annotations as Record<string, string> | undefined)?.[
      lastApplied
    ]
    if (annotations[lastApplied] === recorded) {
      await call.out(`set-last-applied ${name}: no changes required.\n`)
      continue
    }
    const patch = { metadata: { annotations: { [lastApplied]: recorded } } }
    const info: Info = { type, namespace, name, object }
    const done = dryRunOf(call) === 'client' ? object : await sendPatch(call, info, 'merge', patch)
    await report(call, type, done, 'configured')
  }
}

async function viewLastApplied(call: Call): Promise<undefined> {
  const options = { typeAlone: true, selector: call.flags.text('selector') }
  const output = call.flags.text('output')
  if (output !== 'yaml' && output !== 'json')
    throw new Failure(
      `Unexpected -o output mode: ${output}, the flag 'output' must be one of yaml|json\nSee 'view-last-applied -h' for help and examples`,
    )
  for (const info of await fetchInfos(call, await namedTargets(call, call.args, options), options)) {
    const recorded = (info.object.metadata?.annotations as Record<string, string> | undefined)?.[lastApplied]
    if (recorded === undefined) throw new Failure(`no last-applied-configuration annotation found on resource: ${info.name}`)
    const object = JSON.parse(recorded)
    await call.out(output === 'yaml' ? yamlText(object) : `${JSON.stringify(object, null, 2)}\n`)
  }
}
