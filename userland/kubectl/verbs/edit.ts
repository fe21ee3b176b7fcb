import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, failureText } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { namedObject } from '../client/discovery.ts'
import { fieldManagerFlag, lastApplied, sendPatch, validateFlag, withLastApplied } from '../objects/change.ts'
import { filenameFlags, parseDocuments } from '../objects/manifests.ts'
import type { Info } from '../objects/targets.ts'
import { fetchInfos, namedTargets } from '../objects/targets.ts'
import { mergePatch } from '../patch/json-merge.ts'
import { patchesStrategically } from '../patch/merge-keys.ts'
import { sameValue, twoWayPatch } from '../patch/strategic.ts'
import { jsonText } from '../print/json.ts'
import { printFlags } from '../print/printer.ts'
import { yamlText } from '../print/yaml.ts'

export const editVerb: Verb = {
  name: 'edit',
  about: 'Edit a resource on the server',
  more: 'Opens $KUBE_EDITOR, $EDITOR or vi with the object, and sends what was changed.',
  examples: ['kubectl edit deployment web', 'KUBE_EDITOR=nano kubectl -n kube-system edit configmap coredns'],
  usage: '(RESOURCE/NAME | -f FILENAME) [options]',
  flags: [
    fieldManagerFlag('kubectl-edit'),
    ...filenameFlags,
    bool('output-patch', 'Show the patch as well.'),
    bool('save-config', 'Record the object in its last-applied annotation.'),
    text('subresource', 'Refused.'),
    validateFlag,
    bool('windows-line-endings', 'Accepted; lines end in a newline.'),
    ...printFlags,
  ],
  run,
}

const header = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`

async function run(call: Call): Promise<number | undefined> {
  if (call.flags.text('subresource')) throw new Failure('--subresource is not supported by edit of this kubectl')
  const output = call.flags.text('output')
  const infos = await fetchInfos(call, await namedTargets(call, call.args, { typeAlone: true }))
  if (!['', 'json', 'yaml', 'kyaml'].includes(output))
    throw new Failure(
      `unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: json,kyaml,yaml`,
    )
  if (infos.length === 0) throw new Failure('edit cancelled, no objects found.')
  const json = output === 'json'
  const shown = (object: KubeObject) => (json ? jsonText(object) : yamlText(object))
  const originals = infos.map((info) => withoutManagedFields(info.object))
  const whole: KubeObject =
    originals.length === 1 ? (originals[0] as KubeObject) : { apiVersion: 'v1', kind: 'List', items: originals, metadata: {} }
  const original = shown(whole)
  let content = header + original
  let problems: string[] = []
  const path = `/tmp/kubectl-edit-${Math.floor(call.process.random.next() * 4_294_967_296)}.${json ? 'json' : 'yaml'}`
  let previous: string | undefined
  for (;;) {
    call.process.files.write(path, content)
    await openEditor(call, path)
    const edited = call.process.files.readText(path)
    const bare = withoutComments(edited)
    if (problems.length > 0 && previous !== undefined && bare === previous) {
      // Nothing was mended: what the person wrote is kept in the file.
      throw new Failure(`${problems.join('\n')}\n${'You can run `kubectl replace -f ' + path + '` to try this update again.'}`)
    }
    if (bare.trim() === '') {
      call.process.files.remove(path)
      await call.err('Edit cancelled, saved file was empty.\n')
      return undefined
    }
    if (bare === original) {
      call.process.files.remove(path)
      await call.err('Edit cancelled, no changes made.\n')
      return undefined
    }
    previous = bare
    const outcome = await applyEdit(call, infos, originals, bare)
    if (outcome === undefined) {
      call.process.files.remove(path)
      return undefined
    }
    if (outcome.length === 0) {
      call.process.files.remove(path)
      await call.err('Edit cancelled, no changes made.\n')
      return undefined
    }
    problems = outcome
    content = `${header}${problems
      .map((problem) =>
        problem
          .trimEnd()
          .split('\n')
          .map((line) => `# ${line}\n`)
          .join(''),
      )
      .join('')}#\n${bare}`
  }
}

/** Undefined when everything is sent, [] when nothing differs, else what stands in the way. */
async function applyEdit(
  call: Call,
  infos: readonly Info[],
  originals: readonly KubeObject[],
  text: string,
): Promise<string[] | undefined> {
  let edited: KubeObject[]
  try {
    const [document] = [...parseDocuments(text, 'edited-file')] as KubeObject[]
    if (!document || typeof document !== 'object') return ['The edited file had a syntax error: the document is no object']
    edited = document.kind === 'List' ? (document['items'] as KubeObject[]) : [document]
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return [`The edited file had a syntax error: ${error.message}`]
  }
  const problems: string[] = []
  let changes = 0
  for (const [at, info] of infos.entries()) {
    const before = originals[at] as KubeObject
    const after = edited.find((object) => object.metadata?.name === info.name && object.kind === before.kind)
    if (!after) {
      problems.push(`${info.type.plural} ${JSON.stringify(info.name)}: At least one of apiVersion, kind and name was changed`)
      continue
    }
    if (sameValue(before, after)) {
      if (infos.length > 1) await call.err(`${namedObject(info.type, info.name)} skipped\n`)
      continue
    }
    changes++
    try {
      await send(call, info, before, recorded(call, info, before, after))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      const text = failureText(error)
      await call.err(text)
      problems.push(`${info.type.plural} ${JSON.stringify(info.name)} was not valid:\n* ${error.message}`)
    }
  }
  if (problems.length > 0) return problems
  return changes === 0 ? [] : undefined
}

function recorded(call: Call, info: Info, before: KubeObject, after: KubeObject): KubeObject {
  const had = (before.metadata?.annotations as Record<string, string> | undefined)?.[lastApplied] !== undefined
  return call.flags.bool('save-config') && !had ? withLastApplied(after, info.namespace) : after
}

async function send(call: Call, info: Info, before: KubeObject, after: KubeObject): Promise<void> {
  const strategic = patchesStrategically(info.type)
  const patch = strategic ? twoWayPatch(before, after) : mergePatch(before, after)
  if (call.flags.bool('output-patch')) await call.out(`Patch: ${JSON.stringify(patch)}\n`)
  await sendPatch(call, info, strategic ? 'strategic' : 'merge', patch)
  await call.out(`${namedObject(info.type, info.name)} edited\n`)
}

async function openEditor(call: Call, path: string): Promise<void> {
  const editor = call.process.env['KUBE_EDITOR'] || call.process.env['EDITOR'] || 'vi'
  const argv = [...editor.split(/\s+/).filter((word) => word !== ''), path]
  const child = call.process.spawn(argv)
  if (!child) throw new Failure(`unable to launch the editor ${JSON.stringify(editor)}`)
  if ((await child.exit) !== 0) throw new Failure(`there was a problem with the editor ${JSON.stringify(editor)}`)
}

function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata ?? {}
  return { ...object, metadata }
}
