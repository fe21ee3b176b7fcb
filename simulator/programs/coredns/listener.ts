import type { Closer } from '../../clock.ts'
import { classicUdpSize, type DecodedMessage, DnsFormatError, type DnsMessage, decodeDns, encodeDns } from '../../network/dns-message.ts'
import type { Sockets, TcpConnection } from '../../network/sockets.ts'
import { framed, framedMessage } from './framing.ts'
import type { Answer, Handler, Query } from './query.ts'
import { canonical } from './query.ts'

/** Serves DNS on a port, over UDP and TCP. Throws NetworkError EADDRINUSE. */
export function listen(sockets: Sockets, port: number, handle: Handler): Closer {
  const udp = sockets.bindUdp(
    { port },
    {
      datagram(bytes, remote) {
        const query = read(bytes, { remote, protocol: 'udp' })
        if (query) handle(query, (answer) => udp.send(encodeDns(respond(query, answer), query.size), remote))
      },
    },
  )
  try {
    const tcp = sockets.listenTcp({ port }, (connection) => ({
      data: framed((bytes) => answerOver(connection, bytes)),
      end: () => connection.end(),
    }))
    return {
      close() {
        udp.close()
        tcp.close()
      },
    }
  } catch (error) {
    udp.close()
    throw error
  }

  function answerOver(connection: TcpConnection, bytes: Uint8Array): void {
    const query = read(bytes, { remote: connection.remote, protocol: 'tcp' })
    if (!query) return connection.end()
    handle(query, (answer) => {
      connection.write(framedMessage(encodeDns(respond(query, answer))))
    })
  }
}

/** Undefined for what is no question: such bytes are dropped, as a server does. */
function read(bytes: Uint8Array, from: Pick<Query, 'remote' | 'protocol'>): Query | undefined {
  let message: DecodedMessage
  try {
    message = decodeDns(bytes)
  } catch (error) {
    if (!(error instanceof DnsFormatError)) throw error
    return undefined
  }
  const question = message.questions[0]
  if (message.response || !question) return undefined
  return { ...from, name: canonical(question.name), type: question.type, message, size: message.edns?.udpSize ?? classicUdpSize }
}

/** The message that goes back for an answer. */
export function respond(query: Query, answer: Answer): DnsMessage {
  return {
    ...query.message,
    response: true,
    authoritative: answer.authoritative,
    truncated: answer.truncated ?? false,
    recursionAvailable: !answer.authoritative,
    rcode: answer.rcode,
    answers: [...answer.answers],
    authorities: [...answer.authorities],
    additionals: [...(answer.additionals ?? [])],
  }
}
