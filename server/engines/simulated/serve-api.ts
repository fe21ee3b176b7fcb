import type { MessagePort } from 'node:worker_threads'
import type { ApiServer, UpgradeTransport } from '../../../simulator/apiserver/api.ts'
import type { FromThread, PlainRequest, ToThread } from './messages.ts'

/** How many chunks or messages may be on their way to the listener before the source waits. */
const window = 8

/** Room on a port: `take` waits while the other side has not given back enough. */
function flowControl(port: MessagePort) {
  let room = window
  const waiting: (() => void)[] = []
  let closed = false
  port.on('message', (message: ToThread) => {
    if (message.kind !== 'taken') return
    // Whoever waits longest gets the room itself: what several streams send must leave in the order in which they asked.
    const next = waiting.shift()
    if (next) next()
    else room++
  })
  port.on('close', () => {
    closed = true
    for (const resume of waiting.splice(0)) resume()
  })
  return {
    async take(): Promise<boolean> {
      if (room > 0) room--
      else if (!closed) await new Promise<void>((resolve) => waiting.push(resolve))
      return !closed
    },
  }
}

/** Answers one HTTP request of a client outside; the body streams with flow control, and ends when the client goes. */
export async function serveFetch(server: ApiServer, plain: PlainRequest, port: MessagePort): Promise<void> {
  const abort = abortOn(port)
  const response = await server.fetch(requestOf(plain, abort.signal), plain.peer)
  await sendResponse(response, port, abort)
}

/** Answers a handshake (WebSocket or SPDY) and then carries its messages. */
export async function serveUpgrade(
  server: ApiServer,
  { request, protocols, transport }: { request: PlainRequest; protocols: readonly string[]; transport: UpgradeTransport },
  port: MessagePort,
): Promise<void> {
  const abort = abortOn(port)
  const accepted = await server.upgrade(requestOf(request, abort.signal), protocols, { transport, peer: request.peer })
  if (accepted instanceof Response) return sendResponse(accepted, port, abort)
  const incoming: (Uint8Array | string)[] = []
  const readers: (() => void)[] = []
  let closed = false
  const wake = () => {
    for (const resume of readers.splice(0)) resume()
  }
  port.on('message', (message: ToThread) => {
    if (message.kind === 'message') incoming.push(message.data)
    else if (message.kind === 'closed' || message.kind === 'cancel') closed = true
    else return
    wake()
  })
  port.on('close', () => {
    closed = true
    wake()
  })
  const flow = flowControl(port)
  post(port, { kind: 'head', status: 101, headers: [], protocol: accepted.protocol })
  await accepted.run({
    async receive() {
      while (incoming.length === 0 && !closed) await new Promise<void>((resolve) => readers.push(resolve))
      const message = incoming.shift()
      if (message !== undefined) post(port, { kind: 'taken' })
      return message
    },
    async send(data) {
      if (await flow.take()) post(port, { kind: 'message', data })
    },
    close(code, reason) {
      post(port, { kind: 'close', ...(code === undefined ? {} : { code }), ...(reason === undefined ? {} : { reason }) })
    },
  })
  post(port, { kind: 'done' })
}

async function sendResponse(response: Response, port: MessagePort, abort: AbortController): Promise<void> {
  const headers: [string, string][] = []
  response.headers.forEach((value, name) => {
    headers.push([name, value])
  })
  const flow = flowControl(port)
  post(port, { kind: 'head', status: response.status, headers })
  const reader = response.body?.getReader()
  if (reader) {
    abort.signal.addEventListener('abort', () => void reader.cancel().catch(() => {}), { once: true })
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (!(await flow.take())) return void reader.cancel()
      post(port, { kind: 'chunk', bytes: value })
    }
  }
  post(port, { kind: 'done' })
}

function requestOf({ method, path, headers, body }: PlainRequest, signal: AbortSignal): Request {
  return new Request(`https://cluster.local${path}`, {
    method,
    headers: headers.map(([name, value]) => [name, value] as [string, string]),
    signal,
    ...(body && method !== 'GET' && method !== 'HEAD' ? { body: new Uint8Array(body) } : {}),
  })
}

function abortOn(port: MessagePort): AbortController {
  const abort = new AbortController()
  const end = () => abort.abort(new Error('the client went away'))
  port.on('message', (message: ToThread) => {
    if (message.kind === 'cancel') end()
  })
  port.on('close', end)
  return abort
}

function post(port: MessagePort, message: FromThread): void {
  port.postMessage(message)
}
