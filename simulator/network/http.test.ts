import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connect, DialTimeout, exchangeUdp } from './async.ts'
import { httpRequest, serveHttp } from './http.ts'
import { encodeRequest, encodeResponse, header } from './http-message.ts'
import { gatherBody, type HttpParseError, HttpParser } from './http-parser.ts'
import { bytes, echoServer, text, twoNodes } from './testing/two-nodes.ts'

function parse(kind: 'request' | 'response', pieces: readonly Uint8Array[]): string[] {
  const seen: string[] = []
  const body = gatherBody()
  const parser = new HttpParser(
    { kind },
    {
      head: (head) => seen.push(JSON.stringify(head)),
      body: body.add,
      end: () => seen.push(text(body.take())),
    },
  )
  try {
    for (const piece of pieces) parser.push(piece)
    parser.finish()
  } catch (error) {
    seen.push((error as HttpParseError).message)
  }
  return seen
}

describe('the HTTP parser', () => {
  const messages: ['request' | 'response', string][] = [
    ['request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /x?y=1 HTTP/1.1\r\ncontent-length: 5\r\n\r\nhelloGET /z HTTP/1.0\n\n'],
    [
      'response',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\nX: y\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    ],
    ['response', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nuntil the end'],
    ['request', 'GET / HTTP/1.1\r\nbad header\r\n\r\n'],
    ['response', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort'],
  ]
  it('reports the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.array(fc.nat(200), { maxLength: 12 }), ([kind, message], cuts) => {
        const whole = bytes(message)
        const places = [...new Set([0, ...cuts.filter((cut) => cut < whole.length), whole.length])].sort((a, b) => a - b)
        const pieces = places.slice(1).map((end, i) => whole.subarray(places[i], end))
        expect(parse(kind, pieces)).toEqual(parse(kind, [whole]))
      }),
      { numRuns: 300 },
    )
  })

  it('reads lengths, chunks and bodies until close', () => {
    expect(parse('request', [bytes(messages[0]![1])]).filter((_, i) => i % 2 === 1)).toEqual(['', 'hello', ''])
    expect(parse('response', [bytes(messages[1]![1])])[1]).toBe('Wikipedia')
    expect(parse('response', [bytes(messages[2]![1])]).at(-1)).toBe('until the end')
    expect(parse('response', [bytes(messages[4]![1])]).at(-1)).toBe('unexpected EOF')
  })

  it.each([
    ['GET / HTTP/1.1\r\nA: '.padEnd(70_000, 'x'), 431],
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\n\r\n', 505],
    ['GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n', 501],
  ])('refuses %.40j with %d', (message, status) => {
    expect(() => new HttpParser({ kind: 'request' }, {}).push(bytes(message))).toThrow(expect.objectContaining({ status }))
  })

  it('encodes what it decodes', () => {
    expect(text(encodeRequest({ method: 'POST', target: '/', headers: [['Host', 'a']], body: 'hi' }))).toBe(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi',
    )
    expect(text(encodeResponse({ status: 200, headers: [['Transfer-Encoding', 'chunked']], body: 'hi' }))).toBe(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    )
    expect(text(encodeResponse({ status: 204 }))).toBe('HTTP/1.1 204 No Content\r\n\r\n')
    expect(() => encodeResponse({ status: 200, headers: [['A', 'b\r\nC: d']] })).toThrow('line break')
  })
})

describe('HTTP over the network', () => {
  it('asks and answers, with bodies of many segments', () => {
    const { pod, settle, errors } = twoNodes('vxlan')
    const [client, server] = [pod(0, 2), pod(1, 2)]
    serveHttp(server.sockets, 80, ({ method, target, body, remote }, respond) => {
      respond({ status: 200, headers: [['X-From', remote.address]], body: `${method} ${target} ${body.length} ${'y'.repeat(20_000)}` })
    })
    const answers: string[] = []
    httpRequest(
      client.sockets,
      { address: '10.244.1.2', port: 80 },
      { method: 'POST', target: '/a', body: 'x'.repeat(50_000) },
      {
        response: (response) =>
          answers.push(
            `${response.status} ${response.reason} ${header(response, 'x-from')} ${text(response.body).slice(0, 13)} ${response.body.length}`,
          ),
        error: (error) => answers.push(error.message),
      },
    )
    settle()
    expect(answers).toEqual(['200 OK 10.244.0.2 POST /a 50000 20014'])
    expect(errors).toEqual([])
    expect(server.table.entries().filter(({ state }) => state === 'ESTAB')).toEqual([])
  })

  it('answers pipelined requests in their order, keeps alive, and says 400 to nonsense', () => {
    const { pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    const late: (() => void)[] = []
    serveHttp(server.sockets, 80, ({ target }, respond) => {
      if (target === '/slow') late.push(() => respond({ status: 200, body: 'slow' }))
      else respond({ status: 200, body: 'fast' })
    })
    let heard = ''
    let ended = false
    const connection = client.sockets.connectTcp(
      { address: '10.244.1.2', port: 80 },
      {
        data: (data) => {
          heard += text(data)
        },
        end: () => {
          ended = true
        },
      },
    )
    connection.write(bytes('GET /slow HTTP/1.1\r\n\r\nGET /fast HTTP/1.1\r\n\r\n'))
    settle()
    expect(heard).toBe('')
    late[0]!()
    settle()
    expect(heard.match(/slow|fast/g)).toEqual(['slow', 'fast'])
    expect(ended).toBe(false)
    connection.write(bytes('what?\r\n\r\n'))
    settle()
    expect(heard).toContain('HTTP/1.1 400 Bad Request')
    expect(ended).toBe(true)
  })

  it.each([
    ['refused', undefined, 'ECONNREFUSED'],
    ['cut off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', 'unexpected EOF'],
    ['malformed', 'SSH-2.0-OpenSSH\r\n\r\n', 'malformed HTTP response'],
    ['silent', '', 'EOF'],
  ])('tells of an answer that is %s', (_, answer, expected) => {
    const { pod, settle } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    if (answer !== undefined) {
      server.sockets.listenTcp({ port: 80 }, (connection) => ({
        data: () => {
          connection.write(bytes(answer))
          connection.end()
        },
      }))
    }
    const seen: string[] = []
    httpRequest(
      client.sockets,
      { address: '10.244.1.2', port: 80 },
      { target: '/' },
      {
        response: () => seen.push('response'),
        error: (error) => seen.push(error.message),
      },
    )
    settle()
    expect(seen).toEqual([expect.stringContaining(expected)])
  })
})

describe('awaiting', () => {
  it('connects, reads and writes', async () => {
    const { pod, loop } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    echoServer(server, 80)
    const connection = await connect(client.sockets, { address: '10.244.1.2', port: 80 }, { clock: loop })
    connection.write(bytes('hi'))
    expect(text((await connection.read())!)).toBe('hi')
    connection.end()
    expect(await connection.read()).toBeUndefined()
  })

  it('tells its own time-out, the kernel’s refusal and an abort apart', async () => {
    const { pod, loop, nodes, time } = twoNodes()
    const client = pod(0, 2)
    pod(1, 2)
    await expect(connect(client.sockets, { address: '10.244.1.2', port: 80 }, { clock: loop })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
    nodes[1].netfilter.setPolicy('filter', 'FORWARD', 'DROP')
    const waiting = connect(client.sockets, { address: '10.244.1.2', port: 80 }, { clock: loop, timeoutMs: 3000 })
    await Promise.all([expect(waiting).rejects.toBeInstanceOf(DialTimeout), time.pass(3000, async () => {})])
    expect(client.table.entries()).toEqual([])
    const abort = new AbortController()
    const aborted = connect(client.sockets, { address: '10.244.1.2', port: 80 }, { clock: loop, signal: abort.signal })
    abort.abort(new Error('Ctrl-C'))
    await expect(aborted).rejects.toThrow('Ctrl-C')
  })

  it('exchanges datagrams', async () => {
    const { pod, loop } = twoNodes()
    const [client, server] = [pod(0, 2), pod(1, 2)]
    const socket = server.sockets.bindUdp({ port: 53 }, { datagram: (data, from) => socket.send(data, from) })
    expect(text(await exchangeUdp(client.sockets, { address: '10.244.1.2', port: 53 }, bytes('q'), { clock: loop }))).toBe('q')
    await expect(exchangeUdp(client.sockets, { address: '10.244.1.2', port: 54 }, bytes('q'), { clock: loop })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })
})
