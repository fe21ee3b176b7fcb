import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import { bool, duration, int } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { fullName, namedObject, pathOf } from '../client/discovery.ts'
import { watchEvents } from '../client/watch.ts'
import { dryRunFlag, dryRunMark, dryRunOf, fieldManagerFlag, report, sendChange } from '../objects/change.ts'
import { filenameFlags } from '../objects/manifests.ts'
import type { Info } from '../objects/targets.ts'
import { fetchInfos, namedTargets, selectorFlag, visit } from '../objects/targets.ts'
import { shortMoment } from '../print/age.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'
import { historyObjects, historyText, undo } from './rollout-history.ts'
import { rolloutState } from './rollout-status.ts'

const targetFlags = [...filenameFlags, selectorFlag]
const resource = '(TYPE NAME | TYPE/NAME) [flags]'

export const rolloutVerb: Verb = {
  name: 'rollout',
  about: 'Manage the rollout of a resource',
  examples: ['kubectl rollout status deployment/web', 'kubectl rollout restart deployment/web', 'kubectl rollout undo deployment/web'],
  usage: 'SUBCOMMAND [options]',
  helpTo: 'stdout',
  children: [
    {
      name: 'history',
      about: 'View rollout history',
      usage: `${resource} [options]`,
      flags: [...targetFlags, int('revision', 'Show this revision in full.'), ...printFlags],
      run: history,
    },
    {
      name: 'pause',
      about: 'Mark the provided resource as paused',
      usage: 'RESOURCE [options]',
      flags: [...targetFlags, fieldManagerFlag('kubectl-rollout'), ...printFlags],
      run: (call) => setPaused(call, true),
    },
    {
      name: 'restart',
      about: 'Restart a resource',
      usage: 'RESOURCE [options]',
      flags: [...targetFlags, fieldManagerFlag('kubectl-rollout'), ...printFlags],
      run: restart,
    },
    {
      name: 'resume',
      about: 'Resume a paused resource',
      usage: 'RESOURCE [options]',
      flags: [...targetFlags, fieldManagerFlag('kubectl-rollout'), ...printFlags],
      run: (call) => setPaused(call, false),
    },
    {
      name: 'status',
      about: 'Show the status of the rollout',
      usage: `${resource} [options]`,
      flags: [
        ...targetFlags,
        int('revision', 'Fail once another revision is rolled out.'),
        duration('timeout', 'How long to watch; 0 is without end.'),
        bool('watch', 'Watch until it is done.', 'w', 'true'),
      ],
      run: status,
    },
    {
      name: 'undo',
      about: 'Undo a previous rollout',
      usage: `${resource} [options]`,
      flags: [...targetFlags, dryRunFlag, int('to-revision', 'Revision to go back to; 0 is the last one.'), ...printFlags],
      run: runUndo,
    },
  ],
}

function targetOptions(call: Call) {
  return {
    typeAlone:
      call.flags.text('selector') !== '' || call.path.endsWith('restart') || call.path.endsWith('status') || call.path.endsWith('history'),
    selector: call.flags.text('selector'),
  }
}

async function infos(call: Call): Promise<Info[]> {
  if (call.args.length === 0 && call.flags.list('filename').length === 0) throw new Failure('required resource not specified')
  const options = targetOptions(call)
  return fetchInfos(call, await namedTargets(call, call.args, options), options)
}

async function restart(call: Call): Promise<undefined> {
  const options = targetOptions(call)
  if (call.args.length === 0 && call.flags.list('filename').length === 0) throw new Failure('required resource not specified')
  const seen = await visit(call, await namedTargets(call, call.args, options), options, async (info) => {
    if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(info.type.kind))
      throw new Failure(`${fullName(info.type)} ${JSON.stringify(info.name)} restarting is not supported`)
    const spec = info.object['spec'] as any
    if (spec.paused)
      throw new Failure(`${fullName(info.type)} ${JSON.stringify(info.name)} can't restart paused deployment (run rollout resume first)`)
    const metadata = spec.template.metadata ?? {}
    const annotations = { ...metadata.annotations, 'kubectl.kubernetes.io/restartedAt': shortMoment(call.process.clock.now()) }
    const changed = { ...info.object, spec: { ...spec, template: { ...spec.template, metadata: { ...metadata, annotations } } } }
    const sent = await sendChange(call, info, changed)
    if (!sent)
      throw new Failure(
        `failed to create patch for ${info.name}: if restart has already been triggered within the past second, please wait before attempting to trigger another`,
      )
    await report(call, info.type, sent, 'restarted')
  })
  if (seen === 0) await call.err(`No resources found in ${call.namespace()} namespace.\n`)
}

async function setPaused(call: Call, paused: boolean): Promise<undefined> {
  if (call.args.length === 0 && call.flags.list('filename').length === 0) throw new Failure('required resource not specified')
  const options = targetOptions(call)
  const doing = paused ? 'pausing' : 'resuming'
  await visit(call, await namedTargets(call, call.args, options), options, async (info) => {
    const named = `${fullName(info.type)} ${JSON.stringify(info.name)}`
    if (info.type.kind !== 'Deployment') throw new Failure(`${named} ${doing} is not supported`)
    const spec = info.object['spec'] as any
    if (Boolean(spec.paused) === paused) throw new Failure(`${named} is ${paused ? 'already' : 'not'} paused`)
    const { paused: _, ...rest } = spec
    const sent = await sendChange(call, info, { ...info.object, spec: paused ? { ...spec, paused: true } : rest })
    await report(call, info.type, sent ?? info.object, paused ? 'paused' : 'resumed')
  })
  return undefined
}

async function status(call: Call): Promise<undefined> {
  const targets = await infos(call)
  if (targets.length === 0) {
    await call.err(`No resources found in ${call.namespace()} namespace.\n`)
    return
  }
  for (const info of targets) {
    const late = call.flags.duration('timeout')
    await Promise.race([
      followStatus(call, info),
      ...(late > 0
        ? [
            call.process.clock.sleep(late, call.process.signal).then(() => {
              throw new Failure('timed out waiting for the condition')
            }),
          ]
        : []),
    ])
  }
}

async function followStatus(call: Call, info: Info): Promise<void> {
  const show = async (object: KubeObject): Promise<boolean> => {
    const state = rolloutState(object, call.flags.number('revision'))
    await call.out(state.text)
    return state.done
  }
  if ((await show(info.object)) || !call.flags.bool('watch')) return
  const query = { fieldSelector: `metadata.name=${info.name}` }
  let resourceVersion = info.object.metadata?.resourceVersion ?? ''
  for (;;) {
    for await (const event of watchEvents(call.client(), pathOf(info.type, info.namespace), { ...query, resourceVersion })) {
      if (event.type === 'DELETED') throw new Failure('object has been deleted')
      resourceVersion = event.object.metadata?.resourceVersion ?? resourceVersion
      if (event.type !== 'BOOKMARK' && (await show(event.object))) return
    }
  }
}

async function history(call: Call): Promise<undefined> {
  for (const info of await infos(call)) {
    const revision = call.flags.number('revision')
    if (revision < 0) throw new Failure(`revision must be a positive integer: ${revision}`)
    const printer = objectPrinter(call)
    if (printer) {
      for (const object of await historyObjects(call, info, revision)) await call.out(printer.print(object))
      continue
    }
    const text = await historyText(call, info, revision)
    const withRevision = revision > 0 ? ` with revision #${revision}` : ''
    await call.out(`${namedObject(info.type, info.name)}${withRevision}${withRevision ? '' : ' '}\n${text}\n`)
  }
}

async function runUndo(call: Call): Promise<undefined> {
  for (const info of await infos(call)) {
    if (dryRunOf(call) === 'client') {
      await call.out(`${namedObject(info.type, info.name)} ${await undo(call, info, call.flags.number('to-revision'), true)}\n`)
      continue
    }
    const said = await undo(call, info, call.flags.number('to-revision'), false)
    await call.out(`${namedObject(info.type, info.name)} ${said}${dryRunMark(call)}\n`)
  }
}
