import type { Event } from 'kubernetes-types/core/v1'
import { Failure, PlainFailure } from '../cli/failure.ts'
import { bool, text } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { apiVersionOf, findType, pathOf, resolveType } from '../client/discovery.ts'
import { watchEvents } from '../client/watch.ts'
import { eventAge, eventMoment } from '../describe/events.ts'
import { own } from '../objects/change.ts'
import { allNamespacesFlag } from '../objects/targets.ts'
import { objectPrinter, printFlags } from '../print/printer.ts'
import { createTabWriter } from '../print/tabwriter.ts'

export const eventsVerb: Verb = {
  name: 'events',
  about: 'List events',
  examples: ['kubectl events', 'kubectl events --for pod/web --watch', 'kubectl events --types=Warning'],
  usage: '[(-o|--output=)json|yaml|name|jsonpath…] [--for TYPE/NAME] [--watch] [--types=Normal,Warning] [options]',
  flags: [
    allNamespacesFlag,
    text('chunk-size', 'Accepted.', undefined, '500'),
    text('for', 'Only about this object: TYPE/NAME.'),
    bool('no-headers', 'Leave the headers out.'),
    text('types', 'Only these types: Normal, Warning.'),
    bool('watch', 'Go on with new events.', 'w'),
    ...printFlags,
  ],
  run,
}

async function run(call: Call): Promise<undefined> {
  const { flags } = call
  const everywhere = flags.bool('all-namespaces')
  const types = flags.text('types').split(',').filter(Boolean)
  for (const one of types) if (!['normal', 'warning'].includes(one.toLowerCase())) throw new Failure(`valid --types are Normal or Warning`)
  const events = resolveType(await call.discovery(), 'events')
  const path = pathOf(events, everywhere ? undefined : call.namespace())
  const about = await forObject(call)
  const wanted = (event: Event) =>
    (types.length === 0 || types.some((one) => one.toLowerCase() === event.type?.toLowerCase())) &&
    (!about ||
      (event.involvedObject.kind === about.kind &&
        event.involvedObject.apiVersion === about.apiVersion &&
        event.involvedObject.name === about.name))
  const query: Record<string, string> = about
    ? { fieldSelector: `involvedObject.kind=${about.kind},involvedObject.name=${about.name}` }
    : {}
  const list = await call.client().json('GET', path, { query: { ...query, limit: 500 } })
  const found = ((list.items ?? []) as Event[]).filter(wanted).sort((a, b) => moment(a) - moment(b))
  const printer = objectPrinter(call)
  if (printer) {
    const items = found.map((event) => eventInOrder(event))
    // A typed list of which `name` makes nothing.
    if (flags.text('output') === 'name') return
    return call.out(printer.print(own('EventList', 'v1', { metadata: {}, items })) + printer.done()) as Promise<undefined>
  }
  if (found.length === 0 && !flags.bool('watch')) {
    await call.err(everywhere ? 'No events found.\n' : `No events found in ${call.namespace()} namespace.\n`)
    return
  }
  const writer = createTabWriter()
  const header = [...(everywhere ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']
  if (!flags.bool('no-headers')) writer.write(`${header.join('\t')}\n`)
  for (const event of found) writer.write(row(call, event, everywhere))
  await call.out(writer.flush())
  if (!flags.bool('watch')) return
  for await (const event of watchEvents<Event>(call.client(), path, { ...query, resourceVersion: list.metadata?.resourceVersion ?? '' })) {
    if (event.type === 'DELETED' || event.type === 'BOOKMARK' || !wanted(event.object)) continue
    writer.write(row(call, event.object, everywhere))
    await call.out(writer.flush())
  }
}

/** The fields as Go's struct has them. */
function eventInOrder({ metadata, involvedObject, reason, message, source, firstTimestamp, lastTimestamp, count, ...rest }: Event) {
  const { name, generateName, namespace, uid, resourceVersion, creationTimestamp, ...other } = metadata
  const own = { name, generateName, namespace, uid, resourceVersion, creationTimestamp, ...other, managedFields: undefined }
  return {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: own,
    involvedObject,
    reason,
    message,
    source,
    firstTimestamp,
    lastTimestamp,
    count,
    ...rest,
  }
}

const moment = (event: Event) => Date.parse(eventMoment(event) ?? '') || 0

function row(call: Call, event: Event, everywhere: boolean): string {
  const about = `${event.involvedObject.kind}/${event.involvedObject.name}`
  const cells = [eventAge(event, call.process.clock.now()), event.type ?? '', event.reason ?? '', about, (event.message ?? '').trim()]
  return `${[...(everywhere ? [event.metadata.namespace ?? ''] : []), ...cells].join('\t')}\n`
}

async function forObject(call: Call): Promise<{ kind: string; apiVersion: string; name: string } | undefined> {
  const word = call.flags.text('for')
  if (word === '') return undefined
  const [type, name, ...more] = word.split('/')
  if (!type || !name || more.length > 0) throw new Failure(`--for must be in resource/name form`)
  const resolved = findType(await call.discovery(), type)
  if (!resolved) throw new PlainFailure(`the server doesn't have a resource type ${JSON.stringify(type)}`)
  return { kind: resolved.kind, apiVersion: apiVersionOf(resolved), name }
}
