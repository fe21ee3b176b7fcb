import type { Endpoint, NetworkError, Sockets, TcpConnection, TcpHandlers } from '../sockets.ts'
import { type TlsClient, type TlsError, tlsClient } from './client.ts'

export interface SecureHandlers extends Omit<TcpHandlers, 'error'> {
  error?(error: NetworkError | TlsError): void
}

/** A TCP connection with TLS on it whose server may be anybody: certificates are not looked at. `connected` comes after the handshake. */
export function connectTlsUnverified(
  sockets: Pick<Sockets, 'connectTcp'>,
  to: Endpoint,
  serverName: string | undefined,
  handlers: SecureHandlers,
): TcpConnection {
  let client: TlsClient | undefined
  const connection = sockets.connectTcp(to, {
    connected() {
      client = tlsClient((bytes) => connection.write(bytes), serverName, {
        certificates: () => undefined,
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
