import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocketServer } from 'ws'

/** A connection that left HTTP: a WebSocket, or a bare one that speaks SPDY. */
export interface UpgradedSocket {
  /** `taken` is called when the transport has taken the bytes. */
  send(data: Uint8Array | string, taken: () => void): void
  pause(): void
  resume(): void
  close(code: number, reason: string | undefined): void
  destroy(): void
}

export interface SocketHandlers {
  message(data: Uint8Array | string): void
  closed(): void
}

export function upgradeToWebSocket(
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string | undefined,
  handlers: SocketHandlers,
  begin: (opened: UpgradedSocket) => void,
): void {
  // The handshake answers with the protocol that the API server chose, whatever else was offered.
  if (protocol) request.headers['sec-websocket-protocol'] = protocol
  else delete request.headers['sec-websocket-protocol']
  sockets.handleUpgrade(request, socket, head, (web) => {
    web.on('message', (data: Buffer, binary: boolean) => handlers.message(binary ? new Uint8Array(data) : data.toString()))
    web.on('close', () => handlers.closed())
    web.on('error', () => web.terminate())
    begin({
      send: (data, taken) => web.send(data, taken),
      pause: () => web.pause(),
      resume: () => web.resume(),
      close: (code, reason) => {
        // A paused socket would never see the client's half of the closing handshake.
        web.resume()
        web.close(code, reason)
      },
      destroy: () => web.terminate(),
    })
  })
}

/** The upgrade that clients used before WebSockets (apimachinery's httpstream/spdy). */
export function upgradeToSpdy(socket: Duplex, head: Buffer, protocol: string | undefined, handlers: SocketHandlers): UpgradedSocket {
  const version = protocol ? `X-Stream-Protocol-Version: ${protocol}\r\n` : ''
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${version}\r\n`)
  socket.on('data', (data: Buffer) => handlers.message(new Uint8Array(data)))
  socket.on('end', () => socket.end())
  socket.on('close', () => handlers.closed())
  if (head.length > 0) socket.unshift(head)
  return {
    send: (data, taken) => {
      socket.write(data, () => taken())
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => {
      socket.resume()
      socket.end()
    },
    destroy: () => socket.destroy(),
  }
}
