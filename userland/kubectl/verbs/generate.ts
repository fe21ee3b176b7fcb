import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import { bool } from '../cli/flags.ts'
import type { Call } from '../cli/verb.ts'
import { findType } from '../client/discovery.ts'
import {
  createObject,
  dryRunFlag,
  dryRunOf,
  fieldManagerFlag,
  lastApplied,
  report,
  validateFlag,
  withLastApplied,
} from '../objects/change.ts'
import { printFlags } from '../print/printer.ts'

/** Flags that every `create KIND` takes. */
export const generatorFlags = [
  dryRunFlag,
  fieldManagerFlag('kubectl-create'),
  bool('save-config', 'Record the object in its last-applied annotation.'),
  validateFlag,
  ...printFlags,
]

/** Sends what a generator has put together, or only prints it with a client dry run. `doing` names the step in an error, where kubectl does. */
export async function createGenerated(call: Call, object: KubeObject, doing?: string, done = 'created'): Promise<undefined> {
  const dryRun = dryRunOf(call)
  const [group, version] = object.apiVersion?.includes('/')
    ? (object.apiVersion.split('/') as [string, string])
    : ['', object.apiVersion as string]
  const kind = object.kind as string
  const known = {
    group,
    version,
    kind,
    plural: '',
    singular: '',
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: [],
    subresources: [],
  }
  if (dryRun === 'client') {
    if (call.flags.has('save-config') && call.flags.bool('save-config')) recordConfig(object)
    const explicit = call.flags.changed('namespace') && !clusterScoped.has(kind)
    await report(call, known, explicit ? inNamespace(object, call.namespace()) : object, done)
    return
  }
  const discovery = await call.discovery()
  const type = findType(discovery, `${kind}.${version}.${group}`) ?? discovery.types.find((one) => one.kind === kind && one.group === group)
  if (!type) throw new Failure(`no matches for kind "${kind}" in version "${object.apiVersion}"`)
  const namespace = type.namespaced ? call.namespace() : undefined
  const placed = namespace ? inNamespace(object, namespace) : object
  const sent = call.flags.has('save-config') && call.flags.bool('save-config') ? withLastApplied(placed, namespace) : placed
  try {
    await report(call, type, await createObject(call, type, namespace, sent), done)
  } catch (error) {
    if (doing && error instanceof Failure && 'status' in error) throw new Failure(`failed to create ${doing}: ${error.message}`)
    throw error
  }
}

/** In the object itself, for the same reason as below. */
function recordConfig(object: KubeObject): void {
  const recorded = `${JSON.stringify(object)}\n`
  object.metadata = { ...object.metadata, annotations: { ...object.metadata?.annotations, [lastApplied]: recorded } }
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
  if (before.length !== 1)
    throw new Failure(`exactly one NAME is required, got ${before.length}\nSee '${call.path} -h' for help and examples`)
  return before[0] as string
}
