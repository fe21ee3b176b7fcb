import type { Container, EnvVar, Pod } from 'kubernetes-types/core/v1'
import { Failure } from '../cli/failure.ts'
import { array, bool, list, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { apiVersionOf, pathOf, resolveType } from '../client/discovery.ts'
import { watchEvents } from '../client/watch.ts'
import { podPath } from '../objects/pods.ts'
import { fetchInfos, namedTargets } from '../objects/targets.ts'
import { copiedPod, nodePodSpec, type Profile, profiles, withProfile } from './debug-profiles.ts'
import { attach } from './exec.ts'

export const debugVerb: Verb = {
  name: 'debug',
  about: 'Create debugging sessions for troubleshooting workloads and nodes',
  more: 'Adds an ephemeral container to a pod, makes a changed copy of a pod, or starts a pod in the namespaces of a node.',
  examples: [
    'kubectl debug -it web --image=busybox --target=nginx',
    'kubectl debug web -it --image=busybox --copy-to=web-debug',
    'kubectl debug node/faultline-worker -it --image=busybox',
  ],
  usage: '(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ] [options]',
  flags: [
    bool('arguments-only', 'The words after -- replace the arguments instead of the command.'),
    bool('attach', 'Attach once it runs.'),
    text('container', 'Name of the new container, or of the one to change.', 'c'),
    text('copy-to', 'Name of a copy of the pod to make.'),
    text('custom', 'Refused.'),
    array('env', 'KEY=VALUE in the environment.'),
    text('image', 'Image of the new container.'),
    text('image-pull-policy', 'Always, IfNotPresent or Never.'),
    bool('keep-annotations', 'Of a copy: keep the annotations.'),
    bool('keep-init-containers', 'Of a copy: keep the init containers.', undefined, 'true'),
    bool('keep-labels', 'Of a copy: keep the labels.'),
    bool('keep-liveness', 'Of a copy: keep the liveness probes.'),
    bool('keep-readiness', 'Of a copy: keep the readiness probes.'),
    bool('keep-startup', 'Of a copy: keep the startup probes.'),
    text('profile', `One of ${profiles.join(', ')}.`, undefined, 'legacy'),
    bool('quiet', 'Only what the command itself says.', 'q'),
    bool('replace', 'Delete the original of a copy.'),
    bool('same-node', 'Put the copy onto the same node.'),
    list('set-image', 'NAME=IMAGE of containers in a copy.'),
    bool('share-processes', 'Of a copy: share one process namespace.', undefined, 'true'),
    bool('stdin', 'Keep standard input open, and attach.', 'i'),
    text('target', 'Container whose processes are to be seen.'),
    bool('tty', 'Give the container a terminal.', 't'),
  ],
  run,
}

async function run(call: Call): Promise<number | undefined> {
  const { flags } = call
  const names = call.dash < 0 ? call.args : call.args.slice(0, call.dash)
  const profile = profiles.find((one) => one === flags.text('profile'))
  if (!profile) throw new Failure(`unknown profile: ${flags.text('profile')}`)
  validate(call, names)
  if (flags.text('target') && !flags.bool('quiet')) {
    await call.out(
      `Targeting container ${JSON.stringify(flags.text('target'))}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
    )
  }
  if (flags.bool('tty') && !flags.bool('stdin')) throw new Failure('-i/--stdin is required for containers with -t/--tty=true')
  if (profile === 'legacy') {
    await call.err(
      '--profile=legacy is deprecated and will be removed in the future. It is recommended to explicitly specify a profile, for example "--profile=general".\n',
    )
  }
  for (const info of await fetchInfos(call, await namedTargets(call, names, { defaultType: 'pods' }))) {
    let made: { pod: Pod; container: string }
    if (info.type.kind === 'Node') made = await debugNode(call, info.name, profile)
    else if (info.type.kind === 'Pod') {
      const pod = info.object as unknown as Pod
      made = flags.text('copy-to') ? await debugCopy(call, pod, profile) : await debugEphemeral(call, pod, profile)
    } else throw new Failure(`"${apiVersionOf(info.type)}, Kind=${info.type.kind}" not supported by debug`)
    const attaching = flags.changed('attach') ? flags.bool('attach') : flags.bool('stdin')
    if (attaching && made.container !== '') await attachTo(call, made.pod, made.container)
  }
  return undefined
}

function validate({ flags, args, dash }: Call, names: readonly string[]): void {
  const words = dash < 0 ? [] : args.slice(dash)
  const given = (name: string) => flags.text(name) !== ''
  if (given('custom')) throw new Failure('--custom is not supported by this kubectl; use --profile')
  if (flags.changed('attach') && flags.bool('attach') && !given('image') && !given('container'))
    throw new Failure('you must specify --container or create a new container using --image in order to attach.')
  const images = flags.list('set-image')
  if (given('copy-to')) {
    if (!given('image') && images.length === 0 && words.length === 0)
      throw new Failure('you must specify --image, --set-image or command arguments.')
    if (words.length > 0 && !given('container') && !given('image'))
      throw new Failure('you must specify an existing container or a new image when specifying args.')
  } else {
    if (flags.bool('replace')) throw new Failure('--replace may only be used with --copy-to.')
    if (flags.bool('same-node')) throw new Failure('--same-node may only be used with --copy-to.')
    if (images.length > 0) throw new Failure('--set-image may only be used with --copy-to.')
    if (!given('image')) throw new Failure('you must specify --image when not using --copy-to.')
  }
  if (names.length === 0) throw new Failure('NAME or filename is required for debug')
  const policy = flags.text('image-pull-policy')
  if (!['Always', 'IfNotPresent', 'Never', ''].includes(policy)) throw new Failure(`invalid image pull policy: ${policy}`)
  if (given('target') && given('copy-to')) throw new Failure('--target is incompatible with --copy-to. Use --share-processes instead.')
}

/** What the command line says of the container, whichever way it comes into being. */
function wished(call: Call): Partial<Container> {
  const { flags } = call
  const words = call.dash < 0 ? [] : call.args.slice(call.dash)
  const env = flags.list('env').map((pair): EnvVar => {
    const equals = pair.indexOf('=')
    if (equals < 1) throw new Failure(`invalid env: ${pair}`)
    return { name: pair.slice(0, equals), value: pair.slice(equals + 1) }
  })
  return {
    ...(words.length > 0 ? (flags.bool('arguments-only') ? { args: words } : { command: words }) : {}),
    ...(env.length > 0 ? { env } : {}),
    ...(flags.text('image') ? { image: flags.text('image') } : {}),
    ...(flags.text('image-pull-policy') ? { imagePullPolicy: flags.text('image-pull-policy') } : {}),
    stdin: flags.bool('stdin'),
    tty: flags.bool('tty'),
  }
}

async function defaultName(call: Call): Promise<string> {
  const given = call.flags.text('container')
  if (given) return given
  const name = `debugger-${call.process.random.suffix(5)}`
  if (!call.flags.bool('quiet')) await call.out(`Defaulting debug container name to ${name}.\n`)
  return name
}

async function debugEphemeral(call: Call, pod: Pod, profile: Profile): Promise<{ pod: Pod; container: string }> {
  const name = await defaultName(call)
  const target = call.flags.text('target')
  const container = withProfile({ name, ...wished(call), terminationMessagePolicy: 'File' }, profile)
  const before = (pod.spec?.ephemeralContainers ?? []) as { name: string }[]
  const changed = await call.client().json<Pod>('PATCH', await podPath(call, pod, 'ephemeralcontainers'), {
    body: {
      spec: {
        '$setElementOrder/ephemeralContainers': [...before, container].map((one) => ({ name: one.name })),
        ephemeralContainers: [{ ...container, ...(target ? { targetContainerName: target } : {}) }],
      },
    },
    contentType: 'application/strategic-merge-patch+json',
  })
  return { pod: changed, container: name }
}

async function debugCopy(call: Call, pod: Pod, profile: Profile): Promise<{ pod: Pod; container: string }> {
  const { flags } = call
  const keep = {
    labels: flags.bool('keep-labels'),
    annotations: flags.bool('keep-annotations'),
    liveness: flags.bool('keep-liveness'),
    readiness: flags.bool('keep-readiness'),
    startup: flags.bool('keep-startup'),
    initContainers: flags.bool('keep-init-containers'),
  }
  const images = new Map(
    flags.list('set-image').map((pair): [string, string] => {
      const equals = pair.indexOf('=')
      return [pair.slice(0, equals), pair.slice(equals + 1)]
    }),
  )
  const copy = copiedPod(pod, profile, keep)
  const spec = copy.spec!
  spec.containers = spec.containers.map((one) => {
    const image = images.get(one.name) ?? images.get('*')
    return image ? { ...one, image } : one
  })
  if (flags.changed('share-processes')) spec.shareProcessNamespace = flags.bool('share-processes')
  if (!flags.bool('same-node')) delete spec.nodeName
  const existing = spec.containers.findIndex(({ name }) => name === flags.text('container'))
  let container = ''
  if (existing >= 0) {
    container = flags.text('container')
    // A new command leaves nothing of the old arguments.
    const { args: _, ...rest } = spec.containers[existing]!
    const change = wished(call)
    const base = change.command ? (rest as Container) : spec.containers[existing]!
    spec.containers[existing] = withProfile({ ...base, ...change }, profile)
  } else if (flags.text('image')) {
    container = await defaultName(call)
    spec.containers = [...spec.containers, withProfile({ name: container, terminationMessagePolicy: 'File', ...wished(call) }, profile)]
  } else if (images.size === 0) throw new Failure('you must specify image when creating new container')
  const created = await create(call, { ...copy, metadata: { ...copy.metadata, name: flags.text('copy-to') } })
  if (flags.bool('replace')) {
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 }
    await call.client().json('DELETE', await podPath(call, pod, ''), { body })
  }
  return { pod: created, container }
}

async function debugNode(call: Call, node: string, profile: Profile): Promise<{ pod: Pod; container: string }> {
  const name = `node-debugger-${node}-${call.process.random.suffix(5)}`
  const container = call.flags.text('container') || 'debugger'
  if (!call.flags.bool('quiet')) await call.out(`Creating debugging pod ${name} with container ${container} on node ${node}.\n`)
  const spec = nodePodSpec(node, { name: container, ...wished(call), terminationMessagePolicy: 'File' }, profile)
  const labels = { 'app.kubernetes.io/managed-by': 'kubectl-debug' }
  return {
    pod: await create(call, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: call.namespace(), labels }, spec }),
    container,
  }
}

async function create(call: Call, pod: Pod): Promise<Pod> {
  const type = resolveType(await call.discovery(), 'pods')
  return call.client().json<Pod>('POST', pathOf(type, pod.metadata?.namespace), { body: pod })
}

/** Waits until the container runs, and attaches; of one that has ended already the log is shown. */
async function attachTo(call: Call, pod: Pod, container: string): Promise<void> {
  const state = await untilStarted(call, pod, container)
  if (state === 'running') {
    await attach(call, pod, container)
    return
  }
  const log = await call.client().stream('GET', await podPath(call, pod, 'log'), { query: { container } })
  for await (const chunk of log) await call.process.stdout.write(chunk)
}

async function untilStarted(call: Call, pod: Pod, container: string): Promise<'running' | 'ended'> {
  const path = pathOf(resolveType(await call.discovery(), 'pods'), pod.metadata?.namespace)
  const query = { fieldSelector: `metadata.name=${pod.metadata?.name}` }
  let told = ''
  const look = async (one: Pod): Promise<'running' | 'ended' | undefined> => {
    const { containerStatuses = [], ephemeralContainerStatuses = [] } = one.status ?? {}
    const state = [...containerStatuses, ...ephemeralContainerStatuses].find(({ name }) => name === container)?.state
    if (state?.running) return 'running'
    if (state?.terminated) return 'ended'
    const message = state?.waiting?.message
    if (message && message !== told && !call.flags.bool('quiet')) await call.err(`Warning: container ${container}: ${message}\n`)
    told = message ?? ''
    return undefined
  }
  for (;;) {
    const all = await call.client().json('GET', path, { query })
    const [now] = all.items as Pod[]
    if (!now) throw new Failure('pods "" not found')
    const state = await look(now)
    if (state) return state
    for await (const event of watchEvents<Pod>(call.client(), path, { ...query, resourceVersion: all.metadata.resourceVersion })) {
      if (event.type === 'DELETED') throw new Failure('pods "" not found')
      const seen = event.type === 'BOOKMARK' ? undefined : await look(event.object)
      if (seen) return seen
    }
  }
}
