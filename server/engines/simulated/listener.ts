import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import type { Peer } from '../../../simulator/apiserver/api.ts'
import type { Certificates } from './certificates.ts'
import { peerOf } from './client-certificates.ts'
import type { PlainRequest } from './messages.ts'
import type { ClusterThread } from './thread.ts'
import { type SocketHandlers, type UpgradedSocket, upgradeToSpdy, upgradeToWebSocket } from './upgraded-socket.ts'

/** Where a request for a cluster goes; undefined where there is no such cluster. */
export type Route = (cluster: string) => { thread: ClusterThread } | undefined

/** Who is at the other end, as far as `cluster` is concerned. */
type PeerOf = (cluster: string, request: IncomingMessage) => Peer

/** Requests larger than this are refused; as kube-apiserver's own limit. */
const largestBody = 3 * 1024 * 1024
/** Messages of one upgraded connection that the simulator has not read yet, before its client is made to wait. */
const mostOnTheWay = 32

/**
 * The one HTTPS listener for all simulated clusters: `https://127.0.0.1:PORT/clusters/ID/…` goes to the API server of cluster ID.
 * Rejects with the listen error (EADDRINUSE, EACCES).
 */
export async function listen(
  certificates: Certificates,
  host: string,
  port: number,
  route: Route,
): Promise<{ port: number; close(): Promise<void> }> {
  // A client certificate is asked for, not demanded; what it is worth is for each cluster to say.
  const server = createServer({ cert: certificates.certificate, key: certificates.key, requestCert: true, rejectUnauthorized: false })
  const peer = (cluster: string, request: IncomingMessage) => peerOf(certificates.clients, cluster, request.socket as TLSSocket)
  const sockets = new WebSocketServer({ noServer: true, maxPayload: largestBody, handleProtocols: (offered) => [...offered][0] ?? false })
  server.on('request', (request, response) => {
    serve(route, peer, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else answer(response, 500, 'InternalError', error instanceof Error ? error.message : String(error))
    })
  })
  server.on('upgrade', (request, socket, head) => upgrade(route, peer, sockets, request, socket, head))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server, sockets) }
}

async function serve(route: Route, peer: PeerOf, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = targetOf(request.url ?? '/')
  const thread = target && route(target.cluster)?.thread
  if (!target || !thread)
    return answer(response, 404, 'NotFound', 'no simulated cluster answers at this path; its lab session may have ended')
  const body = await readBody(request)
  if (body === undefined) return answer(response, 413, 'RequestEntityTooLarge', `Request entity too large: limit is ${largestBody}`)
  await new Promise<void>((resolve) => {
    const call = thread.open(
      { kind: 'fetch', cluster: target.cluster, request: plain(request, target.path, body, peer(target.cluster, request)) },
      (message) => {
        switch (message.kind) {
          case 'head':
            response.writeHead(message.status, message.headers.flat())
            response.flushHeaders()
            call.send({ kind: 'taken' })
            break
          case 'chunk':
            // Room is given back only when the socket has taken the bytes: a slow client slows its own watch, nothing else.
            response.write(message.bytes, () => call.send({ kind: 'taken' }))
            break
          case 'done':
            response.end()
            finish()
            break
          case 'failed':
            if (response.headersSent) response.destroy()
            else answer(response, 500, 'InternalError', message.message)
            finish()
            break
        }
      },
      (error) => {
        if (response.headersSent) response.destroy()
        else answer(response, 503, 'ServiceUnavailable', error.message)
        finish()
      },
    )
    const finish = () => {
      call.close()
      resolve()
    }
    response.on('close', () => {
      call.send({ kind: 'cancel' })
      finish()
    })
  })
}

function upgrade(route: Route, peer: PeerOf, sockets: WebSocketServer, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const target = targetOf(request.url ?? '/')
  const thread = target && route(target.cluster)?.thread
  if (!target || !thread) {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n')
    return
  }
  const spdy = /^spdy\/3\.1$/i.test(request.headers.upgrade ?? '')
  const offered = listOf(request.headers[spdy ? 'x-stream-protocol-version' : 'sec-websocket-protocol'])
  let open: UpgradedSocket | undefined
  const early: (Uint8Array | string)[] = []
  const refusal: { status: number; headers: readonly (readonly [string, string])[]; chunks: Uint8Array[] } = {
    status: 500,
    headers: [],
    chunks: [],
  }
  let onTheWay = 0
  const call = thread.open(
    {
      kind: 'upgrade',
      cluster: target.cluster,
      request: plain(request, target.path, undefined, peer(target.cluster, request)),
      protocols: offered,
      transport: spdy ? 'SPDY/3.1' : 'websocket',
    },
    (message) => {
      switch (message.kind) {
        case 'head':
          if (message.status !== 101) {
            refusal.status = message.status
            refusal.headers = message.headers
            call.send({ kind: 'taken' })
            break
          }
          upgradeTo(message.protocol)
          break
        case 'message':
          if (open) deliver(open, message.data)
          else early.push(message.data)
          break
        case 'taken':
          onTheWay--
          if (onTheWay < mostOnTheWay) open?.resume()
          break
        case 'close':
          open?.close(message.code ?? 1000, message.reason)
          break
        case 'chunk':
          refusal.chunks.push(message.bytes)
          call.send({ kind: 'taken' })
          break
        case 'done':
        case 'failed':
          if (!open) refuse()
          else if (message.kind === 'failed') open.destroy()
          break
      }
    },
    () => (open ? open.destroy() : socket.destroy()),
  )
  socket.on('error', () => socket.destroy())

  function upgradeTo(protocol: string | undefined): void {
    const handlers: SocketHandlers = {
      message(data) {
        onTheWay++
        if (onTheWay >= mostOnTheWay) open?.pause()
        call.send({ kind: 'message', data })
      },
      closed() {
        call.send({ kind: 'closed' })
        call.close()
      },
    }
    const begin = (opened: UpgradedSocket) => {
      open = opened
      for (const message of early.splice(0)) deliver(opened, message)
    }
    if (spdy) begin(upgradeToSpdy(socket, head, protocol, handlers))
    else upgradeToWebSocket(sockets, request, socket, head, protocol, handlers, begin)
  }

  function deliver(to: UpgradedSocket, data: Uint8Array | string): void {
    to.send(data, () => call.send({ kind: 'taken' }))
  }

  function refuse(): void {
    const body = Buffer.concat(refusal.chunks)
    const headers = refusal.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.write(`HTTP/1.1 ${refusal.status} Refused\r\n${headers}content-length: ${body.length}\r\nconnection: close\r\n\r\n`)
    socket.end(body)
    call.close()
  }
}

function listOf(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter(Boolean)
}

function targetOf(url: string): { cluster: string; path: string } | undefined {
  const match = /^\/clusters\/([A-Za-z0-9_-]+)(\/.*|\?.*)?$/.exec(url)
  if (!match?.[1]) return undefined
  const rest = match[2] ?? '/'
  return { cluster: match[1], path: rest.startsWith('?') ? `/${rest}` : rest }
}

function plain(request: IncomingMessage, path: string, body: Uint8Array | undefined, peer: Peer): PlainRequest {
  const headers: [string, string][] = []
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name === 'host' || name === 'connection') continue
    headers.push([name, Array.isArray(value) ? value.join(', ') : value])
  }
  return { method: request.method ?? 'GET', path, headers, peer, ...(body && body.length > 0 ? { body } : {}) }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > largestBody) return undefined
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

function answer(response: ServerResponse, code: number, reason: string, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code }))
}

async function closeServer(server: Server, sockets: WebSocketServer): Promise<void> {
  for (const client of sockets.clients) client.terminate()
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
