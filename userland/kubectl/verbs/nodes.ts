import type { Node, Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, Failures, isNotFound, misuse, PlainFailure, StatusFailure } from '../cli/failure.ts'
import { bool, duration, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { namedObject, pathOf, resolveType } from '../client/discovery.ts'
import { dryRunFlag, dryRunMark, dryRunOf, fieldManagerFlag, report, sendChange } from '../objects/change.ts'
import type { Info } from '../objects/targets.ts'
import { fetchInfos, listObjects, namedTargets, selectorFlag, visit } from '../objects/targets.ts'
import { printFlags } from '../print/printer.ts'

const nodeFlags = [dryRunFlag, selectorFlag]

export const cordonVerb: Verb = {
  name: 'cordon',
  about: 'Mark node as unschedulable',
  usage: 'NODE [options]',
  flags: nodeFlags,
  run: (call) => cordonAll(call, true),
}

export const uncordonVerb: Verb = {
  name: 'uncordon',
  about: 'Mark node as schedulable',
  usage: 'NODE [options]',
  flags: nodeFlags,
  run: (call) => cordonAll(call, false),
}

async function nodesOf(call: Call): Promise<Info[]> {
  const verb = call.path.split(' ')[1] as string
  const selector = call.flags.text('selector')
  if (call.args.length === 0 && selector === '') throw misuse(call.path, `USAGE: ${verb} NODE [flags]`)
  if (call.args.length > 0 && selector !== '') throw new Failure('error: cannot specify both a node name and a --selector option')
  const words = call.args.map((word) => (word.includes('/') ? word : `node/${word}`))
  return fetchInfos(call, await namedTargets(call, selector ? ['nodes'] : words, { selector, typeAlone: true }), { selector })
}

async function cordonAll(call: Call, wanted: boolean): Promise<undefined> {
  for (const info of await nodesOf(call)) await cordon(call, info, wanted)
  return undefined
}

async function cordon(call: Call, info: Info, wanted: boolean): Promise<void> {
  const done = wanted ? 'cordoned' : 'uncordoned'
  const spec = (info.object as unknown as Node).spec ?? {}
  if (Boolean(spec.unschedulable) === wanted) return call.out(`${namedObject(info.type, info.name)} already ${done}${dryRunMark(call)}\n`)
  const { unschedulable: _, ...rest } = spec
  await sendChange(call, info, { ...info.object, spec: wanted ? { ...spec, unschedulable: true } : rest })
  await call.out(`${namedObject(info.type, info.name)} ${done}${dryRunMark(call)}\n`)
}

export const drainVerb: Verb = {
  name: 'drain',
  about: 'Drain node in preparation for maintenance',
  examples: ['kubectl drain worker --ignore-daemonsets --delete-emptydir-data'],
  usage: 'NODE [options]',
  flags: [
    int('chunk-size', 'Accepted.', undefined, '500'),
    bool('delete-emptydir-data', 'Also pods with emptyDir volumes, whose data is lost.'),
    bool('disable-eviction', 'Delete instead of evicting.'),
    bool('force', 'Also pods that nothing will start again.'),
    int('grace-period', 'Seconds each pod gets to end; -1 is its own wish.', undefined, '-1'),
    bool('ignore-daemonsets', 'Leave the pods of daemon sets.'),
    text('pod-selector', 'Only these pods.'),
    int('skip-wait-for-delete-timeout', 'Do not wait for pods that end for longer than this.'),
    duration('timeout', 'How long to go on; 0 is without end.'),
    ...nodeFlags,
  ],
  run: drain,
}

const mirror = 'kubernetes.io/config.mirror'

async function drain(call: Call): Promise<undefined> {
  const infos = await nodesOf(call)
  for (const info of infos) await cordon(call, info, true)
  for (const info of infos) {
    try {
      await drainOne(call, info.name)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const reasons = error instanceof Failures ? error.all.map((one) => one.message) : [error.message]
      const shown = reasons.length === 1 ? reasons[0] : `[${reasons.join(', ')}]`
      await call.err(`error: unable to drain node ${JSON.stringify(info.name)} due to error: ${shown}, continuing command...\n`)
      throw new PlainFailure(`There are pending nodes to be drained:\n ${info.name}\n${reasons.join('\n')}`)
    }
    await call.out(`node/${info.name} drained${dryRunMark(call)}\n`)
  }
}

async function drainOne(call: Call, node: string): Promise<void> {
  const { flags } = call
  const discovery = await call.discovery()
  const type = resolveType(discovery, 'pods')
  const leave: Pod[] = []
  const evict: Pod[] = []
  const problems = { daemon: [] as Pod[], local: [] as Pod[], bare: [] as Pod[] }
  const query = { fieldSelector: `spec.nodeName=${node}`, ...(flags.text('pod-selector') ? { selector: flags.text('pod-selector') } : {}) }
  for await (const object of listObjects(call, type, undefined, query)) {
    const pod = object as unknown as Pod
    const owner = pod.metadata?.ownerReferences?.find((one) => one.controller)
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
    if (pod.metadata?.annotations?.[mirror] !== undefined) continue
    if (owner?.kind === 'DaemonSet' && !ended) {
      ;(flags.bool('ignore-daemonsets') ? leave : problems.daemon).push(pod)
      continue
    }
    if (pod.spec?.volumes?.some((volume) => volume.emptyDir) && !flags.bool('delete-emptydir-data') && !ended) problems.local.push(pod)
    else if (!owner && !flags.bool('force') && !ended) problems.bare.push(pod)
    else evict.push(pod)
  }
  const named = (pods: readonly Pod[]) => pods.map((pod) => `${pod.metadata?.namespace}/${pod.metadata?.name}`).join(', ')
  const sentences = [
    ...(problems.daemon.length > 0
      ? [`cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${named(problems.daemon)}`]
      : []),
    ...(problems.local.length > 0
      ? [`cannot delete Pods with local storage (use --delete-emptydir-data to override): ${named(problems.local)}`]
      : []),
    ...(problems.bare.length > 0
      ? [`cannot delete cannot delete Pods that declare no controller (use --force to override): ${named(problems.bare)}`]
      : []),
  ]
  if (sentences.length === 1) throw new Failure(sentences[0] as string)
  if (sentences.length > 1) throw new Failures(sentences.map((one) => new Failure(one)))
  const bare = evict.filter((pod) => !pod.metadata?.ownerReferences?.some((one) => one.controller))
  const warnings = [
    ...(leave.length > 0 ? [`ignoring DaemonSet-managed Pods: ${named(leave)}`] : []),
    ...(bare.length > 0 && flags.bool('force') ? [`deleting Pods that declare no controller: ${named(bare)}`] : []),
  ]
  if (warnings.length > 0) await call.err(`Warning: ${warnings.join('; ')}\n`)
  if (dryRunOf(call) !== 'none') {
    for (const pod of evict) await call.out(`evicting pod ${pod.metadata?.namespace}/${pod.metadata?.name}${dryRunMark(call)}\n`)
    return
  }
  const limit = flags.duration('timeout')
  const end = limit > 0 ? call.process.clock.now() + limit : Number.POSITIVE_INFINITY
  await Promise.all(evict.map((pod) => evictOne(call, pod, end)))
}

async function evictOne(call: Call, pod: Pod, end: number): Promise<void> {
  const { name = '', namespace = '', uid } = pod.metadata ?? {}
  const type = resolveType(await call.discovery(), 'pods')
  const grace = call.flags.number('grace-period')
  const deleteOptions = grace >= 0 ? { gracePeriodSeconds: grace } : {}
  const late = () =>
    new Failure(
      `error when waiting for pod ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)} to terminate: global timeout reached: ${call.flags.text('timeout')}`,
    )
  const path = pathOf(type, namespace, name)
  for (;;) {
    await call.out(call.flags.bool('disable-eviction') ? '' : `evicting pod ${namespace}/${name}\n`)
    try {
      if (call.flags.bool('disable-eviction'))
        await call.client().json('DELETE', path, { body: { kind: 'DeleteOptions', apiVersion: 'v1', ...deleteOptions } })
      else
        await call.client().json('POST', `${path}/eviction`, {
          body: { kind: 'Eviction', apiVersion: 'policy/v1', metadata: { name, namespace }, deleteOptions },
        })
      break
    } catch (error) {
      if (isNotFound(error)) return
      if (!(error instanceof StatusFailure) || error.status.code !== 429) throw error
      await call.err(
        `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)} (will retry after 5s): ${error.message}\n`,
      )
      if (call.process.clock.now() + 5000 > end) throw late()
      await call.process.clock.sleep(5000, call.process.signal)
    }
  }
  for (;;) {
    try {
      const now = await call.client().json<KubeObject>('GET', path)
      if (now.metadata?.uid !== uid) break
    } catch (error) {
      if (isNotFound(error)) break
      throw error
    }
    if (call.process.clock.now() >= end) throw late()
    await call.process.clock.sleep(1000, call.process.signal)
  }
  await call.out(`pod/${name} evicted\n`)
}

export const taintVerb: Verb = {
  name: 'taint',
  about: 'Update the taints on one or more nodes',
  examples: ['kubectl taint nodes worker dedicated=lab:NoSchedule', 'kubectl taint nodes worker dedicated:NoSchedule-'],
  usage: 'NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N [options]',
  flags: [
    bool('all', 'All nodes.'),
    fieldManagerFlag('kubectl-taint'),
    bool('overwrite', 'Taints that are there may change.'),
    ...nodeFlags,
    text('validate', 'Accepted.', undefined, 'strict'),
    ...printFlags,
  ],
  run: taint,
}

interface Taint {
  key: string
  value?: string
  effect: string
}

async function taint(call: Call): Promise<undefined> {
  const isTaint = (word: string) => word.includes('=') || word.includes(':') || word.endsWith('-')
  const resources = call.args.filter((word) => !isTaint(word))
  const words = call.args.filter(isTaint)
  if (resources.length === 0) throw new Failure('one or more resources must be specified as <resource> <name>')
  if (words.length === 0) throw new Failure('at least one taint update is required')
  const { add, remove } = parseTaints(words)
  const both = add.filter((one) => remove.some((other) => other.key === one.key && (other.effect === '' || other.effect === one.effect)))
  if (both.length > 0)
    throw new Failure(
      `can not both modify and remove the following taint(s) in the same command: ${both.map((one) => `${one.key}=`).join(', ')}`,
    )
  const options = { all: call.flags.bool('all'), selector: call.flags.text('selector') }
  const targets = await namedTargets(call, resources, options)
  if (targets.some((target) => target.type.kind !== 'Node'))
    throw new Failure(`invalid resource type ${targets[0]?.type.plural}, only node types are supported`)
  await visit(call, targets, options, async (info) => {
    const spec = (info.object as unknown as Node).spec ?? {}
    let taints: Taint[] = (spec.taints ?? []).map(({ key, value, effect }) => ({ key, ...(value ? { value } : {}), effect }))
    for (const one of add) {
      const same = taints.find((other) => other.key === one.key && other.effect === one.effect)
      if (same && !call.flags.bool('overwrite'))
        throw new Failure(`node ${info.name} already has ${one.key} taint(s) with same effect(s) and --overwrite is false`)
      // New ones stand first.
      taints = [one, ...taints.filter((other) => other !== same)]
    }
    for (const one of remove) {
      const left = taints.filter((other) => other.key !== one.key || (one.effect !== '' && other.effect !== one.effect))
      if (left.length === taints.length)
        throw new Failure(
          one.effect ? `taint ${JSON.stringify(`${one.key}:${one.effect}`)} not found` : `taint ${JSON.stringify(one.key)} not found`,
        )
      taints = left
    }
    const { taints: _, ...rest } = spec
    const sent = await sendChange(call, info, { ...info.object, spec: taints.length > 0 ? { ...spec, taints } : rest })
    await report(
      call,
      info.type,
      sent ?? info.object,
      add.length === 0 ? 'untainted' : remove.length === 0 ? (call.flags.bool('overwrite') ? 'modified' : 'tainted') : 'modified',
      // kubectl's taint names its operation last, over the mark of a dry run.
      '',
    )
  })
  return undefined
}

function parseTaints(words: readonly string[]): { add: Taint[]; remove: Taint[] } {
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
  const add: Taint[] = []
  const remove: Taint[] = []
  for (const word of words) {
    const removing = word.endsWith('-')
    const [pair = '', effect = ''] = (removing ? word.slice(0, -1) : word).split(':')
    const [key = '', value] = pair.split('=')
    if (effect !== '' && !effects.includes(effect))
      throw misuse('kubectl taint', `invalid taint effect: ${effect}, unsupported taint effect`)
    if (removing) remove.push({ key, effect })
    else if (effect === '')
      throw misuse(
        'kubectl taint',
        `invalid taint spec: ${word}, name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      )
    else add.push({ key, ...(value ? { value } : {}), effect })
  }
  return { add, remove }
}
