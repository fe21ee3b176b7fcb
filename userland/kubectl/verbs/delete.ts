import { Failure, isNotFound } from '../cli/failure.ts'
import { bool, duration, int, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf } from '../client/discovery.ts'
import { race } from '../client/streaming.ts'
import { watchEvents } from '../client/watch.ts'
import { dryRunFlag, dryRunMark, dryRunOf, withSource } from '../objects/change.ts'
import { filenameFlags, hasFiles } from '../objects/manifests.ts'
import type { Info, Target } from '../objects/targets.ts'
import { allNamespacesFlag, fetchTarget, fieldSelectorFlag, namedTargets, selectorFlag, throwAll } from '../objects/targets.ts'
import { quoted } from '../objects/text.ts'

export const deleteVerb: Verb = {
  name: 'delete',
  suggestFor: ['rm'],
  about: 'Delete resources by file names, stdin, resources and names, or by resources and label selector',
  examples: ['kubectl delete pod web', 'kubectl delete -f web.yaml', 'kubectl delete pods,svc -l app=web', 'kubectl delete pod web --now'],
  usage: '([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)]) [options]',
  flags: [
    bool('all', 'All objects of the types, in the namespace.'),
    allNamespacesFlag,
    {
      name: 'cascade',
      kind: 'string',
      value: 'background',
      bare: 'background',
      about: 'What becomes of what the object owns: background, foreground (the owner goes last) or orphan.',
    },
    dryRunFlag,
    fieldSelectorFlag,
    ...filenameFlags,
    bool('force', 'Remove the object at once, without waiting for the node.'),
    int('grace-period', 'Seconds the object gets to end; -1 is its own wish, 0 only with --force.', undefined, '-1'),
    bool('ignore-not-found', 'Objects that do not exist count as deleted.'),
    bool('interactive', 'Ask before deleting.', 'i'),
    bool('now', 'Grace period of 1 second.'),
    text('output', 'Output: name.', 'o'),
    text('raw', 'Path to send a DELETE to.'),
    selectorFlag,
    duration('timeout', 'How long to wait for the end of each object; 0 is as long as it takes.'),
    bool('wait', 'Wait until the objects are gone.', undefined, 'true'),
  ],
  run,
}

async function run(call: Call): Promise<undefined> {
  const { flags } = call
  if (flags.text('raw')) return call.out(await call.client().text('DELETE', flags.text('raw'))) as Promise<undefined>
  const output = flags.text('output')
  if (output !== '' && output !== 'name') throw new Failure(`unexpected -o output mode: ${output}. We only support '-o name'`)
  propagation(call)
  if (flags.bool('all') && (flags.text('selector') || flags.text('field-selector')))
    throw new Failure("setting 'all' parameter but found a non empty selector. ")
  if (flags.bool('all') && call.args.length === 0 && !hasFiles(call))
    throw new Failure('at least one resource must be specified to use a selector')
  if (flags.bool('now') && flags.number('grace-period') >= 0) throw new Failure('--now and --grace-period cannot be specified together')
  if (flags.bool('force') && flags.number('grace-period') > 0)
    throw new Failure('--force and --grace-period greater than 0 cannot be specified together')
  const options = {
    all: flags.bool('all'),
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
    allNamespaces: flags.bool('all-namespaces'),
  }
  const targets = await namedTargets(call, call.args, options)
  if (flags.bool('force'))
    await call.err(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n',
    )
  await deleteTargets(call, targets, options)
}

async function deleteTargets(
  call: Call,
  targets: readonly Target[],
  options: { all: boolean; selector: string; fieldSelector: string },
): Promise<void> {
  const { flags } = call
  const failures: Error[] = []
  const ended: Info[] = []
  const lenient = flags.bool('ignore-not-found') || ((flags.bool('all') || !!options.selector) && !flags.changed('ignore-not-found'))
  let found = 0
  const infos: Info[] = []
  for (const target of targets) {
    try {
      for await (const info of fetchTarget(call, target, options)) infos.push(info)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (!(isNotFound(error) && lenient))
        failures.push(target.manifest ? (withSource(error, 'deleting', target.manifest.source) as Error) : error)
    }
  }
  if (flags.bool('interactive') && infos.length > 0 && !(await confirmed(call, infos))) {
    await call.out('deletion is cancelled\n')
    return
  }
  for (const info of infos) {
    found++
    try {
      if (dryRunOf(call) !== 'client')
        await call.client().json('DELETE', pathOf(info.type, info.namespace, info.name), { body: deleteOptions(call) })
      await call.out(deletedLine(call, info))
      ended.push(info)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (!(isNotFound(error) && lenient)) failures.push(error)
    }
  }
  if (found === 0 && failures.length === 0 && !flags.bool('ignore-not-found')) {
    await call.out('No resources found\n')
    return
  }
  if (flags.bool('wait') && dryRunOf(call) === 'none') {
    for (const info of ended) {
      try {
        await untilGone(call, info, flags.duration('timeout') || undefined)
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        failures.push(error)
      }
    }
  }
  throwAll(failures)
}

async function confirmed(call: Call, infos: readonly Info[]): Promise<boolean> {
  await call.out('You are about to delete the following ')
  await call.out(
    `${infos.length} resource(s):\n${infos.map((info) => `${info.type.kind.toLowerCase()}${info.type.group ? `.${info.type.group}` : ''}/${info.name}\n`).join('')}`,
  )
  await call.out('Do you want to continue? (y/N): ')
  const answer = new TextDecoder().decode((await call.process.stdin.read(call.process.signal)) ?? new Uint8Array())
  return /^y(es)?$/i.test(answer.trim())
}

/** What `--cascade` means to the server. */
function propagation(call: Call): string {
  const given = call.flags.text('cascade')
  const policies: Record<string, string> = {
    background: 'Background',
    foreground: 'Foreground',
    orphan: 'Orphan',
    true: 'Background',
    false: 'Orphan',
  }
  const policy = policies[given]
  if (!policy) throw new Failure(`invalid cascade value (${given}). Must be "background", "foreground", or "orphan"`)
  return policy
}

function deleteOptions(call: Call): Record<string, unknown> {
  const { flags } = call
  const propagationPolicy = propagation(call)
  const given = flags.number('grace-period')
  const grace = flags.bool('force') && given < 0 ? 0 : flags.bool('now') ? 1 : given === 0 && !flags.bool('force') ? 1 : given
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}),
    propagationPolicy,
    ...(dryRunOf(call) === 'server' ? { dryRun: ['All'] } : {}),
  }
}

export function deletedLine(call: Call, info: Pick<Info, 'type' | 'name' | 'namespace'>): string {
  const kind = `${info.type.kind.toLowerCase()}${info.type.group ? `.${info.type.group}` : ''}`
  if (call.flags.text('output') === 'name') return `${kind}/${info.name}\n`
  const force = call.flags.has('force') && call.flags.bool('force') ? 'force ' : ''
  const where = info.namespace ? ` from ${info.namespace} namespace` : ''
  return `${kind} ${quoted(info.name)} ${force}deleted${where}${dryRunMark(call)}\n`
}

/** Resolves once no object of that name and UID exists. Throws kubectl's time-out sentence. */
export async function untilGone(call: Call, info: Info, timeout: number | undefined): Promise<void> {
  const uid = info.object.metadata?.uid
  const late = timeout === undefined ? undefined : call.process.clock.sleep(timeout, call.process.signal)
  const expired = late?.then(() => {
    throw new Failure(`timed out waiting for the condition on ${info.type.plural}/${info.name}`)
  })
  expired?.catch(() => {})
  const wait = goneByWatching(call, info, uid)
  await race(expired ? Promise.race([wait, expired]) : wait, call.process.signal)
}

async function goneByWatching(call: Call, info: Info, uid: string | undefined): Promise<void> {
  for (;;) {
    const query = { fieldSelector: `metadata.name=${info.name}` }
    const list = await call.client().json('GET', pathOf(info.type, info.namespace), { query })
    if (!(list.items ?? []).some((item: any) => item.metadata?.uid === uid)) return
    const events = watchEvents(call.client(), pathOf(info.type, info.namespace), {
      ...query,
      resourceVersion: list.metadata?.resourceVersion ?? '',
    })
    for await (const event of events) {
      if (event.type === 'BOOKMARK') continue
      if (event.type === 'DELETED' || event.object.metadata?.uid !== uid) return
    }
  }
}
