import type { Endpoint, NetworkError, Sockets, TcpConnection, TcpHandlers } from '../sockets.ts'
import { type TlsClient, type TlsClientEvents, type TlsError, tlsClient } from './client.ts'

export interface SecureHandlers extends Omit<TcpHandlers, 'error'> {
  error?(error: NetworkError | TlsError): void
}

/** A TCP connection with TLS on it. `check` sees the server's certificates as TlsClientEvents' does. `connected` comes after the handshake. */
export function connectTls(
  sockets: Pick<Sockets, 'connectTcp'>,
  to: Endpoint,
  serverName: string | undefined,
  check: TlsClientEvents['certificates'],
  handlers: SecureHandlers,
): TcpConnection {
  let client: TlsClient | undefined
  const connection = sockets.connectTcp(to, {
    connected() {
      client = tlsClient((bytes) => connection.write(bytes), serverName, {
        certificates: check,
        secured: () => handlers.connected?.(),
        data: (bytes) => handlers.data?.(bytes),
        failed(error) {
          connection.close()
          handlers.error?.(error)
        },
      })
    },
    data: (bytes) => client?.push(bytes),
    end() {
      client?.ended()
      handlers.end?.()
    },
    error: (error) => handlers.error?.(error),
  })
  return {
    service: undefined,
    local: connection.local,
    remote: connection.remote,
    write: (bytes) => client?.write(bytes),
    end: () => connection.end(),
    reset: () => connection.reset(),
    close: () => connection.close(),
  }
}
