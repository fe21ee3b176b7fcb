import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, isNotFound } from '../cli/failure.ts'
import { array, bool, duration, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { namedObject, pathOf } from '../client/discovery.ts'
import { race } from '../client/streaming.ts'
import { watchEvents } from '../client/watch.ts'
import { filenameFlags } from '../objects/manifests.ts'
import type { Info, Target } from '../objects/targets.ts'
import { allNamespacesFlag, fetchTarget, fieldSelectorFlag, namedTargets, selectorFlag, throwAll } from '../objects/targets.ts'
import { lookUp, valueText } from '../print/jsonpath.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'

export const waitVerb: Verb = {
  name: 'wait',
  suggestFor: ['list', 'ps'],
  about: 'Wait for a specific condition on one or many resources',
  examples: [
    'kubectl wait --for=condition=Ready pod/web',
    'kubectl wait --for=delete pod/web --timeout=60s',
    "kubectl wait --for=jsonpath='{.status.phase}'=Running pod/web",
  ],
  usage:
    "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]] [options]",
  flags: [
    bool('all', 'All objects of the types.'),
    allNamespacesFlag,
    fieldSelectorFlag,
    ...filenameFlags,
    array('for', 'What to wait for: create, delete, condition=NAME[=VALUE] or jsonpath=EXPRESSION[=VALUE].'),
    bool('local', 'Refused.'),
    selectorFlag,
    duration('timeout', 'How long to wait; 0 looks once.', undefined, '30s'),
    text('resource-version', 'Accepted.'),
    ...printFlags,
  ],
  run,
}

type Goal = { kind: 'delete' | 'create' } | { kind: 'holds'; check(object: KubeObject): boolean }

async function run(call: Call): Promise<undefined> {
  const goal = parseGoal(call.flags.list('for').at(-1) ?? '')
  const options = {
    all: call.flags.bool('all'),
    selector: call.flags.text('selector'),
    fieldSelector: call.flags.text('field-selector'),
    allNamespaces: call.flags.bool('all-namespaces'),
  }
  const targets = await namedTargets(call, call.args, options)
  const limit = call.flags.duration('timeout')
  const week = 7 * 24 * 3_600_000
  const end = call.process.clock.now() + (limit < 0 ? week : limit)
  const failures: Error[] = []
  const printer = objectPrinter(call)
  let seen = 0
  for (const target of targets) {
    try {
      for (const info of await startOf(call, target, options, goal, end)) {
        seen++
        try {
          const met = await waitFor(call, info, goal, limit === 0 ? undefined : end)
          await call.out(printer ? printer.print(met) : `${namedObject(info.type, info.name)} condition met\n`)
        } catch (error) {
          if (!(error instanceof Failure)) throw error
          failures.push(error)
        }
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      failures.push(error)
    }
  }
  throwAll(failures)
  if (seen === 0 && goal.kind !== 'delete') throw new Failure('no matching resources found')
}

async function startOf(call: Call, target: Target, options: object, goal: Goal, end: number): Promise<Info[]> {
  const infos: Info[] = []
  try {
    for await (const info of fetchTarget(call, target, options)) infos.push(info)
  } catch (error) {
    if (!isNotFound(error)) throw error
    if (goal.kind === 'delete') return []
    if (goal.kind !== 'create') throw error
    await untilThere(call, target, end)
    return startOf(call, target, options, goal, end)
  }
  return infos
}

async function untilThere(call: Call, target: Target, end: number): Promise<void> {
  while (call.process.clock.now() < end) {
    await call.process.clock.sleep(Math.min(500, end - call.process.clock.now()), call.process.signal)
    try {
      await call.client().json('GET', pathOf(target.type, target.namespace, target.name))
      return
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  throw new Failure('timed out waiting for the condition')
}

const timedOut = (target: Pick<Target, 'type' | 'name'>) =>
  new Failure(`timed out waiting for the condition on ${target.type.plural}/${target.name}`)

/** The object as it then is. All objects share one deadline; `end` is undefined where one look is all. */
async function waitFor(call: Call, info: Info, goal: Goal, end: number | undefined): Promise<KubeObject> {
  if (goal.kind === 'create') return info.object
  const left = end === undefined ? 0 : end - call.process.clock.now()
  if (end !== undefined && left <= 0) throw timedOut(info)
  if (goal.kind === 'holds' && goal.check(info.object)) return info.object
  if (left <= 0) throw timedOut(info)
  const late = call.process.clock.sleep(left, call.process.signal).then((): never => {
    throw timedOut(info)
  })
  late.catch(() => {})
  return race(Promise.race([follow(call, info, goal), late]), call.process.signal)
}

async function follow(call: Call, info: Info, goal: Goal): Promise<KubeObject> {
  const query = { fieldSelector: `metadata.name=${info.name}` }
  const uid = info.object.metadata?.uid
  for (;;) {
    const list = await call.client().json('GET', pathOf(info.type, info.namespace), { query })
    const now = (list.items as KubeObject[])[0]
    if (goal.kind === 'delete' && now?.metadata?.uid !== uid) return info.object
    if (goal.kind === 'holds' && !now)
      throw new Failure(`${info.type.plural}${info.type.group ? `.${info.type.group}` : ''} ${JSON.stringify(info.name)} not found`)
    if (goal.kind === 'holds' && now && goal.check(now)) return now
    for await (const event of watchEvents(call.client(), pathOf(info.type, info.namespace), {
      ...query,
      resourceVersion: list.metadata?.resourceVersion ?? '',
    })) {
      if (event.type === 'BOOKMARK') continue
      if (goal.kind === 'delete' && event.type === 'DELETED') return event.object
      if (goal.kind === 'holds' && event.type !== 'DELETED' && goal.check(event.object)) return event.object
    }
  }
}

function parseGoal(words: string): Goal {
  if (words.toLowerCase() === 'delete') return { kind: 'delete' }
  if (words.toLowerCase() === 'create') return { kind: 'create' }
  if (words.startsWith('condition=')) {
    const [name = '', value = 'true'] = words.slice('condition='.length).split('=')
    return { kind: 'holds', check: (object) => conditionHolds(object, name, value) }
  }
  if (words.startsWith('jsonpath=')) {
    const match = /^'?(\{.*\}|\{[^=}]*|[^{=]+)'?(?:=(.*))?$/s.exec(words.slice('jsonpath='.length))
    if (!match)
      throw new Failure(
        "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
      )
    const [, path = '', given] = match
    if ((path.startsWith('{') && !path.endsWith('}')) || /^[^{].*[{}]/.test(path))
      throw new Failure("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'")
    if (given === '') throw new Failure('jsonpath wait has to have a value after equal sign')
    const value = given?.replace(/^(["'])(.*)\1$/, '$2')
    return {
      kind: 'holds',
      check(object) {
        const found = lookUp(path, object)
        if (value === undefined) return found.length > 0
        if (found.length === 1 && typeof found[0] === 'object' && found[0] !== null)
          throw new Failure('jsonpath leads to a nested object or list which is not supported')
        return found.length === 1 && valueText(found[0]) === value
      },
    }
  }
  throw new Failure(`unrecognized condition: ${JSON.stringify(words)}`)
}

function conditionHolds(object: KubeObject, name: string, value: string): boolean {
  const status = object['status'] as
    | { conditions?: { type: string; status: string; observedGeneration?: number }[]; observedGeneration?: number }
    | undefined
  const generation = object.metadata?.generation
  const found = status?.conditions?.find((one) => one.type.toLowerCase() === name.toLowerCase())
  if (!found) return false
  const observed = found.observedGeneration ?? status?.observedGeneration
  // A condition about an older spec says nothing about this one.
  if (generation !== undefined && observed !== undefined && observed < generation) return false
  return found.status.toLowerCase() === value.toLowerCase()
}
