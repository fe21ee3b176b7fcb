import { httpRequest, type Respond, type ServedRequest, serveHttp } from '../../network/http.ts'
import type { HttpHeaders } from '../../network/http-message.ts'
import { klog } from '../klog.ts'
import { resolve } from '../resolver/resolver.ts'
import type { AgnhostContext } from './agnhost.ts'

const plain: HttpHeaders = [['Content-Type', 'text/plain; charset=utf-8']]
const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** How long one dial of /dial may take, ms. */
const dialTimeout = 5000
/** net/http reads headers this long, ms; bounds `tries`. */
const mostTries = 100

/** HTTP on 8080 and UDP on 8081, after test/images/agnhost/netexec. /shell, /upload and SCTP are refused. */
export function netexec(context: AgnhostContext, flags: ReadonlyMap<string, string>): void {
  const httpPort = Number(flags.get('http-port') ?? 8080)
  const udpPort = Number(flags.get('udp-port') ?? 8081)
  const log = klog(context)
  context.onSignal(() => context.exit(0))
  const override = flags.get('http-override')
  serveHttp(context.sockets, httpPort, (request, respond) => {
    const target = new URL(request.target, 'http://netexec')
    log('I', 'log.go:245', `GET ${target.pathname}`)
    route(context, override ? new URL(override, 'http://netexec') : target, request, respond)
  })
  if (udpPort > 0) serveUdp(context, udpPort)
  if (!context.resumed) {
    log('I', 'log.go:245', `Started HTTP server on port ${httpPort}`)
    if (udpPort > 0) log('I', 'log.go:245', `Started UDP server on port ${udpPort}`)
  }
}

function route(context: AgnhostContext, url: URL, request: ServedRequest, respond: Respond): void {
  const say = (body: string, status = 200) => respond({ status, headers: plain, body })
  switch (url.pathname) {
    case '/':
      return say(`NOW: ${new Date(context.clock.now()).toISOString()}`)
    case '/hostname':
    case '/hostName':
      return say(context.hostname)
    case '/clientip':
      return say(`${request.remote.address}:${request.remote.port}`)
    case '/echo': {
      const code = Number(url.searchParams.get('code') ?? 200)
      return say(url.searchParams.get('msg') ?? '', code >= 200 && code < 600 ? code : 400)
    }
    case '/header': {
      const key = url.searchParams.get('key') ?? ''
      return say(request.headers.find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1] ?? '')
    }
    case '/healthz':
      return context.state.exiting ? say('', 412) : say('')
    case '/redirect':
      return respond({
        status: Number(url.searchParams.get('code') ?? 302),
        headers: [['Location', url.searchParams.get('location') ?? '/']],
      })
    case '/exit':
      context.state.exiting = true
      say('')
      return context.clock.soon(() => context.exit(Number(url.searchParams.get('code') ?? 0)))
    case '/dial':
      return dial(context, url.searchParams, say)
    case '/shell':
    case '/shutdown':
    case '/upload':
      return say(`the simulated agnhost does not model ${url.pathname}`, 501)
    default:
      return say('404 page not found\n', 404)
  }
}

/** Dials another netexec `tries` times and lists what came back. */
function dial(context: AgnhostContext, query: URLSearchParams, say: (body: string, status?: number) => void): void {
  const host = query.get('host')
  const port = Number(query.get('port'))
  const request = query.get('request')
  const protocol = query.get('protocol') ?? 'http'
  if (!host || !(port > 0))
    return say(`invalid dial: host ${JSON.stringify(host ?? '')}, port ${JSON.stringify(query.get('port') ?? '')}`, 400)
  if (!request) return say('invalid dial: request parameter is missing', 400)
  if (protocol !== 'http' && protocol !== 'udp') return say(`unsupported protocol. ${protocol}`, 400)
  const tries = Math.min(Number(query.get('tries') ?? 1) || 1, mostTries)
  const responses: string[] = []
  const errors: string[] = []
  const finish = () => {
    if (responses.length + errors.length < tries) return
    const output = { ...(responses.length > 0 ? { responses } : {}), ...(errors.length > 0 ? { errors } : {}) }
    say(JSON.stringify(output))
  }
  void resolve(context, host).then((found) => {
    context.clock.soon(() => {
      for (let attempt = 0; attempt < tries; attempt++) {
        const done = (list: string[], text: string) => {
          list.push(text)
          finish()
        }
        if (!('addresses' in found)) done(errors, `lookup ${host}: no such host`)
        else if (protocol === 'http')
          dialHttp(
            context,
            host,
            { address: found.addresses[0] as string, port },
            request,
            (text) => done(responses, text),
            (text) => done(errors, text),
          )
        else
          dialUdp(
            context,
            { address: found.addresses[0] as string, port },
            request,
            (text) => done(responses, text),
            (text) => done(errors, text),
          )
      }
    })
  })
}

type Tell = (text: string) => void

function dialHttp(
  context: AgnhostContext,
  host: string,
  to: { address: string; port: number },
  request: string,
  answered: Tell,
  failed: Tell,
): void {
  const url = `http://${host}:${to.port}/${request}`
  const timer = context.clock.after(dialTimeout, () => {
    closer.close()
    failed(`Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`)
  })
  const closer = httpRequest(
    context.sockets,
    to,
    {
      target: `/${request}`,
      headers: [
        ['Host', `${host}:${to.port}`],
        ['User-Agent', 'Go-http-client/1.1'],
      ],
    },
    {
      response: (response) => {
        timer.close()
        answered(decoder.decode(response.body))
      },
      error: (error) => {
        timer.close()
        failed(`Get "${url}": ${error.message}`)
      },
    },
  )
}

function dialUdp(context: AgnhostContext, to: { address: string; port: number }, request: string, answered: Tell, failed: Tell): void {
  const finish = (tell: Tell, text: string) => {
    timer.close()
    socket.close()
    tell(text)
  }
  const timer = context.clock.after(dialTimeout, () =>
    finish(failed, `reading from udp connection failed. err:'read udp ${to.address}:${to.port}: i/o timeout'`),
  )
  const socket = context.sockets.bindUdp(
    {},
    {
      datagram: (bytes) => finish(answered, decoder.decode(bytes).trim()),
      error: (error) => finish(failed, `reading from udp connection failed. err:'${error.message}'`),
    },
  )
  socket.send(encoder.encode(request), to)
}

function serveUdp(context: AgnhostContext, port: number): void {
  const socket = context.sockets.bindUdp(
    { port },
    {
      datagram(bytes, from) {
        const [word = '', ...rest] = decoder.decode(bytes).trim().split(' ')
        const answers: Record<string, string> = {
          hostname: context.hostname,
          echo: rest.join(' '),
          clientip: `${from.address}:${from.port}`,
        }
        const answer = answers[word.toLowerCase()]
        if (answer !== undefined) socket.send(encoder.encode(answer), from)
      },
    },
  )
}

/** The pod's name on 9376, over HTTP by default. */
export function serveHostname(context: AgnhostContext, flags: ReadonlyMap<string, string>): void {
  const port = Number(flags.get('port') ?? 9376)
  context.onSignal(() => context.exit(0))
  const tcp = flags.get('tcp') === 'true'
  const udp = flags.get('udp') === 'true'
  if (tcp) {
    context.sockets.listenTcp({ port }, (connection) => {
      context.clock.soon(() => {
        connection.write(encoder.encode(`${context.hostname}\n`))
        connection.end()
      })
      return {}
    })
  }
  if (udp) {
    const socket = context.sockets.bindUdp({ port }, { datagram: (_, from) => socket.send(encoder.encode(`${context.hostname}\n`), from) })
  }
  if (!tcp && !udp)
    serveHttp(context.sockets, port, (_request, respond) => respond({ status: 200, headers: plain, body: context.hostname }))
}
