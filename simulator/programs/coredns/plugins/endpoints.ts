import { serveHttp } from '../../../network/http.ts'
import { CorefileError, parsingError } from '../corefile.ts'
import { durationMs } from '../duration.ts'
import type { Plugin, Setup } from '../plugin.ts'

/** `/health` on :8080: 200 while the process lives. `lameduck` keeps it serving for a while after SIGTERM. */
export const health: Plugin = (setup) => {
  const { directive, file, server } = setup
  for (const option of directive.block) {
    if (option.name !== 'lameduck')
      throw parsingError(file, option.line, `Wrong argument count or unexpected line ending after '${option.name}'`)
    const lameduck = durationMs(option.args[0] ?? '')
    if (lameduck === undefined)
      throw new CorefileError(
        `unable to parse lameduck duration value: '${option.args[0] ?? ''}' : time: invalid duration "${option.args[0] ?? ''}"`,
      )
    server.setLameduck(lameduck)
  }
  listen(setup, 8080, '/health', () => ({ status: 200, body: 'OK' }))
  return undefined
}

/** `/ready` on :8181: 200 once every plugin is ready, until then 503 with the names of those that are not. */
export const ready: Plugin = (setup) => {
  listen(setup, 8181, '/ready', () => {
    const waiting = setup.server.waiting()
    return waiting.length ? { status: 503, body: waiting.join(',') } : { status: 200, body: 'OK' }
  })
  return undefined
}

/** `/metrics` on :9153: how many questions were answered, by type and by rcode. */
export const prometheus: Plugin = (setup) => {
  const requests = new Map<string, number>()
  const responses = new Map<string, number>()
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
  listen(setup, 9153, '/metrics', () => ({
    status: 200,
    body: [
      '# HELP coredns_dns_requests_total Counter of DNS requests made per zone, protocol and family.',
      '# TYPE coredns_dns_requests_total counter',
      ...[...requests].map(([labels, value]) => `coredns_dns_requests_total{${labels}} ${value}`),
      '# HELP coredns_dns_responses_total Counter of response status codes.',
      '# TYPE coredns_dns_responses_total counter',
      ...[...responses].map(([labels, value]) => `coredns_dns_responses_total{${labels}} ${value}`),
      '',
    ].join('\n'),
  }))
  const name = `server="dns://:${setup.port}",zone="${setup.zones[0] ?? '.'}"`
  return (next) => (query, reply) => {
    count(requests, `family="1",proto="${query.protocol}",${name},type="${query.type}",view=""`)
    next(query, (answer) => {
      count(responses, `plugin="",rcode="${answer.rcode}",${name},view=""`)
      reply(answer)
    })
  }
}

/** A small HTTP server of a plugin: `[ADDRESS]:PORT` as its only argument. */
function listen(setup: Setup, defaultPort: number, path: string, answer: () => { status: number; body: string }): void {
  const given = setup.directive.args[0]
  const match = given === undefined ? ['', '', String(defaultPort)] : /^([\d.]*):(\d+)$/.exec(given)
  if (!match) throw parsingError(setup.file, setup.directive.line, `address ${given}: missing port in address`)
  setup.server.onServe(() =>
    serveHttp(setup.context.sockets, Number(match[2]), (request, respond) => {
      if (request.target !== path)
        return respond({ status: 404, headers: [['content-type', 'text/plain; charset=utf-8']], body: '404 page not found\n' })
      const { status, body } = answer()
      respond({ status, headers: [['content-type', 'text/plain; charset=utf-8']], body })
    }),
  )
}
