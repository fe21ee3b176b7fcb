import type { Event } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, isNotFound, StatusFailure } from '../cli/failure.ts'
import { bool, int } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { findType, pathOf } from '../client/discovery.ts'
import { filenameFlags } from '../objects/manifests.ts'
import type { Info, Target } from '../objects/targets.ts'
import { allNamespacesFlag, fetchTarget, listObjects, namedTargets, selectorFlag, throwAll } from '../objects/targets.ts'
import { describeAutoscaler } from './autoscaling.ts'
import { describeCertificateRequest } from './certificate-request.ts'
import { describeClaim, describeConfigMap, describeNamespace, describeSecret, describeServiceAccount } from './config.ts'
import { eventsOf } from './events.ts'
import { describeGeneric } from './generic.ts'
import {
  describeEndpointSlice,
  describeEndpoints,
  describeIngress,
  describeIngressClass,
  describeNetworkPolicy,
  describeService,
} from './network.ts'
import { describeNode } from './node.ts'
import type { Page } from './page.ts'
import { createPage } from './page.ts'
import { describePod } from './pod.ts'
import { describeBudget, describeLimitRange, describePriorityClass, describeQuota } from './policy.ts'
import { describeBinding, describeRole } from './rbac.ts'
import { describeStorageClass, describeVolume } from './storage.ts'
import {
  describeCronJob,
  describeDaemonSet,
  describeDeployment,
  describeJob,
  describeReplicaSet,
  describeStatefulSet,
} from './workloads.ts'

/** What a description may ask for beside the object itself. */
export interface Surroundings {
  readonly now: number
  events(): Promise<Event[]>
  /** Objects of the same namespace (or of `namespace`). */
  list<T>(type: string, selector?: string, namespace?: string): Promise<T[]>
  /** Whether the server has the type at all. */
  has(type: string): Promise<boolean>
  everywhere<T>(type: string, fieldSelector: string): Promise<T[]>
  /** The object, or the sentence that says why not. */
  find<T>(type: string, name: string): Promise<T | string>
  lease(node: string): Promise<any | string>
}

export type Describe<T> = (object: T, page: Page, around: Surroundings) => Promise<void>

const describers: Record<string, Describe<any>> = {
  'Pod.': describePod,
  'Service.': describeService,
  'Endpoints.': describeEndpoints,
  'Node.': describeNode,
  'ConfigMap.': describeConfigMap,
  'Secret.': describeSecret,
  'ServiceAccount.': describeServiceAccount,
  'Namespace.': describeNamespace,
  'PersistentVolumeClaim.': describeClaim,
  'Deployment.apps': describeDeployment,
  'ReplicaSet.apps': describeReplicaSet,
  'DaemonSet.apps': describeDaemonSet,
  'StatefulSet.apps': describeStatefulSet,
  'Job.batch': describeJob,
  'Ingress.networking.k8s.io': describeIngress,
  'NetworkPolicy.networking.k8s.io': describeNetworkPolicy,
  'EndpointSlice.discovery.k8s.io': describeEndpointSlice,
  'PersistentVolume.': describeVolume,
  'StorageClass.storage.k8s.io': describeStorageClass,
  'CronJob.batch': describeCronJob,
  'IngressClass.networking.k8s.io': describeIngressClass,
  'HorizontalPodAutoscaler.autoscaling': describeAutoscaler,
  'PodDisruptionBudget.policy': describeBudget,
  'PriorityClass.scheduling.k8s.io': describePriorityClass,
  'LimitRange.': describeLimitRange,
  'ResourceQuota.': describeQuota,
  'Role.rbac.authorization.k8s.io': describeRole,
  'ClusterRole.rbac.authorization.k8s.io': describeRole,
  'RoleBinding.rbac.authorization.k8s.io': describeBinding,
  'ClusterRoleBinding.rbac.authorization.k8s.io': describeBinding,
  'CertificateSigningRequest.certificates.k8s.io': describeCertificateRequest,
}

export const describeVerb: Verb = {
  name: 'describe',
  about: 'Show details of a specific resource or group of resources',
  more: 'A name that does not exist describes every object whose name begins with it.',
  examples: ['kubectl describe pod web', 'kubectl describe -n kube-system deploy/coredns', 'kubectl describe nodes'],
  usage: '(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME) [options]',
  flags: [
    allNamespacesFlag,
    int('chunk-size', 'Fetch lists in pieces of this size; 0 is all at once.', undefined, '500'),
    ...filenameFlags,
    selectorFlag,
    bool('show-events', 'Show the events about the object.', undefined, 'true'),
  ],
  run,
}

async function run(call: Call): Promise<undefined> {
  if (call.args.length === 0 && call.flags.list('filename').length === 0)
    throw new Failure(
      'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of supported resources.\n',
    )
  const options = { typeAlone: true, selector: call.flags.text('selector'), allNamespaces: call.flags.bool('all-namespaces') }
  const targets = await namedTargets(call, call.args, options)
  const failures: Error[] = []
  let first = true
  for (const target of targets) {
    try {
      for await (const info of withPrefix(call, target, options)) {
        const text = await describeText(call, info)
        // What a prefix has found is ended by an empty line; named objects are divided by two newlines.
        await call.out(target.name !== undefined && info.name !== target.name ? `${text}\n` : (first ? '' : '\n\n') + text)
        first = false
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      failures.push(error)
    }
  }
  throwAll(failures)
  if (first)
    await call.err(
      call.flags.bool('all-namespaces') || targets.some((target) => !target.type.namespaced)
        ? 'No resources found\n'
        : `No resources found in ${call.namespace()} namespace.\n`,
    )
}

async function* withPrefix(call: Call, target: Target, options: { selector: string }): AsyncGenerator<Info> {
  try {
    yield* fetchTarget(call, target, options)
  } catch (error) {
    if (!isNotFound(error) || target.name === undefined || target.manifest) throw error
    let found = false
    for await (const object of listObjects(call, target.type, target.namespace)) {
      if (!object.metadata?.name?.startsWith(target.name)) continue
      found = true
      yield { type: target.type, namespace: object.metadata.namespace, name: object.metadata.name, object }
    }
    if (!found) throw error
  }
}

export async function describeText(call: Call, info: Info): Promise<string> {
  const page = createPage()
  const describe = describers[`${info.type.kind}.${info.type.group}`] ?? describeGeneric
  let withEvents = call.flags.has('show-events') ? call.flags.bool('show-events') : true
  const around = surroundings(call, info, () => withEvents)
  await describe(info.object, page, around)
  withEvents = true
  const text = page.text()
  return call.flags.has('show-events') && !call.flags.bool('show-events') ? text.replace(/Events:[\s\S]*$/, '') : text
}

/** The object at the path, or the server's sentence about why not. */
async function getOr(call: Call, path: string): Promise<any> {
  try {
    return await call.client().json('GET', path)
  } catch (error) {
    if (error instanceof StatusFailure) return error.message
    throw error
  }
}

function surroundings(call: Call, info: Info, withEvents: () => boolean): Surroundings {
  const list = async (word: string, namespace: string | undefined, query: { selector?: string; fieldSelector?: string }) => {
    const type = findType(await call.discovery(), word)
    if (!type) return []
    const found: KubeObject[] = []
    for await (const object of listObjects(call, type, namespace, query)) found.push(object)
    return found
  }
  const find = async (word: string, namespace: string | undefined, name: string): Promise<any> => {
    const type = findType(await call.discovery(), word)
    if (!type) return `the server doesn't have a resource type "${word}"`
    return getOr(call, pathOf(type, namespace, name))
  }
  return {
    now: call.process.clock.now(),
    has: async (word) => findType(await call.discovery(), word) !== undefined,
    events: () => (withEvents() ? eventsOf(call, info) : Promise.resolve([])),
    list: (word, selector, namespace) => list(word, namespace ?? info.namespace, selector ? { selector } : {}) as Promise<any[]>,
    everywhere: (word, fieldSelector) => list(word, undefined, { fieldSelector }) as Promise<any[]>,
    find: (word, name) => find(word, info.namespace, name),
    lease: (node) => getOr(call, `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node}`),
  }
}
