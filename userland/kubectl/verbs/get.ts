import type { KubeObject } from '../../../simulator/kubernetes.ts'
import { Failure, isNotFound } from '../cli/failure.ts'
import { bool, int, list, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import type { ResourceType } from '../client/discovery.ts'
import { apiVersionOf, pathOf } from '../client/discovery.ts'
import { filenameFlags } from '../objects/manifests.ts'
import type { Target, TargetOptions } from '../objects/targets.ts'
import { allNamespacesFlag, fetchInfos, fieldSelectorFlag, listFailure, namedTargets, selectorFlag, throwAll } from '../objects/targets.ts'
import { ageOf } from '../print/age.ts'
import { managedFieldsFlag, missingKeysFlag, objectPrinter, templateFlag } from '../print/printer.ts'
import { braced, sortObjects, sortRows } from '../print/sort.ts'
import type { Table } from '../print/table.ts'
import { createTablePrinter, tableAccept } from '../print/table.ts'
import { createTabWriter } from '../print/tabwriter.ts'
import { watchObjects, watchTables } from './get-watch.ts'

export const getVerb: Verb = {
  name: 'get',
  suggestFor: ['list', 'ps'],
  about: 'Display one or many resources',
  more: 'Prints a table of the objects of a type, or the objects themselves with -o.',
  examples: [
    'kubectl get pods',
    'kubectl get pods -o wide',
    'kubectl get deployment web -o yaml',
    'kubectl get svc,endpoints -A',
    'kubectl get pods -w',
  ],
  usage: '(TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags] [options]',
  flags: [
    allNamespacesFlag,
    int('chunk-size', 'Fetch lists in pieces of this size; 0 is all at once.', undefined, '500'),
    fieldSelectorFlag,
    ...filenameFlags,
    bool('ignore-not-found', 'Say nothing about objects that do not exist.'),
    list('label-columns', 'Labels to show as columns.', 'L'),
    bool('no-headers', 'Leave the headers out.'),
    text('output', 'Output format: wide, name, json, yaml, jsonpath=…, jsonpath-as-json=…, custom-columns=…, go-template=….', 'o'),
    bool('output-watch-events', 'Show what kind of event each line is, with --watch.'),
    text('raw', 'Path to fetch from the server as it is.'),
    selectorFlag,
    bool('server-print', 'Let the server make the table.', undefined, 'true'),
    bool('show-kind', 'Show the type before each name.'),
    bool('show-labels', 'Show all labels as the last column.'),
    managedFieldsFlag,
    missingKeysFlag,
    text('sort-by', 'JSONPath of the field to sort by.'),
    text('subresource', 'Subresource to fetch: status, scale.'),
    templateFlag,
    bool('watch', 'Go on with changes after the list.', 'w'),
    bool('watch-only', 'Changes only, without the list.'),
  ],
  run,
}

const nothing = `You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n`

async function run(call: Call): Promise<undefined> {
  const { flags, args } = call
  if (flags.text('raw')) {
    if (args.length > 0) throw new Failure('arguments may not be passed when --raw is specified')
    if (flags.text('output')) throw new Failure('--raw and --output are mutually exclusive')
    if (!flags.text('raw').startsWith('/'))
      throw new Failure(`--raw must be a valid URL path: parse ${JSON.stringify(flags.text('raw'))}: invalid URI for request`)
    await call.out(await call.client().text('GET', flags.text('raw')))
    return
  }
  const watching = flags.bool('watch') || flags.bool('watch-only')
  if (flags.bool('output-watch-events') && !watching)
    throw new Failure('--output-watch-events option can only be used with --watch or --watch-only')
  const options: TargetOptions = {
    typeAlone: true,
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
    allNamespaces: flags.bool('all-namespaces'),
  }
  if (args.length === 0 && flags.list('filename').length === 0 && !flags.text('kustomize')) {
    await call.err(nothing + '\n')
    throw new Failure(
      `Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples`,
    )
  }
  const output = flags.text('output')
  if (flags.bool('show-labels') && output !== '' && output !== 'wide')
    throw new Failure(`--show-labels option cannot be used with ${output.split('=')[0]} printer`)
  const printer = objectPrinter(call, true)
  const targets = await namedTargets(call, args, options)
  if (flags.text('subresource') && targets.some((one) => one.name === undefined))
    throw new Failure('subresource cannot be used when bulk resources are specified')
  if (watching) {
    if (new Set(targets.map((target) => target.type)).size > 1) throw new Failure('you may only specify a single resource type')
    // What is not there is said first.
    if (targets.length !== 1) {
      await fetchInfos(call, targets, options)
      throw new Failure(`watch is only supported on individual resources and resource collections - ${targets.length} resources were found`)
    }
    await (printer
      ? watchObjects(call, targets[0] as Target, printer)
      : watchTables(call, targets[0] as Target, tableOptions(call, targets[0] as Target, false)))
    return
  }
  await (printer ? printObjects(call, targets, printer) : printTables(call, targets))
}

export function tableOptions(call: Call, target: Target, withKind: boolean) {
  return {
    wide: call.flags.text('output') === 'wide',
    noHeaders: call.flags.bool('no-headers'),
    withNamespace: call.flags.bool('all-namespaces') && target.type.namespaced,
    withKind: withKind || call.flags.bool('show-kind') ? target.type : undefined,
    showLabels: call.flags.bool('show-labels'),
    labelColumns: call.flags.list('label-columns'),
  }
}

async function printTables(call: Call, targets: readonly Target[]): Promise<void> {
  const { flags } = call
  const failures: Error[] = []
  const fetched: { target: Target; table: Table }[] = []
  for (const target of targets) {
    try {
      for (const table of await fetchTables(call, target)) fetched.push({ target, table })
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (!(isNotFound(error) && flags.bool('ignore-not-found'))) failures.push(error)
    }
  }
  // kubectl cannot order rows of several types, and says so in these words.
  if (flags.text('sort-by') && targets.length > 1 && fetched.length > 1 && failures.length === 0)
    throw new Failure(`couldn't find any field with path ${JSON.stringify(braced(flags.text('sort-by')))} in the list of objects`)
  const kinds = new Set(fetched.map(({ target }) => `${target.type.kind}.${target.type.group}`))
  const sortBy = flags.text('sort-by')
  const writer = createTabWriter()
  let print: ReturnType<typeof createTablePrinter> | undefined
  let last: ResourceType | undefined
  let written = ''
  let blankLine = false
  let namespaced = !flags.bool('all-namespaces')
  const flush = () => {
    const text = writer.flush()
    if (text !== '' && blankLine) {
      written += '\n'
      blankLine = false
    }
    written += text
  }
  for (const { target, table } of sortBy ? [...sortRows(fetched, sortBy)] : fetched) {
    if (!target.type.namespaced) namespaced = false
    if (!print || last !== target.type) {
      flush()
      writer.forget()
      if (last && !flags.bool('no-headers') && written !== '') blankLine = true
      print = createTablePrinter(tableOptions(call, target, kinds.size > 1))
      last = target.type
    }
    writer.write(print(table))
  }
  flush()
  await call.out(written)
  if (written === '' && failures.length === 0 && !flags.bool('ignore-not-found'))
    await call.err(namespaced ? `No resources found in ${call.namespace()} namespace.\n` : 'No resources found\n')
  throwAll(failures)
}

async function fetchTables(call: Call, target: Target): Promise<Table[]> {
  const { flags } = call
  const includeObject = flags.text('sort-by') ? 'Object' : undefined
  const accept = flags.bool('server-print') ? tableAccept : 'application/json'
  const now = call.process.clock.now()
  if (target.name !== undefined) {
    const path = pathOf(target.type, target.namespace, target.name, flags.text('subresource') || undefined)
    return [asTable(await call.client().json('GET', path, { accept, query: { includeObject } }), now)]
  }
  const tables: Table[] = []
  let more: string | undefined
  do {
    const [labelSelector, fieldSelector] = [flags.text('selector'), flags.text('field-selector')]
    const query = { fieldSelector, labelSelector, includeObject, limit: flags.number('chunk-size') || undefined, continue: more }
    const answer = await call
      .client()
      .json('GET', pathOf(target.type, target.namespace), { accept, query })
      .catch((error: unknown) => {
        throw listFailure(error, target.type, labelSelector, fieldSelector)
      })
    const table = asTable(answer, now)
    tables.push(table)
    more = table.metadata?.continue || undefined
  } while (more)
  return tables
}

/** A server that knows no tables for a type answers with the object itself: name and age is what kubectl then shows. */
function asTable(answer: any, now: number): Table {
  if (answer.kind === 'Table') return answer
  const items: KubeObject[] = answer.items ?? [answer]
  return {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Age', type: 'date', format: '', priority: 0 },
    ],
    rows: items.map((object) => ({ cells: [object.metadata?.name ?? '', ageOf(object.metadata?.creationTimestamp, now)], object })),
  }
}

async function printObjects(call: Call, targets: readonly Target[], printer: NonNullable<ReturnType<typeof objectPrinter>>): Promise<void> {
  const { flags } = call
  const failures: Error[] = []
  const objects: KubeObject[] = []
  let single = targets.length === 1 && targets[0]?.name !== undefined
  for (const target of targets) {
    try {
      objects.push(...(await fetchObjects(call, target)))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      if (!(isNotFound(error) && flags.bool('ignore-not-found'))) failures.push(error)
      else single = false
    }
  }
  if (single && objects.length === 1) await call.out(printer.print(objects[0] as KubeObject) + printer.done())
  else if (!(failures.length > 0 && objects.length === 0) && !(targets.every((one) => one.name) && objects.length === 0)) {
    const items = flags.text('sort-by') ? sortObjects(objects, flags.text('sort-by')) : objects
    await call.out(printer.print({ apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }) + printer.done())
  }
  throwAll(failures)
}

async function fetchObjects(call: Call, target: Target): Promise<KubeObject[]> {
  const { flags } = call
  if (target.name !== undefined)
    return [await call.client().json('GET', pathOf(target.type, target.namespace, target.name, flags.text('subresource') || undefined))]
  const found: KubeObject[] = []
  let more: string | undefined
  do {
    const page = await call.client().json('GET', pathOf(target.type, target.namespace), {
      query: {
        fieldSelector: flags.text('field-selector'),
        labelSelector: flags.text('selector'),
        limit: flags.number('chunk-size') || undefined,
        continue: more,
      },
    })
    for (const item of page.items ?? []) found.push({ ...item, apiVersion: apiVersionOf(target.type), kind: target.type.kind })
    more = page.metadata?.continue || undefined
  } while (more)
  return found
}
