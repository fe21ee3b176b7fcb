import { alerts, decodeHandshake, encodeAlert, encodeClientHello, finished } from './handshake.ts'
import { contentTypes, encodeRecords, NotTls, RecordReader } from './record.ts'

/** Why a handshake did not come about. */
export class TlsError extends Error {
  readonly reason: 'not-tls' | 'alert' | 'eof' | 'refused'
  constructor(reason: TlsError['reason'], message: string) {
    super(message)
    this.name = 'TlsError'
    this.reason = reason
  }
}

export interface TlsClientEvents {
  /** The server's certificates, DER and its own first: undefined to go on, or the alert with which to refuse. */
  certificates(chain: readonly Uint8Array[]): number | undefined
  /** The handshake is done: `write` may be used. */
  secured(): void
  data(bytes: Uint8Array): void
  /** Called at most once; nothing follows. The connection is the caller's to close. */
  failed(error: TlsError): void
}

/** The client's side of TLS on a connection that stands. */
export interface TlsClient {
  /** Bytes that came. */
  push(bytes: Uint8Array): void
  /** The peer closed its side. */
  ended(): void
  write(bytes: Uint8Array): void
  /** Says that nothing follows. */
  end(): void
}

/** Sends the hello at once; `serverName` is left out for addresses (RFC 6066). */
export function tlsClient(send: (bytes: Uint8Array) => void, serverName: string | undefined, events: TlsClientEvents): TlsClient {
  const reader = new RecordReader()
  let state: 'handshake' | 'open' | 'over' = 'handshake'
  const fail = (error: TlsError) => {
    if (state === 'over') return
    state = 'over'
    events.failed(error)
  }
  const handshake = (payload: Uint8Array) => {
    const chain = decodeHandshake(payload)?.certificates
    if (!chain) return fail(new TlsError('alert', 'unexpected message'))
    const refusal = events.certificates(chain)
    if (refusal !== undefined) {
      send(encodeAlert(refusal))
      return fail(new TlsError('refused', `alert ${refusal}`))
    }
    state = 'open'
    send(finished)
    events.secured()
  }
  send(encodeClientHello(serverName === undefined ? {} : { serverName }))
  return {
    push(bytes) {
      if (state === 'over') return
      try {
        for (const { type, payload } of reader.push(bytes)) {
          if (type === contentTypes.handshake) handshake(payload)
          else if (type === contentTypes.data) events.data(payload)
          else if (payload[1] !== alerts.closeNotify) fail(new TlsError('alert', `alert ${payload[1]}`))
        }
      } catch (error) {
        if (!(error instanceof NotTls)) throw error
        fail(new TlsError('not-tls', error.message))
      }
    },
    ended() {
      if (state === 'handshake') fail(new TlsError('eof', 'unexpected EOF'))
    },
    write: (bytes) => send(encodeRecords(contentTypes.data, bytes)),
    end: () => send(encodeAlert(alerts.closeNotify)),
  }
}
