import type { Clock, Closer } from '../clock.ts'
import { isAddress } from '../network/address.ts'
import { NetworkError, type Sockets, type TcpConnection } from '../network/sockets.ts'
import { type TlsClient, tlsClient } from '../network/tls/client.ts'
import { goDialError, joinHostPort } from './runtime/dial.ts'

export type HttpAnswer = { readonly status: number; readonly location?: string } | { readonly error: string }

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * One GET as the kubelet's prober makes it, over plain HTTP or over HTTPS without looking at the certificate. `done` is called once, later
 * or in this very call. Errors are worded as Go's net/http does. Closing the result gives up silently.
 */
export function httpGet(
  sockets: Sockets,
  clock: Clock,
  request: { url: string; address: string; port: number; headers: readonly { name: string; value: string }[]; timeoutMs: number },
  done: (answer: HttpAnswer) => void,
): Closer {
  const { url, address, port } = request
  let over = false
  let connection: TcpConnection | undefined
  const finish = (answer: HttpAnswer) => {
    if (over) return
    over = true
    timer.close()
    connection?.close()
    done(answer)
  }
  const fail = (text: string) => finish({ error: `Get "${url}": ${text}` })
  const timer = clock.after(request.timeoutMs, () => fail('context deadline exceeded (Client.Timeout exceeded while awaiting headers)'))
  let text = ''
  let connected = false
  let tls: TlsClient | undefined
  const target = new URL(url)
  const secure = target.protocol === 'https:'
  const speak = () => {
    const open = connection as TcpConnection
    if (secure) {
      if (!open.service) return overTls(open)
      const headers = new Headers(request.headers.map(({ name, value }) => [name, value]))
      headers.set('user-agent', userAgent)
      open.service.fetch(new Request(url, { headers })).then(
        // Calm: that an answer came is nothing that happened, what somebody makes of it is.
        (response) => clock.soon(() => finish({ status: response.status }), true),
        (error) => clock.soon(() => fail(error instanceof Error ? error.message : String(error)), true),
      )
      return
    }
    ask((bytes) => open.write(bytes))
  }
  /** The prober does not look at certificates. */
  const overTls = (open: TcpConnection) => {
    const client = tlsClient((bytes) => open.write(bytes), isAddress(target.hostname) ? undefined : target.hostname, {
      certificates: () => undefined,
      secured: () => ask(client.write),
      data: hear,
      failed: (error) =>
        fail(error.reason === 'not-tls' ? 'http: server gave HTTP response to HTTPS client' : `remote error: tls: ${error.message}`),
    })
    tls = client
  }
  const ask = (send: (bytes: Uint8Array) => void) => {
    const host = request.headers.find(({ name }) => name.toLowerCase() === 'host')?.value ?? joinHostPort(address, port)
    const extra = request.headers.filter(({ name }) => name.toLowerCase() !== 'host').map(({ name, value }) => `${name}: ${value}\r\n`)
    send(
      encoder.encode(
        `GET ${target.pathname}${target.search} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${userAgent}\r\nAccept: */*\r\n${extra.join('')}Connection: close\r\n\r\n`,
      ),
    )
  }
  const hear = (bytes: Uint8Array) => {
    text += decoder.decode(bytes)
    const head = /^HTTP\/1\.[01] (\d{3})[^\r\n]*\r?\n([\s\S]*?)\r?\n\r?\n/.exec(text)
    if (!head)
      return text.length > 16_384 || !'HTTP/1.'.startsWith(text.slice(0, 7))
        ? fail(`net/http: HTTP/1.x transport connection broken: malformed HTTP response ${JSON.stringify(text.split('\r\n')[0])}`)
        : undefined
    const location = /^location:[ \t]*(.*?)[ \t]*\r?$/im.exec(head[2] as string)?.[1]
    finish({ status: Number(head[1]), ...(location ? { location } : {}) })
  }
  try {
    connection = sockets.connectTcp(
      { address, port },
      {
        connected() {
          connected = true
          if (connection && !over) speak()
        },
        data: (bytes) => (tls ? tls.push(bytes) : hear(bytes)),
        end: () => fail('EOF'),
        error: (error) =>
          fail(
            connected
              ? `read tcp ${joinHostPort(address, port)}: read: ${goDialError(error, '').message.replace(/^: connect: /, '')}`
              : goDialError(error, `dial tcp ${joinHostPort(address, port)}`).message,
          ),
      },
    )
    if (connected && !over) speak()
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    fail(goDialError(error, `dial tcp ${joinHostPort(address, port)}`).message)
  }
  return {
    close() {
      over = true
      timer.close()
      connection?.close()
    },
  }
}

const userAgent = 'kube-probe/1.34'
