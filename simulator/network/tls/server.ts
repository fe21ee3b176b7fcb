import type { TcpConnection, TcpHandlers } from '../sockets.ts'
import { alerts, decodeHandshake, encodeAlert, encodeServerHello } from './handshake.ts'
import { contentTypes, encodeRecords, NotTls, RecordReader } from './record.ts'

export interface TlsServer {
  /** The certificates to show to whoever asks for that name, DER and the server's own first; undefined: the handshake fails. */
  certificates(serverName: string | undefined): readonly Uint8Array[] | undefined
  /** Who takes a connection whose first bytes are no TLS; the bytes follow. Absent: it is closed. */
  plain?(connection: TcpConnection): TcpHandlers
}

/** A connection behind a handshake: what is written goes out in records. */
export interface SecuredConnection extends TcpConnection {
  /** The name that the client asked for (SNI). */
  readonly serverName: string | undefined
}

/** Speaks the server's side of TLS on an accepted connection, and hands it on when the handshake is done. */
export function tlsServer(connection: TcpConnection, options: TlsServer, accept: (secured: SecuredConnection) => TcpHandlers): TcpHandlers {
  const reader = new RecordReader()
  let begun = false
  let serverName: string | undefined
  let handlers: TcpHandlers | undefined
  const fail = (description: number) => {
    connection.write(encodeAlert(description))
    connection.close()
  }
  const takeHandshake = (payload: Uint8Array) => {
    const received = decodeHandshake(payload)
    if (received?.clientHello) {
      serverName = received.clientHello.serverName
      const chain = options.certificates(serverName)
      if (!chain) return fail(alerts.handshakeFailure)
      connection.write(encodeServerHello(chain))
    } else if (received?.finished) handlers = accept(secured(connection, serverName))
    else fail(alerts.unexpectedMessage)
  }
  return {
    data(bytes) {
      if (handlers && !begun) return handlers.data?.(bytes)
      try {
        for (const { type, payload } of reader.push(bytes)) {
          begun = true
          if (type === contentTypes.handshake) takeHandshake(payload)
          else if (type === contentTypes.data) handlers?.data?.(payload)
          else if (payload[1] === alerts.closeNotify) handlers?.end?.()
        }
      } catch (error) {
        if (!(error instanceof NotTls)) throw error
        if (begun || !options.plain) return fail(alerts.unexpectedMessage)
        handlers = options.plain(connection)
        handlers.data?.(error.bytes)
      }
    },
    end: () => (handlers?.end ? handlers.end() : connection.end()),
    error: (error) => handlers?.error?.(error),
  }
}

function secured(connection: TcpConnection, serverName: string | undefined): SecuredConnection {
  let ended = false
  const notify = () => {
    if (!ended) connection.write(encodeAlert(alerts.closeNotify))
    ended = true
  }
  return {
    serverName,
    service: undefined,
    local: connection.local,
    remote: connection.remote,
    write: (bytes) => connection.write(encodeRecords(contentTypes.data, bytes)),
    end: () => {
      notify()
      connection.end()
    },
    close: () => {
      notify()
      connection.close()
    },
    reset: () => connection.reset(),
  }
}
