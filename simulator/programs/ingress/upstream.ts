import type { Clock, Closer } from '../../clock.ts'
import { httpRequest } from '../../network/http.ts'
import type { HttpHeaders, HttpResponse } from '../../network/http-message.ts'
import { type Endpoint, type Errno, NetworkError, type Sockets } from '../../network/sockets.ts'
import { TlsError } from '../../network/tls/client.ts'
import { alerts } from '../../network/tls/handshake.ts'

export interface UpstreamRequest {
  readonly method: string
  readonly target: string
  readonly headers: HttpHeaders
  readonly body: Uint8Array
  /** Over TLS; nobody's certificate is looked at, unless it is `untrusted` whatever it is. */
  readonly tls: boolean
  readonly untrusted?: boolean
  readonly serverName?: string
}

/** How one attempt ended. `connected`: the failure came after the connection stood. */
export type Attempt =
  | { readonly response: HttpResponse }
  | {
      readonly failed: 'refused' | 'timeout' | 'unreachable' | 'closed' | 'tls' | 'malformed'
      readonly connected: boolean
      readonly errno?: Errno
      readonly message: string
    }

/** One request to one endpoint, with a proxy's patience: ms until the connection stands, then until the whole answer is there. */
export function attempt(
  { sockets, clock }: { sockets: Sockets; clock: Clock },
  to: Endpoint,
  request: UpstreamRequest,
  patience: { readonly connectMs: number; readonly readMs: number },
  done: (attempt: Attempt) => void,
): Closer {
  let connected = false
  const settle = (result: Attempt) => {
    timer.close()
    done(result)
  }
  const late = () => {
    closer.close()
    settle({ failed: 'timeout', connected, message: 'timed out' })
  }
  let timer = clock.after(patience.connectMs, late)
  const { method, target, headers, body, tls, serverName, untrusted } = request
  const check = untrusted ? { check: () => alerts.badCertificate } : {}
  const closer = httpRequest(
    sockets,
    to,
    { method, target, headers, ...(body.length > 0 ? { body } : {}), ...(tls ? { tls: { serverName, ...check } } : {}) },
    {
      connected() {
        connected = true
        timer.close()
        timer = clock.after(patience.readMs, late)
      },
      response: (response) => settle({ response }),
      error: (error) => settle({ ...causeOf(error, connected), connected }),
    },
  )
  return {
    close() {
      timer.close()
      closer.close()
    },
  }
}

function causeOf(error: Error, connected: boolean): Omit<Extract<Attempt, { failed: string }>, 'connected'> {
  const { message } = error
  if (error instanceof TlsError) return { failed: 'tls', message: error.reason }
  if (!(error instanceof NetworkError)) return { failed: 'malformed', message }
  const { code } = error
  if (connected) return { failed: 'closed', errno: code, message }
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return { failed: 'refused', errno: code, message }
  if (code === 'ETIMEDOUT') return { failed: 'timeout', errno: code, message }
  return { failed: 'unreachable', errno: code, message }
}
