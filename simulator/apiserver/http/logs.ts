import type { Pod } from 'kubernetes-types/core/v1'
import type { KubeObject } from '../../kubernetes.ts'
import type { LogOptions, NodeConnector } from '../api.ts'
import type { Registry } from '../registry/registry.ts'
import { badRequest } from '../status.ts'
import { chosenContainer, kubeletOf } from './containers.ts'
import { wholeNumber } from './lists.ts'
import { plainText } from './responses.ts'

const encoder = new TextEncoder()

function logOptions(query: URLSearchParams, container: string): LogOptions {
  const options: LogOptions = { container }
  for (const flag of ['follow', 'previous', 'timestamps'] as const)
    if (query.get(flag) === 'true' || query.get(flag) === '1') options[flag] = true
  for (const name of ['sinceSeconds', 'tailLines', 'limitBytes'] as const) {
    const value = wholeNumber(query, name)
    if (value !== undefined) options[name] = value
  }
  const sinceTime = query.get('sinceTime')
  if (sinceTime) {
    if (Number.isNaN(Date.parse(sinceTime)))
      throw badRequest(`sinceTime: Invalid value: ${JSON.stringify(sinceTime)}: must be an RFC 3339 time`)
    options.sinceTime = sinceTime
  }
  return options
}

/** `pods/log`: text as the kubelet gives it. */
export async function logResponse(
  registry: Registry,
  nodes: NodeConnector,
  pod: Pod & KubeObject,
  query: URLSearchParams,
  clientGone: AbortSignal,
): Promise<Response> {
  const container = chosenContainer(pod, query.get('container') ?? undefined)
  const options = logOptions(query, container)
  // A pod without a node has no log, which is no error.
  if (!pod.spec?.nodeName) return plainText('')
  const { name, namespace } = pod.metadata!
  const kubelet = kubeletOf(registry, nodes, pod, `containerLogs/${namespace}/${name}/${container}`)
  const gone = new AbortController()
  clientGone.addEventListener('abort', () => gone.abort(), { once: true })

  let controller!: ReadableStreamDefaultController<Uint8Array>
  let wanted = () => {}
  // One listener for the whole response: a slow reader of a long log makes the writer wait thousands of times.
  gone.signal.addEventListener('abort', () => wanted(), { once: true })
  const body = new ReadableStream<Uint8Array>(
    {
      start: (its) => {
        controller = its
      },
      pull: () => wanted(),
      cancel: () => gone.abort(),
    },
    { highWaterMark: 65_536, size: (chunk) => chunk?.length ?? 0 },
  )
  let begun = () => {}
  const first = new Promise<void>((resolve) => {
    begun = resolve
  })
  const write = async (text: string) => {
    if (gone.signal.aborted || text === '') return
    controller.enqueue(encoder.encode(text))
    begun()
    while ((controller.desiredSize ?? 0) <= 0 && !gone.signal.aborted) {
      await new Promise<void>((resolve) => {
        wanted = resolve
      })
    }
  }
  let answered = false
  const running = (async () => kubelet.logs(namespace!, name!, options, write, gone.signal))().then(
    () => {
      if (!gone.signal.aborted) controller.close()
    },
    (error: unknown) => {
      if (!answered) throw error
      // The status line is gone; what is left is to break off, as a proxied kubelet connection does.
      if (!gone.signal.aborted) controller.error(error)
    },
  )
  // A refusal comes at once and becomes a Status; a follower of a silent container must not wait for its first line.
  const patience = (async () => {
    for (let turn = 0; turn < 16; turn++) await Promise.resolve()
  })()
  await Promise.race([running, first, patience])
  answered = true
  return new Response(body, { status: 200, headers: { 'Content-Type': 'text/plain' } })
}
