import type { Pod } from 'kubernetes-types/core/v1'
import { Failure, isNotFound } from '../cli/failure.ts'
import { bool, duration, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { linesAsWritten } from '../client/streaming.ts'
import { byActivity, chooseContainer, containersOf, podPath, podsOf } from '../objects/pods.ts'
import { fetchInfos, namedTargets, selectorFlag } from '../objects/targets.ts'

const usageMistake = `expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command`

export const logsVerb: Verb = {
  name: 'logs',
  aliases: ['log'],
  about: 'Print the logs for a container in a pod',
  examples: [
    'kubectl logs web',
    'kubectl logs -f deploy/web -c nginx',
    'kubectl logs -n kube-system -l k8s-app=kube-dns --tail=20',
    'kubectl logs web --previous',
  ],
  usage: '[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER] [options]',
  flags: [
    bool('all-containers', "All of the pod's containers."),
    bool('all-pods', 'All pods of the workload.'),
    text('container', 'The container.', 'c'),
    bool('follow', 'Go on as lines are written.', 'f'),
    bool('ignore-errors', 'Go on past errors while following.'),
    bool('insecure-skip-tls-verify-backend', 'Accepted; the simulated network has no certificates to check.'),
    int('limit-bytes', 'At most this many bytes.'),
    int('max-log-requests', 'How many logs to follow at once at most.', undefined, '5'),
    duration('pod-running-timeout', 'Accepted.', undefined, '20s'),
    bool('prefix', 'Say before each line which pod and container wrote it.'),
    bool('previous', 'The container that ran before this one.', 'p'),
    selectorFlag,
    duration('since', 'Only lines younger than this.'),
    text('since-time', 'Only lines after this moment (RFC 3339).'),
    int('tail', 'Only this many last lines; -1 is all, 10 with a selector.', undefined, '-1'),
    bool('timestamps', 'Show when each line was written.'),
  ],
  run,
}

async function run(call: Call): Promise<undefined> {
  const { flags } = call
  const selector = flags.text('selector')
  if (call.args.length === 0 && selector === '') throw new Failure(`${usageMistake}\nSee 'kubectl logs -h' for help and examples`)
  if (call.args.length > 0 && selector !== '')
    throw new Failure(`only a selector (-l) or a POD name is allowed\nSee 'kubectl logs -h' for help and examples`)
  if (call.args.length > 2) throw new Failure(`${usageMistake}\nSee 'kubectl logs -h' for help and examples`)
  if (flags.changed('since') && flags.changed('since-time'))
    throw new Failure('at most one of `sinceTime` or `sinceSeconds` may be specified')
  if (flags.bool('all-containers') && flags.text('container'))
    throw new Failure('--all-containers=true should not be specified with container name ' + flags.text('container'))
  if (call.args.length === 2 && flags.text('container')) throw new Failure('only one of -c or an inline [CONTAINER] arg is allowed')
  if (flags.changed('limit-bytes') && flags.number('limit-bytes') < 0) throw new Failure('--limit-bytes must be greater than 0')
  if (flags.duration('since') < 0) throw new Failure('--since must be greater than 0')
  checkMoment(flags.text('since-time'))
  if (flags.number('tail') < -1) throw new Failure('--tail must be greater than or equal to -1')
  const { pods, several } = await choosePods(call, selector)
  const wanted = flags.text('container') || (call.args[1] ?? '')
  const logs: { pod: Pod; container: string }[] = []
  for (const pod of pods) {
    if (flags.bool('all-containers')) {
      const all = containersOf(pod)
      const order = ['init', 'main', 'ephemeral']
      for (const one of [...all].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))) logs.push({ pod, container: one.name })
    } else if (several && wanted === '') logs.push({ pod, container: await chooseContainer(call, pod, '') })
    else logs.push({ pod, container: await chooseContainer(call, pod, wanted) })
  }
  if (flags.bool('follow') && logs.length > 1) {
    if (logs.length > flags.number('max-log-requests'))
      throw new Failure(
        `you are attempting to follow ${logs.length} log streams, but maximum allowed concurrency is ${flags.number('max-log-requests')}, use --max-log-requests to increase the limit`,
      )
    await Promise.all(
      logs.map((one) => print(call, one.pod, one.container, selector !== '', flags.bool('prefix') || flags.bool('all-pods'))),
    )
    return
  }
  // `--all-pods` says whose lines they are.
  const prefix = flags.bool('prefix') || flags.bool('all-pods')
  for (const one of logs) await print(call, one.pod, one.container, selector !== '', prefix)
}

/** Throws Go's words for what is no RFC 3339 time. */
function checkMoment(text: string): void {
  if (text === '' || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return
  const layout = ['2006', '-', '01', '-', '02', 'T', '15', ':', '04', ':', '05', 'Z07:00']
  let rest = text
  for (const part of layout) {
    const pattern = part === 'Z07:00' ? /^(Z|[+-]\d\d:\d\d)$/ : /^\d/.test(part) ? new RegExp(`^\\d{${part.length}}`) : undefined
    const match = pattern ? pattern.exec(rest)?.[0] : rest.startsWith(part) ? part : undefined
    if (match === undefined)
      throw new Failure(
        `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(part)}`,
      )
    rest = rest.slice(match.length)
  }
}

async function choosePods(call: Call, selector: string): Promise<{ pods: Pod[]; several: boolean }> {
  if (selector !== '') {
    const infos = await fetchInfos(call, await namedTargets(call, ['pods'], { typeAlone: true, selector }), { selector })
    if (infos.length === 0) await call.err(`No resources found in ${call.namespace()} namespace.\n`)
    return { pods: infos.map((info) => info.object as unknown as Pod), several: true }
  }
  const word = call.args[0] as string
  const [info] = await fetchInfos(call, await namedTargets(call, [word], { defaultType: 'pods' })).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
    throw new Failure(`error from server (NotFound): ${(error as Failure).message} in namespace ${JSON.stringify(call.namespace())}`)
  })
  if (!info) throw new Failure('no pod found')
  if (info.type.kind === 'Pod') return { pods: [info.object as unknown as Pod], several: false }
  const pods = (await podsOf(call, info, 'get the logs from')).sort(byActivity)
  if (pods.length === 0) throw new Failure('timed out waiting for the condition')
  if (call.flags.bool('all-pods')) return { pods, several: true }
  if (pods.length > 1) await call.err(`Found ${pods.length} pods, using pod/${pods[0]?.metadata?.name}\n`)
  return { pods: pods.slice(0, 1), several: false }
}

async function print(call: Call, pod: Pod, container: string, selected: boolean, prefix: boolean): Promise<void> {
  const { flags } = call
  const tail = flags.changed('tail') ? flags.number('tail') : selected ? 10 : -1
  const query: Record<string, string | number | undefined> = {
    container,
    follow: flags.bool('follow') ? 'true' : undefined,
    previous: flags.bool('previous') ? 'true' : undefined,
    timestamps: flags.bool('timestamps') ? 'true' : undefined,
    sinceSeconds: flags.duration('since') > 0 ? Math.ceil(flags.duration('since') / 1000) : undefined,
    sinceTime: flags.text('since-time') || undefined,
    tailLines: tail >= 0 ? tail : undefined,
    limitBytes: flags.number('limit-bytes') || undefined,
  }
  try {
    const bytes = await call.client().stream('GET', await podPath(call, pod, 'log'), { query })
    if (!prefix) {
      for await (const chunk of bytes) await call.process.stdout.write(chunk)
      return
    }
    for await (const line of linesAsWritten(bytes)) await call.out(`[pod/${pod.metadata?.name}/${container}] ${line}`)
  } catch (error) {
    if (!flags.bool('ignore-errors') || !(error instanceof Failure)) throw error
    await call.err(`error: ${error.message}\n`)
  }
}
