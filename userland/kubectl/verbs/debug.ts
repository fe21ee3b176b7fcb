import type { Pod } from 'kubernetes-types/core/v1'
import { Failure } from '../cli/failure.ts'
import { array, bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'
import { fetchInfos, namedTargets } from '../objects/targets.ts'
import { attach } from './exec.ts'

export const debugVerb: Verb = {
  name: 'debug',
  about: 'Create debugging sessions for troubleshooting workloads and nodes',
  more: 'Adds an ephemeral container to a pod. Copies of pods and sessions on nodes are not supported here.',
  examples: ['kubectl debug -it web --image=busybox --target=nginx'],
  usage: '(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ] [options]',
  flags: [
    bool('attach', 'Attach once it runs.'),
    text('container', 'Name of the new container.', 'c'),
    text('copy-to', 'Refused.'),
    array('env', 'KEY=VALUE in the environment.'),
    text('image', 'Image of the new container.'),
    text('image-pull-policy', 'Always, IfNotPresent or Never.'),
    text('profile', 'Accepted: general, baseline, restricted, netadmin, sysadmin.', undefined, 'general'),
    bool('quiet', 'Only what the command itself says.', 'q'),
    bool('stdin', 'Keep standard input open, and attach.', 'i'),
    text('target', 'Container whose processes are to be seen.'),
    bool('tty', 'Give the container a terminal.', 't'),
  ],
  run,
}

async function run(call: Call): Promise<number | undefined> {
  const { flags } = call
  if (flags.text('copy-to')) throw new Failure('--copy-to is not supported by this kubectl: debug the pod itself')
  if (!flags.text('image')) throw new Failure('you must specify --image when not using --copy-to.')
  const names = call.dash < 0 ? call.args : call.args.slice(0, call.dash)
  const words = call.dash < 0 ? [] : call.args.slice(call.dash)
  if (names.length === 0) throw new Failure('NAME or TYPE/NAME is required for debug')
  if (names.length > 1) throw new Failure(`only one target is supported by debug of this kubectl, given: ${names.join(' ')}`)
  const [info] = await fetchInfos(call, await namedTargets(call, names, { defaultType: 'pods' }))
  if (!info) throw new Failure(`pods ${JSON.stringify(names[0])} not found`)
  if (info.type.kind !== 'Pod') throw new Failure(`debugging a ${info.type.kind} is not supported by this kubectl; name a pod`)
  const pod = info.object as unknown as Pod
  const target = flags.text('target')
  if (!flags.bool('quiet') && target)
    await call.err(
      `Targeting container ${JSON.stringify(target)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
    )
  const name = flags.text('container') || `debugger-${call.process.random.suffix(5)}`
  if (!flags.text('container') && !flags.bool('quiet')) await call.err(`Defaulting debug container name to ${name}.\n`)
  const container = {
    name,
    image: flags.text('image'),
    ...(words.length > 0 ? { command: words } : {}),
    ...(flags.list('env').length > 0
      ? { env: flags.list('env').map((pair) => ({ name: pair.split('=')[0], value: pair.slice(pair.indexOf('=') + 1) })) }
      : {}),
    ...(flags.text('image-pull-policy') ? { imagePullPolicy: flags.text('image-pull-policy') } : {}),
    ...(target ? { targetContainerName: target } : {}),
    stdin: flags.bool('stdin'),
    tty: flags.bool('tty'),
    terminationMessagePolicy: 'File',
  }
  const path = pathOf(info.type, info.namespace, info.name, 'ephemeralcontainers')
  const before = (pod.spec?.ephemeralContainers ?? []) as { name: string }[]
  await call.client().json('PATCH', path, {
    body: {
      spec: {
        ephemeralContainers: [container],
        '$setElementOrder/ephemeralContainers': [...before, container].map((one) => ({ name: one.name })),
      },
    },
    contentType: 'application/strategic-merge-patch+json',
  })
  if (!flags.bool('stdin') && !flags.bool('attach')) return undefined
  await untilRunning(call, info.namespace, info.name, name)
  return attach(call, pod, name)
}

async function untilRunning(call: Call, namespace: string | undefined, podName: string, container: string): Promise<void> {
  const type = resolveType(await call.discovery(), 'pods')
  for (;;) {
    const pod = await call.client().json<any>('GET', pathOf(type, namespace, podName))
    const state = (pod as Pod).status?.ephemeralContainerStatuses?.find((one) => one.name === container)?.state
    if (state?.running || state?.terminated) return
    await call.process.clock.sleep(200, call.process.signal)
  }
}
