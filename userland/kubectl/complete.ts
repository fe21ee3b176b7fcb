import type { Process } from '../../simulator/programs/process.ts'
import { Failure } from './cli/failure.ts'
import { findVerb } from './cli/find.ts'
import type { Flag } from './cli/flags.ts'
import { bareValue, parseFlags } from './cli/flags.ts'
import { globalFlags } from './cli/global-flags.ts'
import type { Call, Verb } from './cli/verb.ts'
import { findType, fullName, pathOf } from './client/discovery.ts'
import { createCall } from './kubectl.ts'
import { containersOf } from './objects/pods.ts'
import { rootVerb } from './verbs/tree.ts'

/** Verbs whose first argument is a pod's name, or TYPE/NAME. */
const podVerbs = new Set(['logs', 'exec', 'attach', 'debug', 'port-forward'])
const nodeVerbs = new Set(['cordon', 'uncordon', 'drain'])
/** Verbs whose first argument is a type and whose next ones are names. */
const typeVerbs = new Set(
  ['get', 'describe', 'delete', 'edit', 'label', 'annotate', 'scale', 'expose', 'patch', 'wait', 'explain', 'autoscale', 'taint'].concat([
    'status',
    'restart',
    'undo',
    'history',
    'pause',
    'resume',
    'image',
    'env',
    'resources',
    'selector',
    'serviceaccount',
  ]),
)

/**
 * Words that could stand at `words[current]` of a command line (`words[0]` is kubectl), each whole and beginning with what is typed there.
 * Names come from the live API; where it does not answer, there are none.
 */
export async function completeKubectl(words: string[], current: number, process: Process): Promise<string[]> {
  const typed = words[current] ?? ''
  const before = words.slice(1, current)
  try {
    const found = await candidates(before, typed, process)
    return [...new Set(found)].filter((word) => word.startsWith(typed)).sort()
  } catch (error) {
    if (error instanceof Failure) return []
    throw error
  }
}

async function candidates(before: readonly string[], typed: string, process: Process): Promise<string[]> {
  const { verb, path, rest } = findVerb(rootVerb, before, globalFlags)
  const flags = [...(verb.flags ?? []), ...globalFlags]
  const waiting = flagBefore(rest, flags)
  const call = createCall(process, path, lenient(waiting ? rest.slice(0, -1) : rest, flags))
  if (waiting) return flagValues(waiting.name, verb, call)
  const equals = /^--([^=]+)=/.exec(typed)
  if (equals) return (await flagValues(equals[1] as string, verb, call)).map((value) => `${equals[0]}${value}`)
  if (typed.startsWith('-'))
    return flags.map((flag) => (bareValue(flag) === undefined ? `--${flag.name}=` : `--${flag.name}`)).concat('--help')
  if (verb.children && !(verb.run && call.args.length > 0)) {
    const below = verb.children.map((child) => child.name)
    if (!verb.run || verb === rootVerb) return below
    return [...below, ...(await argumentWords(verb, call, typed))]
  }
  return argumentWords(verb, call, typed)
}

/** The flag that waits for its value, when the last word is one. */
function flagBefore(words: readonly string[], flags: readonly Flag[]): Flag | undefined {
  const last = words.at(-1)
  if (!last?.startsWith('-') || last.includes('=') || words.includes('--')) return undefined
  const flag = last.startsWith('--') ? flags.find((one) => one.name === last.slice(2)) : flags.find((one) => one.short === last.at(-1))
  return flag && bareValue(flag) === undefined ? flag : undefined
}

/** As much of an unfinished line as makes sense. */
function lenient(words: readonly string[], flags: readonly Flag[]) {
  try {
    return parseFlags(words, flags)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return parseFlags(
      words.filter((word) => !word.startsWith('-')),
      flags,
    )
  }
}

async function flagValues(name: string, verb: Verb, call: Call): Promise<string[]> {
  switch (name) {
    case 'namespace':
      return names(call, 'namespaces', undefined)
    case 'context':
      return call.kubeconfig().contexts.map((one) => one.name)
    case 'cluster':
      return call.kubeconfig().clusters.map((one) => one.name)
    case 'user':
      return call.kubeconfig().users.map((one) => one.name)
    case 'container':
      return containerNames(call)
    case 'output':
      return verb.name === 'get'
        ? ['wide', 'yaml', 'json', 'name', 'jsonpath=', 'custom-columns=', 'go-template=']
        : ['yaml', 'json', 'name', 'jsonpath=']
    case 'dry-run':
      return ['none', 'client', 'server']
    case 'cascade':
      return ['background', 'foreground', 'orphan']
    case 'filename':
    case 'kubeconfig':
      return []
  }
  return []
}

async function argumentWords(verb: Verb, call: Call, typed: string): Promise<string[]> {
  if (call.dash >= 0) return []
  const [first, ...more] = call.args
  if (podVerbs.has(verb.name)) {
    if (first === undefined) return typed.includes('/') ? slashedNames(call, typed) : names(call, 'pods', call.namespace())
    return verb.name === 'logs' && more.length === 0 ? containerNames(call) : []
  }
  if (nodeVerbs.has(verb.name)) return names(call, 'nodes', undefined)
  if (verb.name === 'use-context' || verb.name === 'delete-context' || verb.name === 'set-context')
    return call.kubeconfig().contexts.map((one) => one.name)
  if (!typeVerbs.has(verb.name)) return []
  if (first === undefined) return typed.includes('/') ? slashedNames(call, typed) : typeWords(call, typed)
  if (first.includes('/') || verb.name === 'explain') return typed.includes('/') ? slashedNames(call, typed) : []
  return (await names(call, first, call.namespace())).filter((name) => !more.includes(name))
}

/** Plurals; after a comma, further ones. */
async function typeWords(call: Call, typed: string): Promise<string[]> {
  const { types } = await call.discovery()
  const comma = typed.lastIndexOf(',')
  const head = comma < 0 ? '' : typed.slice(0, comma + 1)
  const twice = (plural: string, group: string) => types.some((type) => type.plural === plural && type.group !== group && type.group === '')
  return types.map((type) => head + (twice(type.plural, type.group) ? fullName(type) : type.plural))
}

async function slashedNames(call: Call, typed: string): Promise<string[]> {
  const type = typed.slice(0, typed.indexOf('/'))
  return (await names(call, type, call.namespace())).map((name) => `${type}/${name}`)
}

async function names(call: Call, word: string, namespace: string | undefined): Promise<string[]> {
  const type = findType(await call.discovery(), word)
  if (!type) return []
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json'
  const list = await call.client().json('GET', pathOf(type, namespace), { accept, query: { limit: 500 } })
  return (list.items ?? []).map((item: any) => item.metadata.name as string)
}

async function containerNames(call: Call): Promise<string[]> {
  const word = call.args[0]
  if (!word) return []
  const name = word.startsWith('pod/') || word.startsWith('pods/') ? word.slice(word.indexOf('/') + 1) : word
  const type = findType(await call.discovery(), 'pods')
  if (!type || name.includes('/')) return []
  return containersOf(await call.client().json('GET', pathOf(type, call.namespace(), name))).map((one) => one.name)
}
