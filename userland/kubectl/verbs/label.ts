import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { dryRunFlag, dryRunOf, fieldManagerFlag, report, sendPatch } from '../objects/change.ts'
import { filenameFlags } from '../objects/manifests.ts'
import type { Info } from '../objects/targets.ts'
import { allNamespacesFlag, fieldSelectorFlag, namedTargets, selectorFlag, visit } from '../objects/targets.ts'
import { mergePatch } from '../patch/json-merge.ts'
import { printFlags } from '../print/printer.ts'

interface Words {
  readonly field: 'labels' | 'annotations'
  readonly one: string
  readonly done: string
  readonly undone: string
  readonly not: string
}

const labelWords: Words = { field: 'labels', one: 'label', done: 'labeled', undone: 'unlabeled', not: 'not labeled' }
const annotateWords: Words = { field: 'annotations', one: 'annotation', done: 'annotated', undone: 'annotated', not: 'annotated' }

export const labelVerb = markVerb('label', 'Update the labels on a resource', labelWords)
export const annotateVerb = markVerb('annotate', 'Update the annotations on a resource', annotateWords)

function markVerb(name: string, about: string, words: Words): Verb {
  return {
    name,
    about,
    examples: [`kubectl ${name} pod web a=b`, `kubectl ${name} pod web a-`],
    usage: `[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version] [options]`,
    flags: [
      bool('all', 'All objects of the types.'),
      allNamespacesFlag,
      dryRunFlag,
      fieldManagerFlag(`kubectl-${name}`),
      fieldSelectorFlag,
      ...filenameFlags,
      bool('list', `Show the ${words.field} afterwards.`),
      bool('local', 'Refused.'),
      bool('overwrite', 'Values that are there may change.'),
      text('resource-version', 'Only if the object is still of this version.'),
      selectorFlag,
      ...printFlags,
    ],
    run: (call) => mark(call, words),
  }
}

async function mark(call: Call, words: Words): Promise<undefined> {
  if (call.flags.bool('local')) throw new Failure('--local is not supported by this kubectl')
  const resources = call.args.filter((word) => !isChange(word))
  const { set, remove } = parseChanges(call.args.slice(resources.length), words)
  if (resources.length === 0 && call.flags.list('filename').length === 0)
    throw new Failure('one or more resources must be specified as <resource> <name> or <resource>/<name>')
  if (set.size === 0 && remove.length === 0 && !call.flags.bool('list')) throw new Failure(`at least one ${words.one} update is required`)
  const options = {
    all: call.flags.bool('all'),
    selector: call.flags.text('selector'),
    fieldSelector: call.flags.text('field-selector'),
    allNamespaces: call.flags.bool('all-namespaces'),
  }
  const targets = await namedTargets(call, resources, options)
  const several = targets.length > 1 || targets.some((one) => one.name === undefined)
  await visit(call, targets, options, (info) => markOne(call, words, info, set, remove, several))
}

function isChange(word: string): boolean {
  return word.includes('=') || (word.endsWith('-') && word !== '-')
}

function parseChanges(wordsGiven: readonly string[], words: Words): { set: Map<string, string>; remove: string[] } {
  const set = new Map<string, string>()
  const remove: string[] = []
  for (const word of wordsGiven) {
    const equals = word.indexOf('=')
    if (equals > 0) set.set(word.slice(0, equals), word.slice(equals + 1))
    else if (equals < 0 && word.endsWith('-')) remove.push(word.slice(0, -1))
    else if (equals < 0) throw new Failure(`all resources must be specified before ${words.one} changes: ${word}`)
    else throw new Failure(words.field === 'labels' ? `invalid label spec: ${word}` : `invalid annotation format: ${word}`)
  }
  for (const key of remove)
    if (set.has(key))
      throw new Failure(`can not both modify and remove ${words.one === 'label' ? 'a label' : 'an annotation'} in the same command`)
  for (const [key, value] of set)
    if (words.field === 'labels' && !/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value))
      throw new Failure(
        `invalid label value: ${JSON.stringify(`${key}=${value}`)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
      )
  return { set, remove }
}

async function markOne(
  call: Call,
  words: Words,
  info: Info,
  set: ReadonlyMap<string, string>,
  remove: readonly string[],
  several: boolean,
): Promise<void> {
  const before = (info.object.metadata?.[words.field] ?? {}) as Record<string, string>
  if (!call.flags.bool('overwrite')) {
    for (const [key, value] of set) {
      if (!(key in before) || before[key] === value) continue
      throw new Failure(
        words.field === 'labels'
          ? `'${key}' already has a value (${before[key]}), and --overwrite is false`
          : `--overwrite is false but found the following declared annotation(s): '${key}' already has a value (${before[key]})`,
      )
    }
  }
  const after: Record<string, string> = { ...before }
  for (const [key, value] of set) after[key] = value
  for (const key of remove) {
    if (!(key in after) && words.field === 'labels' && !call.flags.bool('list') && dryRunOf(call) !== 'client')
      await call.out(`label ${JSON.stringify(key)} not found.\n`)
    delete after[key]
  }
  if (call.flags.bool('list')) return listMarks(call, words, info, set.size + remove.length > 0, before, after, several)
  const version = call.flags.text('resource-version')
  const metadata = { ...info.object.metadata, [words.field]: after, ...(version ? { resourceVersion: version } : {}) }
  const changed: KubeObject = { ...info.object, metadata }
  const patch = mergePatch(info.object, changed)
  const unchanged = Object.keys(patch).length === 0
  // kubectl goes by the bytes: fewer than before is an unlabeling, and labels that are empty now and were absent are a change.
  const shorter = JSON.stringify(after).length < JSON.stringify(before).length && !call.flags.bool('overwrite')
  const done =
    words.field === 'labels' && shorter ? words.undone : unchanged && info.object.metadata?.[words.field] ? words.not : words.done
  if (unchanged || dryRunOf(call) === 'client') return report(call, info.type, changed, done)
  await report(call, info.type, await sendPatch(call, info, 'merge', patch), done)
}

async function listMarks(
  call: Call,
  words: Words,
  info: Info,
  change: boolean,
  before: object,
  after: Record<string, string>,
  several: boolean,
): Promise<void> {
  if (change)
    await sendPatch(call, info, 'merge', mergePatch({ metadata: { [words.field]: before } }, { metadata: { [words.field]: after } }))
  if (several) await call.out(`Listing ${words.field} for ${info.type.kind}.${info.type.group}/${info.name}:\n`)
  for (const key of Object.keys(after).sort()) await call.out(`${several ? ' ' : ''}${key}=${after[key]}\n`)
}
