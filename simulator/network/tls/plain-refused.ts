import type { TcpConnection, TcpHandlers } from '../sockets.ts'

const answer = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'
/** As Go's net/http recognises who forgot the `s`: by the first five bytes. */
const httpStart = /^(GET |HEAD|POST|PUT |OPTI)/

/** What a Go server that serves HTTPS does with bytes that are no TLS. For listeners that offer an `HttpsService`. */
export function plainRefused(connection: TcpConnection): TcpHandlers {
  return {
    data(bytes) {
      if (httpStart.test(new TextDecoder().decode(bytes.subarray(0, 5)))) connection.write(new TextEncoder().encode(answer))
      connection.close()
    },
    end: () => connection.end(),
  }
}
