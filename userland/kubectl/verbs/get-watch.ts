import type { KubeObject } from '../../../simulator/kubernetes.ts'
import type { Call } from '../cli/verb.ts'
import { apiVersionOf, pathOf } from '../client/discovery.ts'
import { watchEvents } from '../client/watch.ts'
import type { Target } from '../objects/targets.ts'
import type { ObjectPrinter } from '../print/printer.ts'
import type { Table, TableOptions } from '../print/table.ts'
import { createTablePrinter, tableAccept } from '../print/table.ts'
import { createTabWriter } from '../print/tabwriter.ts'

/** The query of a list or a watch of the target; one name is a field selector. */
function selection(call: Call, target: Target): Record<string, string> {
  const name = target.name === undefined ? '' : `metadata.name=${target.name}`
  return {
    labelSelector: call.flags.text('selector'),
    fieldSelector: [name, call.flags.text('field-selector')].filter((part) => part !== '').join(','),
  }
}

/** `get -w`: the list as a table, then one row per change, in the columns that the list has settled. */
export async function watchTables(call: Call, target: Target, options: TableOptions): Promise<void> {
  const query = selection(call, target)
  const path = pathOf(target.type, target.namespace)
  // One name that does not exist is an error before anything is watched.
  const first: Table =
    target.name === undefined
      ? await call.client().json('GET', path, { accept: tableAccept, query: { ...query, limit: 500 } })
      : await call.client().json('GET', pathOf(target.type, target.namespace, target.name), { accept: tableAccept })
  const print = createTablePrinter(options)
  const writer = createTabWriter()
  const events = call.flags.bool('output-watch-events')
  if (!call.flags.bool('watch-only')) {
    writer.write(print(first, events ? 'ADDED' : undefined))
    await call.out(writer.flush())
  }
  const resourceVersion = target.name === undefined ? first.metadata?.resourceVersion : first.rows?.[0]?.object?.metadata?.resourceVersion
  for await (const event of watchEvents<Table>(call.client(), path, { ...query, resourceVersion: resourceVersion ?? '' }, tableAccept)) {
    if (event.type === 'BOOKMARK') continue
    writer.write(print(event.object, events ? event.type : undefined))
    await call.out(writer.flush())
  }
}

/** `get -w -o yaml` and the like: whole objects. */
export async function watchObjects(call: Call, target: Target, printer: ObjectPrinter): Promise<void> {
  const query = selection(call, target)
  const path = pathOf(target.type, target.namespace)
  const events = call.flags.bool('output-watch-events')
  const show = async (type: string, object: KubeObject) => {
    const whole = { ...object, apiVersion: apiVersionOf(target.type), kind: target.type.kind }
    await call.out(printer.print(events ? ({ object: whole, type } as never) : whole) + printer.done())
  }
  const list = await call.client().json('GET', path, { query })
  if (target.name !== undefined && list.items.length === 0)
    await call.client().json('GET', pathOf(target.type, target.namespace, target.name))
  if (!call.flags.bool('watch-only')) for (const item of list.items) await show('ADDED', item)
  for await (const event of watchEvents(call.client(), path, { ...query, resourceVersion: list.metadata?.resourceVersion ?? '' })) {
    if (event.type !== 'BOOKMARK') await show(event.type, event.object)
  }
}
