import { Failure } from '../cli/failure.ts'
import { bool, duration, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf } from '../client/discovery.ts'
import { dryRunFlag, dryRunOf, fieldManagerFlag, own, report, sendPatch } from '../objects/change.ts'
import { filenameFlags } from '../objects/manifests.ts'
import { fetchInfos, namedTargets, selectorFlag, visit } from '../objects/targets.ts'
import { printFlags } from '../print/printer.ts'
import { createGenerated } from './generate.ts'

export const scaleVerb: Verb = {
  name: 'scale',
  about: 'Set a new size for a deployment, replica set, or replication controller',
  examples: ['kubectl scale --replicas=3 deployment/web', 'kubectl scale --current-replicas=2 --replicas=3 deployment/web'],
  usage: '[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME) [options]',
  required: ['replicas'],
  flags: [
    bool('all', 'All objects of the types.'),
    int('current-replicas', 'Only if it has this many now; -1 for any.', undefined, '-1'),
    dryRunFlag,
    ...filenameFlags,
    int('replicas', 'How many there are to be.'),
    text('resource-version', 'Only if the object is still of this version.'),
    selectorFlag,
    duration('timeout', 'How long to wait for the new size; 0 does not wait.'),
    ...printFlags,
  ],
  run: scale,
}

async function scale(call: Call): Promise<undefined> {
  const replicas = call.flags.number('replicas')
  if (replicas < 0) throw new Failure('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0')
  const options = { all: call.flags.bool('all'), selector: call.flags.text('selector') }
  const seen = await visit(call, await namedTargets(call, call.args, options), options, async (info) => {
    const current = call.flags.number('current-replicas')
    const spec = info.object['spec'] as { replicas?: number } | undefined
    if (current >= 0 && spec?.replicas !== current) throw new Failure(`Expected replicas to be ${current}, was ${spec?.replicas ?? 0}`)
    const version = call.flags.text('resource-version')
    const now = info.object.metadata?.resourceVersion ?? ''
    if (version !== '' && version !== now) throw new Failure(`Expected resource version to be ${version}, was ${now}`)
    if (dryRunOf(call) !== 'client') await sendPatch(call, info, 'merge', { spec: { replicas } }, 'scale')
    await report(call, info.type, info.object, 'scaled')
    const timeout = call.flags.duration('timeout')
    if (timeout > 0) await untilSize(call, pathOf(info.type, info.namespace, info.name, 'scale'), replicas, timeout)
  })
  if (seen === 0) throw new Failure('no objects passed to scale')
}

async function untilSize(call: Call, path: string, replicas: number, timeout: number): Promise<void> {
  const end = call.process.clock.now() + timeout
  for (;;) {
    const now = await call.client().json('GET', path)
    if (now.status?.replicas === replicas) return
    if (call.process.clock.now() >= end) throw new Failure('timed out waiting for the condition')
    await call.process.clock.sleep(500, call.process.signal)
  }
}

export const autoscaleVerb: Verb = {
  name: 'autoscale',
  about: 'Auto-scale a deployment, replica set, stateful set, or replication controller',
  usage: '(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [options]',
  flags: [
    text('cpu', 'Average CPU to aim at, in per cent of the request: `80%`.'),
    int('cpu-percent', 'The same as a number.', undefined, '-1'),
    dryRunFlag,
    fieldManagerFlag('kubectl-autoscale'),
    ...filenameFlags,
    int('max', 'Most pods.', undefined, '-1'),
    int('min', 'Fewest pods.', undefined, '-1'),
    text('name', "Name of the autoscaler; the workload's by default."),
    ...printFlags,
  ],
  async run(call) {
    const { flags } = call
    if (flags.number('max') < 1) throw new Failure(`--max=MAXPODS is required and must be at least 1, max: ${flags.number('max')}`)
    if (flags.number('max') < flags.number('min'))
      throw new Failure(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${flags.number('max')}, min: ${flags.number('min')}`)
    for (const info of await fetchInfos(call, await namedTargets(call, call.args))) {
      const utilization = flags.text('cpu') ? Number.parseInt(flags.text('cpu'), 10) : flags.number('cpu-percent')
      const spec = {
        scaleTargetRef: { kind: info.type.kind, name: info.name, apiVersion: info.object.apiVersion },
        ...(flags.number('min') > 0 ? { minReplicas: flags.number('min') } : {}),
        maxReplicas: flags.number('max'),
        ...(utilization > 0
          ? { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: utilization } } }] }
          : {}),
      }
      const status = { currentReplicas: 0, desiredReplicas: 0, currentMetrics: null }
      const hpa = own('HorizontalPodAutoscaler', 'autoscaling/v2', { metadata: { name: flags.text('name') || info.name }, spec, status })
      await createGenerated(call, hpa, undefined, 'autoscaled')
    }
    return undefined
  },
}
