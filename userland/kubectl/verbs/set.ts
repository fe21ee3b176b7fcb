import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, StatusFailure } from '../cli/failure.ts'
import type { Flag } from '../cli/flags.ts'
import { array, bool, list, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { dryRunFlag, dryRunOf, fieldManagerFlag, report, sendChange } from '../objects/change.ts'
import { filenameFlags } from '../objects/manifests.ts'
import { eachOf, fetchInfos, namedTargets, nothingNamed, selectorFlag, visit } from '../objects/targets.ts'
import { printFlags } from '../print/printer.ts'
import { checkQuantity } from './quantity.ts'
import { changeEnv, envChanges, listEnv } from './set-env.ts'
import { setSubject } from './set-subject.ts'

const common: readonly Flag[] = [
  bool('all', 'All objects of the types.'),
  dryRunFlag,
  fieldManagerFlag('kubectl-set'),
  ...filenameFlags,
  bool('local', 'Refused.'),
  selectorFlag,
  ...printFlags,
]

export const setVerb: Verb = {
  name: 'set',
  about: 'Set specific features on objects',
  usage: 'SUBCOMMAND [options]',
  children: [
    {
      name: 'env',
      about: 'Update environment variables on a pod template',
      examples: ['kubectl set env deployment/web A=B', 'kubectl set env deployment/web A-', 'kubectl set env deployment/web --list'],
      usage: 'RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N [options]',
      flags: [
        text('containers', 'Names of the containers to change, with wildcards.', 'c', '*'),
        array('env', 'KEY=VALUE to set.', 'e'),
        text('from', 'configmap/NAME or secret/NAME to take the variables from.'),
        list('keys', 'Keys to take with --from.'),
        bool('list', 'Show the variables instead.'),
        bool('overwrite', 'Variables that are there may change.', undefined, 'true'),
        text('prefix', 'What to put before the names taken with --from.'),
        bool('resolve', 'Refused.'),
        ...common,
      ],
      run: setEnv,
    },
    {
      name: 'image',
      about: 'Update the image of a pod template',
      examples: ['kubectl set image deployment/web nginx=nginx:1.27', 'kubectl set image deployment/web *=nginx:1.27'],
      usage: '(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N [options]',
      flags: common,
      run: setImage,
    },
    {
      name: 'resources',
      about: 'Update resource requests/limits on objects with pod templates',
      usage: '(-f FILENAME | TYPE NAME) ([--limits=LIMITS & --requests=REQUESTS] [options]',
      flags: [
        text('containers', 'Names of the containers to change, with wildcards.', 'c', '*'),
        text('limits', 'cpu=…,memory=….'),
        text('requests', 'cpu=…,memory=….'),
        ...common,
      ],
      run: setResources,
    },
    {
      name: 'selector',
      about: 'Set the selector on a resource',
      usage: '(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version] [options]',
      flags: [...common, text('resource-version', 'Only if the object is still of this version.')],
      run: setSelector,
    },
    {
      name: 'serviceaccount',
      aliases: ['sa'],
      about: 'Update the service account of a resource',
      usage: '(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT [options]',
      flags: common,
      run: setServiceAccount,
    },
    setSubject(common),
  ],
}

type Template = { spec: { containers?: any[]; initContainers?: any[]; [field: string]: any } }

/** Where a workload keeps its pod's spec: `[]` for a pod itself. Undefined for kinds without one. */
export function templatePath(object: KubeObject): string[] | undefined {
  if (object.kind === 'Pod') return []
  if (object.kind === 'CronJob') return ['spec', 'jobTemplate', 'spec', 'template']
  const spec = object['spec'] as { template?: unknown } | undefined
  return spec?.template ? ['spec', 'template'] : undefined
}

export function changeAt(object: any, path: readonly string[], change: (at: any) => any): any {
  const [first, ...rest] = path
  return first === undefined ? change(object) : { ...object, [first]: changeAt(object[first], rest, change) }
}

async function eachTemplate(
  call: Call,
  words: readonly string[],
  done: string,
  failing: string,
  change: (template: Template, object: KubeObject, named: string) => Template | undefined,
): Promise<undefined> {
  if (call.flags.bool('local')) throw new Failure('--local is not supported by this kubectl')
  const options = { all: call.flags.bool('all'), selector: call.flags.text('selector') }
  // All are looked up before the first is changed.
  const infos = await fetchInfos(call, await namedTargets(call, words, options), options)
  await eachOf(infos, async (info) => {
    const path = templatePath(info.object)
    const named = `${info.type.plural}/${info.name}`
    if (!path) throw new Failure(`${named} the object is not a pod or does not have a pod template: *v1.${info.type.kind}`)
    let changed: Template | undefined
    const object = changeAt(info.object, path, (template) => (changed = change(template, info.object, named)) ?? template)
    if (!changed) return
    const sent = await sendChange(call, info, object).catch((error: unknown) => {
      throw error instanceof StatusFailure && error.reason === 'Invalid' ? new Failure(`${failing} ${error.message}`) : error
    })
    if (!sent) return
    const shown = dryRunOf(call) === 'client' ? changeAt(sent, path, withDivisors) : sent
    await report(call, info.type, shown, done)
  })
}

/** What only prints has been through Go's types, which leave no divisor out. */
function withDivisors(template: Template): Template {
  const filled = (containers: any[] | undefined) =>
    containers?.map((container) => ({
      ...container,
      ...(container.env && {
        env: container.env.map((one: any) =>
          one.valueFrom?.resourceFieldRef
            ? { ...one, valueFrom: { resourceFieldRef: { divisor: '0', ...one.valueFrom.resourceFieldRef } } }
            : one,
        ),
      }),
    }))
  const { containers, initContainers } = template.spec
  const spec = { ...template.spec, containers: filled(containers) ?? [] }
  return { ...template, spec: initContainers ? { ...spec, initContainers: filled(initContainers) ?? [] } : spec }
}

function isPair(word: string): boolean {
  return word.includes('=')
}

async function setImage(call: Call): Promise<undefined> {
  const words = call.args.filter((word) => !isPair(word))
  const images = new Map(call.args.filter(isPair).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]))
  if (words.length > 0 && images.size === 0) {
    await fetchInfos(call, await namedTargets(call, words, { all: call.flags.bool('all') }))
    throw new Failure('at least one image update is required')
  }
  if (images.size > 1 && images.has('*'))
    throw new Failure('all containers are already specified by *, but saw more than one container_name=container_image pairs')
  return eachTemplate(call, words, 'image updated', 'failed to patch image update to pod template:', (template) => {
    const found = new Set<string>()
    const replaced = (containers: any[] | undefined) =>
      containers?.map((container) => {
        const image = images.get(container.name) ?? images.get('*')
        if (image === undefined) return container
        found.add(images.has(container.name) ? container.name : '*')
        return { ...container, image }
      })
    const spec = { ...template.spec }
    if (spec.initContainers) spec.initContainers = replaced(spec.initContainers) ?? []
    spec.containers = replaced(spec.containers) ?? []
    for (const name of images.keys()) if (!found.has(name)) throw new Failure(`unable to find container named ${JSON.stringify(name)}`)
    return { ...template, spec }
  })
}

function matchesName(pattern: string, name: string): boolean {
  return new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(name)
}

async function setEnv(call: Call): Promise<undefined> {
  if (call.flags.bool('resolve')) throw new Failure('--resolve is not supported by this kubectl')
  const isEnv = (word: string) => word.includes('=') || (word.endsWith('-') && word !== '-')
  const words = call.args.filter((word) => !isEnv(word))
  if (words.length === 0 && call.flags.list('filename').length === 0)
    throw new Failure('one or more resources must be specified as <resource> <name> or <resource>/<name>')
  const changes = await envChanges(call, [...call.args.filter(isEnv), ...call.flags.list('env')])
  const pattern = call.flags.text('containers')
  if (call.flags.bool('list')) {
    const listed: string[] = []
    await eachTemplate(call, words, '', '', (template, object) => {
      const { containers = [], initContainers = [] } = template.spec
      listed.push(listEnv(object, [...containers, ...initContainers], pattern, matchesName))
      return undefined
    })
    return call.out(listed.join('')) as Promise<undefined>
  }
  const warned: string[] = []
  const missing = (object: KubeObject) =>
    `Warning: ${object.kind}/${object.metadata?.name} does not have any containers matching ${JSON.stringify(pattern)}\n`
  await eachTemplate(call, words, 'env updated', 'failed to patch env update to pod template:', (template, object, named) => {
    const all = [...(template.spec.containers ?? []), ...(template.spec.initContainers ?? [])]
    if (!all.some((one) => matchesName(pattern, one.name))) {
      warned.push(missing(object))
      return undefined
    }
    const change = (containers: any[] | undefined) =>
      containers?.map((one) => (matchesName(pattern, one.name) ? changeEnv(one, changes, call.flags.bool('overwrite'), named) : one))
    const spec = { ...template.spec, containers: change(template.spec.containers) ?? [] }
    if (spec.initContainers) spec.initContainers = change(spec.initContainers) ?? []
    return { ...template, spec }
  })
  return call.err(warned.join('')) as Promise<undefined>
}

async function setResources(call: Call): Promise<undefined> {
  if (call.args.length === 0 && call.flags.list('filename').length === 0) throw new Failure(nothingNamed)
  const parse = (flag: string) =>
    Object.fromEntries(
      call.flags
        .text(flag)
        .split(',')
        .filter(Boolean)
        .map((pair) => {
          const [key, value] = pair.split('=')
          if (!value) throw new Failure(`Invalid argument syntax ${pair}, expected <resource>=<value>`)
          checkQuantity(value)
          return [key, value] as const
        }),
    )
  const [limits, requests] = [parse('limits'), parse('requests')]
  if (Object.keys(limits).length + Object.keys(requests).length === 0)
    throw new Failure('you must specify an update to requests or limits (in the form of --requests/--limits)')
  return eachTemplate(call, call.args, 'resource requirements updated', 'failed to patch resources update to pod template', (template) => {
    const pattern = call.flags.text('containers')
    if (!template.spec.containers?.some((one) => matchesName(pattern, one.name)))
      throw new Failure(`unable to find container named ${pattern}`)
    const containers = (template.spec.containers ?? []).map((container) => {
      if (!matchesName(pattern, container.name)) return container
      const resources = { ...container.resources }
      if (Object.keys(limits).length > 0) resources.limits = { ...resources.limits, ...limits }
      if (Object.keys(requests).length > 0) resources.requests = { ...resources.requests, ...requests }
      return { ...container, resources }
    })
    return { ...template, spec: { ...template.spec, containers } }
  })
}

async function setServiceAccount(call: Call): Promise<undefined> {
  const account = call.args.at(-1)
  if (!account) throw new Failure('serviceaccount is required')
  return eachTemplate(call, call.args.slice(0, -1), 'serviceaccount updated', 'failed to patch ServiceAccountName', (template) => {
    const { serviceAccount: _, ...spec } = template.spec
    return { ...template, spec: { ...spec, serviceAccountName: account } }
  })
}

/** A Service's selector is equalities alone. */
function unequal(pair: string): never {
  const set = /^(\S+) (in|notin) \((.*)\)$/.exec(pair)
  const shown = set
    ? `{${set[1]} ${set[2] === 'in' ? 'In' : 'NotIn'} [${(set[3] ?? '').split(',').join(' ')}]}`
    : pair.startsWith('!')
      ? `{${pair.slice(1)} DoesNotExist []}`
      : `{${pair} Exists []}`
  throw new Failure(`match expression [${shown}] not supported on this object`)
}

async function setSelector(call: Call): Promise<undefined> {
  if (call.args.length === 0) throw new Failure('one selector is required')
  if (call.args.length < 2) throw new Failure('one or more resources must be specified as <resource> <name> or <resource>/<name>')
  const selector = Object.fromEntries(
    (call.args.at(-1) as string).split(',').map((pair) => {
      const [, key = '', value = ''] = /^([^=!\s]+)==?([^=]*)$/.exec(pair) ?? unequal(pair)
      return [key, value]
    }),
  )
  await visit(call, await namedTargets(call, call.args.slice(0, -1)), {}, async (info) => {
    const spec = info.object['spec'] as Record<string, unknown>
    if (info.type.kind !== 'Service') throw new Failure('setting a selector is only supported for Services')
    const sent = await sendChange(call, info, { ...info.object, spec: { ...spec, selector } })
    await report(call, info.type, sent ?? info.object, 'selector updated')
  })
  return undefined
}
