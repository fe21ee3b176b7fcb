import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { findType } from '../client/discovery.ts'
import { createObject, dryRunFlag, dryRunOf, fieldManagerFlag, report, validateFlag, withLastApplied, withSource } from '../objects/change.ts'
import { filenameFlags, hasFiles, readManifests } from '../objects/manifests.ts'
import { manifestTarget, selectorFlag, throwAll } from '../objects/targets.ts'
import { printFlags } from '../print/printer.ts'
import { createConfigMap, createSecret } from './create_data.ts'
import { createMisc } from './create_misc.ts'
import { createService } from './create_service.ts'
import { createCronJob, createDeployment, createJob } from './create_workload.ts'

/** Flags that every `create KIND` takes. */
export const generatorFlags = [
  dryRunFlag,
  fieldManagerFlag('kubectl-create'),
  bool('save-config', 'Record the object in its last-applied annotation.'),
  validateFlag,
  ...printFlags,
]

export const createVerb: Verb = {
  name: 'create',
  about: 'Create a resource from a file or from stdin',
  examples: ['kubectl create -f web.yaml', 'kubectl create deployment web --image=nginx --replicas=3', 'kubectl create configmap conf --from-literal=a=b'],
  usage: '-f FILENAME [options]',
  flags: [
    dryRunFlag,
    bool('edit', 'Refused: use create and then edit.'),
    fieldManagerFlag('kubectl-create'),
    ...filenameFlags,
    text('raw', 'Refused.'),
    bool('save-config', 'Record the objects in their last-applied annotations.'),
    selectorFlag,
    validateFlag,
    bool('windows-line-endings', 'Refused together with --edit.'),
    ...printFlags,
  ],
  children: [createConfigMap, createCronJob, createDeployment, createJob, createSecret, createService, ...createMisc],
  run: createFromFiles,
}

async function createFromFiles(call: Call): Promise<undefined> {
  for (const refused of ['edit', 'raw']) if (call.flags.changed(refused)) throw new Failure(`--${refused} is not supported by create of this kubectl`)
  if (call.args.length > 0) throw new Failure(`Unexpected args: [${call.args.join(' ')}]\nSee 'kubectl create -h' for help and examples`)
  if (!hasFiles(call)) throw new Failure('must specify one of -f and -k')
  const manifests = await readManifests(call)
  const discovery = await call.discovery()
  const failures: Error[] = []
  for (const manifest of manifests) {
    try {
      const { type, namespace } = manifestTarget(call, discovery, manifest)
      const object = call.flags.bool('save-config') ? withLastApplied(manifest.object, namespace) : manifest.object
      const placed = namespace ? { ...object, metadata: { ...object.metadata, namespace } } : object
      const created = dryRunOf(call) === 'client' ? placed : await createObject(call, type, namespace, placed)
      await report(call, type, created, 'created')
    } catch (error) {
      const named = withSource(error, 'creating', manifest.source)
      if (!(named instanceof Failure)) throw named
      failures.push(error instanceof Failure && /no matches for kind/.test(error.message) ? error : named)
    }
  }
  throwAll(failures)
}

/** Sends what a generator has put together, or only prints it with a client dry run. `doing` names the step in an error, where kubectl does. */
export async function createGenerated(call: Call, object: KubeObject, doing?: string): Promise<undefined> {
  const dryRun = dryRunOf(call)
  const [group, version] = object.apiVersion?.includes('/') ? (object.apiVersion.split('/') as [string, string]) : ['', object.apiVersion as string]
  const kind = object.kind as string
  const known = { group, version, kind, plural: '', singular: '', shortNames: [], categories: [], namespaced: true, verbs: [], subresources: [] }
  if (dryRun === 'client') {
    const explicit = call.flags.changed('namespace') && !clusterScoped.has(kind)
    await report(call, known, explicit ? inNamespace(object, call.namespace()) : object, 'created')
    return
  }
  const discovery = await call.discovery()
  const type = findType(discovery, `${kind}.${version}.${group}`) ?? discovery.types.find((one) => one.kind === kind && one.group === group)
  if (!type) throw new Failure(`no matches for kind "${kind}" in version "${object.apiVersion}"`)
  const namespace = type.namespaced ? call.namespace() : undefined
  const placed = namespace ? inNamespace(object, namespace) : object
  const sent = call.flags.has('save-config') && call.flags.bool('save-config') ? withLastApplied(placed, namespace) : placed
  try {
    await report(call, type, await createObject(call, type, namespace, sent), 'created')
  } catch (error) {
    if (doing && error instanceof Failure && 'status' in error) throw new Failure(`failed to create ${doing}: ${error.message}`)
    throw error
  }
}

const clusterScoped = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'PriorityClass'])

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  const { name, ...rest } = object.metadata ?? {}
  // In the object itself, so that it stays known as one of our own (its fields keep their order).
  object.metadata = { name, namespace, ...rest }
  return object
}

/** The NAME of `create KIND NAME`. Throws `exactly one NAME is required, got 0`. */
export function nameArgument(call: Call): string {
  const before = call.dash < 0 ? call.args : call.args.slice(0, call.dash)
  if (before.length !== 1) throw new Failure(`exactly one NAME is required, got ${before.length}\nSee '${call.path} -h' for help and examples`)
  return before[0] as string
}
