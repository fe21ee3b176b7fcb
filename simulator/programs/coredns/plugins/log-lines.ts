import { encodeDns } from '../../../network/dns-message.ts'
import { argumentError, CorefileError } from '../corefile.ts'
import { respond } from '../listener.ts'
import type { Plugin } from '../plugin.ts'
import { canonical, isBelow } from '../query.ts'

/** Logs what went wrong inside the server, as CoreDNS's errors plugin. */
export const errors: Plugin = ({ context, directive }) => {
  const option = directive.block.find(({ name }) => name === 'consolidate' || name === 'stacktrace')
  if (option) throw new CorefileError(`plugin/errors: the simulated cluster does not model the option '${option.name}'`)
  return (next) => (query, reply) =>
    next(query, (answer) => {
      if (answer.error) context.log(`[ERROR] plugin/errors: 2 ${query.name} ${query.type}: ${answer.error}`)
      reply(answer)
    })
}

/** Logs every question with its answer, as CoreDNS's log plugin in its common format. */
export const log: Plugin = ({ context, directive, file }) => {
  if (directive.block.some(({ name }) => name !== 'class'))
    throw new CorefileError(`plugin/log: ${argumentError(file, directive.block[0] ?? directive).message}`)
  const zones = directive.args.length ? directive.args.map(canonical) : ['.']
  return (next) => (query, reply) => {
    if (!zones.some((zone) => isBelow(query.name, zone))) return next(query, reply)
    const began = context.clock.now()
    next(query, (answer) => {
      const flags = [
        'qr',
        ...(answer.authoritative ? ['aa'] : []),
        ...(answer.truncated ? ['tc'] : []),
        'rd',
        ...(answer.authoritative ? [] : ['ra']),
      ].join(',')
      const seconds = Math.max(0.00005, (context.clock.now() - began) / 1000).toFixed(9)
      context.log(
        `[INFO] ${query.remote.address}:${query.remote.port} - ${query.message.id} "${query.type} IN ${query.name} ${query.protocol} ${encodeDns(query.message).length} false ${query.size}" ${answer.rcode} ${flags} ${encodeDns(respond(query, answer)).length} ${seconds}s`,
      )
      reply(answer)
    })
  }
}
