import type { Pod } from 'kubernetes-types/core/v1'
import { Failure, misuse, PlainFailure, SilentExit } from '../cli/failure.ts'
import { array, bool, duration, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { namedObject, pathOf, resolveType } from '../client/discovery.ts'
import { watchEvents } from '../client/watch.ts'
import { createObject, dryRunFlag, dryRunOf, fieldManagerFlag, own, report } from '../objects/change.ts'
import { podPath } from '../objects/pods.ts'
import { patched } from '../patch/apply.ts'
import { markOwn, printFlags } from '../print/printer.ts'
import { attach } from './exec.ts'
import { isImageReference } from './image-reference.ts'

export const runVerb: Verb = {
  name: 'run',
  about: 'Run a particular image on the cluster',
  examples: ['kubectl run web --image=nginx', 'kubectl run -it --rm test --image=busybox --restart=Never -- sh'],
  usage:
    'NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...] [options]',
  required: ['image'],
  flags: [
    array('annotations', 'KEY=VALUE to annotate the pod with.'),
    bool('attach', 'Attach to the pod once it runs.'),
    bool('command', 'The words after -- replace the entrypoint instead of its arguments.'),
    dryRunFlag,
    array('env', 'KEY=VALUE in the environment.'),
    bool('expose', 'Create a service for the pod as well.'),
    fieldManagerFlag('kubectl-run'),
    text('image', 'Image of the container.'),
    text('image-pull-policy', 'Always, IfNotPresent or Never.'),
    text('labels', 'KEY=VALUE pairs.', 'l'),
    bool('leave-stdin-open', 'Accepted.'),
    text('override-type', 'How --overrides is merged: merge.', undefined, 'merge'),
    text('overrides', 'JSON to lay over the pod.'),
    duration('pod-running-timeout', 'How long to wait for the pod to run.', undefined, '1m0s'),
    text('port', 'Port that the container exposes.'),
    bool('privileged', 'Run it privileged.'),
    bool('quiet', 'Only what the command itself says.', 'q'),
    text('restart', 'Always, OnFailure or Never.', undefined, 'Always'),
    bool('rm', 'Delete the pod afterwards.'),
    bool('save-config', 'Accepted.'),
    bool('stdin', 'Keep standard input open, and attach.', 'i'),
    bool('tty', 'Give the container a terminal.', 't'),
    int('grace-period', 'Seconds the pod gets to end with --rm.', undefined, '-1'),
    ...printFlags,
  ],
  run,
}

async function run(call: Call): Promise<number | undefined> {
  const { flags } = call
  const before = call.dash < 0 ? call.args : call.args.slice(0, call.dash)
  if (before.length === 0) throw misuse(call.path, 'NAME is required for run')
  const interactive = flags.bool('stdin') || flags.bool('tty')
  const attaching = flags.changed('attach') ? flags.bool('attach') : interactive
  if (flags.bool('tty') && !flags.bool('stdin')) throw misuse(call.path, '-i/--stdin is required for containers with -t/--tty=true')
  if (flags.bool('expose') && !flags.text('port')) throw misuse(call.path, '--port must be set when exposing a service')
  const image = flags.text('image')
  if (!image) throw new Failure('--image is required')
  if (!isImageReference(image)) throw new Failure(`Invalid image name ${JSON.stringify(image)}: invalid reference format`)
  if (!['', 'Always', 'IfNotPresent', 'Never'].includes(flags.text('image-pull-policy')))
    throw misuse(call.path, `invalid image pull policy: ${flags.text('image-pull-policy')}`)
  if (flags.bool('rm') && !attaching) throw misuse(call.path, '--rm should only be used for attached containers')
  if (attaching && dryRunOf(call) !== 'none')
    throw misuse(call.path, "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)")
  if (!['Always', 'OnFailure', 'Never'].includes(flags.text('restart')))
    throw misuse(call.path, `invalid restart policy: ${flags.text('restart')}`)
  const pod = generate(call, before[0] as string, call.args.slice(before.length > 0 && call.dash >= 0 ? call.dash : 1))
  const type = resolveType(await call.discovery(), 'pods')
  if (dryRunOf(call) === 'client') {
    await report(call, type, pod, 'created')
    return undefined
  }
  const created = (await createObject(call, type, call.namespace(), pod)) as unknown as Pod
  if (flags.bool('expose')) await expose(call, pod)
  if (!attaching) {
    await report(call, type, created as never, 'created')
    return undefined
  }
  try {
    return await attachWhenRunning(call, created)
  } finally {
    if (flags.bool('rm')) {
      await call.client().json('DELETE', pathOf(type, created.metadata?.namespace, created.metadata?.name), {
        body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' },
      })
      if (!flags.bool('quiet'))
        await call.out(`pod ${JSON.stringify(created.metadata?.name)} deleted from ${created.metadata?.namespace} namespace\n`)
    }
  }
}

function generate(call: Call, name: string, words: readonly string[]) {
  const { flags } = call
  const split = (pair: string): [string, string] => {
    const equals = pair.indexOf('=')
    if (equals < 1) throw new Failure(`unexpected label spec: ${pair}`)
    return [pair.slice(0, equals), pair.slice(equals + 1)]
  }
  const labels = flags.text('labels') ? Object.fromEntries(flags.text('labels').split(',').map(split)) : { run: name }
  const env = flags.list('env').map((pair) => {
    const equals = pair.indexOf('=')
    if (equals < 1) throw new Failure(`invalid env: ${pair}`)
    return { name: pair.slice(0, equals), value: pair.slice(equals + 1) }
  })
  const annotations = Object.fromEntries(flags.list('annotations').map(split))
  const container = {
    name,
    image: flags.text('image'),
    ...(words.length > 0 ? (flags.bool('command') ? { command: words } : { args: words }) : {}),
    ...(flags.text('port') ? { ports: [{ containerPort: Number(flags.text('port')) }] } : {}),
    ...(env.length > 0 ? { env } : {}),
    resources: {},
    ...(flags.text('image-pull-policy') ? { imagePullPolicy: flags.text('image-pull-policy') } : {}),
    ...(flags.bool('privileged') ? { securityContext: { privileged: true } } : {}),
    ...(flags.bool('stdin') ? { stdin: true, ...(flags.bool('leave-stdin-open') ? {} : { stdinOnce: true }) } : {}),
    ...(flags.bool('tty') ? { tty: true } : {}),
  }
  const spec = { containers: [container], restartPolicy: flags.text('restart'), dnsPolicy: 'ClusterFirst' }
  const metadata = {
    name,
    ...(flags.changed('namespace') ? { namespace: call.namespace() } : {}),
    labels,
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  }
  const pod = own('Pod', 'v1', { metadata, spec, status: {} })
  if (!flags.text('overrides')) return pod
  const kind = flags.text('override-type')
  if (kind !== 'merge' && kind !== 'json' && kind !== 'strategic') throw new Failure(`invalid override type: ${kind}`)
  let overrides: Record<string, unknown>
  try {
    overrides = JSON.parse(flags.text('overrides'))
  } catch {
    throw new Failure('Invalid JSON Patch') // whatever is wrong with it
  }
  return markOwn(patched(kind, pod, overrides))
}

async function expose(call: Call, pod: { metadata?: any }): Promise<void> {
  const port = Number(call.flags.text('port'))
  const spec = { ports: [{ protocol: 'TCP', port, targetPort: port }], selector: pod.metadata.labels }
  const type = resolveType(await call.discovery(), 'services')
  await createObject(call, type, call.namespace(), { kind: 'Service', apiVersion: 'v1', metadata: { name: pod.metadata.name }, spec })
  await call.out(`${namedObject(type, pod.metadata.name)} created\n`)
}

/** Follows the pod until its container runs, then attaches; a container that has ended already shows its log. */
async function attachWhenRunning(call: Call, created: Pod): Promise<number> {
  const container = created.spec?.containers[0]?.name ?? ''
  const state = await untilStarted(call, created)
  if (state === 'ended') await printLog(call, created)
  else await attach(call, created, container)
  if (call.flags.text('restart') === 'Always') return 0
  const ended = await untilPod(call, created, (pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed')
  if (ended.status?.phase === 'Succeeded') return 0
  const code = ended.status?.containerStatuses?.[0]?.state?.terminated?.exitCode ?? 1
  if (code === 0) return 0
  throw call.flags.text('restart') === 'Never' ? new PodFailed(created, code) : new SilentExit(code)
}

class PodFailed extends PlainFailure {
  constructor(pod: Pod, code: number) {
    super(`pod ${pod.metadata?.namespace}/${pod.metadata?.name} terminated (Error)`, code)
  }
}

async function untilStarted(call: Call, pod: Pod): Promise<'running' | 'ended'> {
  const ready = await Promise.race([
    untilPod(
      call,
      pod,
      (one) =>
        one.status?.phase === 'Succeeded' ||
        one.status?.phase === 'Failed' ||
        (one.status?.containerStatuses?.[0]?.state?.running !== undefined && one.status.phase === 'Running'),
    ),
    call.process.clock.sleep(call.flags.duration('pod-running-timeout'), call.process.signal).then((): Pod => {
      throw new Failure('timed out waiting for the condition')
    }),
  ])
  return ready.status?.phase === 'Running' ? 'running' : 'ended'
}

async function untilPod(call: Call, pod: Pod, done: (pod: Pod) => boolean): Promise<Pod> {
  const type = resolveType(await call.discovery(), 'pods')
  const query = { fieldSelector: `metadata.name=${pod.metadata?.name}` }
  for (;;) {
    const list = await call.client().json('GET', pathOf(type, pod.metadata?.namespace), { query })
    const [now] = list.items as Pod[]
    if (!now) throw new Failure(`pods ${JSON.stringify(pod.metadata?.name)} not found`)
    if (done(now)) return now
    for await (const event of watchEvents<Pod>(call.client(), pathOf(type, pod.metadata?.namespace), {
      ...query,
      resourceVersion: list.metadata.resourceVersion,
    })) {
      if (event.type === 'DELETED') throw new Failure('watch closed before UntilWithoutRetry timeout')
      if (event.type !== 'BOOKMARK' && done(event.object)) return event.object
    }
  }
}

async function printLog(call: Call, pod: Pod): Promise<void> {
  for await (const chunk of await call.client().stream('GET', await podPath(call, pod, 'log'), {})) await call.process.stdout.write(chunk)
}
