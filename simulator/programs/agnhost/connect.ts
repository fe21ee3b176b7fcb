import type { NetworkError } from '../../network/sockets.ts'
import { resolve } from '../resolver/resolver.ts'
import type { AgnhostContext } from './agnhost.ts'

/** A Go duration, ms: `3s`, `500ms`, `1m30s`; 0 for "as long as the kernel waits". Undefined where it is none. */
export function goDuration(text: string): number | undefined {
  if (text === '0') return 0
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) return undefined
  return parts.reduce(
    (sum, [, value, unit]) => sum + Number(value) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h'],
    0,
  )
}

/** `agnhost connect HOST:PORT`: silent and 0 where it connects; else one word and exit code 1, after test/images/agnhost/connect. */
export function connectOnce(context: AgnhostContext, flags: ReadonlyMap<string, string>, operands: readonly string[]): void {
  const fail = (word: string) => {
    context.log(word, 'stderr')
    context.exit(1)
  }
  const [target] = operands
  const parts = /^(.*):(\d+)$/.exec(target ?? '')
  if (!parts) return fail(`OTHER: address ${target ?? ''}: missing port in address`)
  const [, host = '', port] = parts
  const timeoutMs = goDuration(flags.get('timeout') ?? '0')
  if (timeoutMs === undefined) return fail(`Error: invalid argument "${flags.get('timeout')}" for "--timeout" flag`)
  const protocol = flags.get('protocol') ?? 'tcp'
  if (protocol !== 'tcp' && protocol !== 'udp') return fail(`OTHER: the simulated agnhost does not model protocol ${protocol}`)
  void resolve(context, host).then((found) => {
    context.clock.soon(() => {
      if (!('addresses' in found)) return fail(`DNS: lookup ${host}: no such host`)
      const to = { address: found.addresses[0] as string, port: Number(port) }
      let over = false
      const finish = (word: string | undefined) => {
        if (over) return
        over = true
        if (word === undefined) context.exit(0)
        else fail(word)
      }
      if (timeoutMs > 0) context.clock.after(timeoutMs, () => finish('TIMEOUT'))
      const failed = (error: NetworkError) =>
        finish(error.code === 'ECONNREFUSED' ? 'REFUSED' : error.code === 'ETIMEDOUT' ? 'TIMEOUT' : `OTHER: ${error.message}`)
      if (protocol === 'tcp') {
        context.sockets.connectTcp(to, { connected: () => finish(undefined), error: failed })
      } else {
        const socket = context.sockets.bindUdp({}, { datagram: () => finish(undefined), error: failed })
        socket.send(new TextEncoder().encode(flags.get('udp-data') ?? ''), to)
      }
    })
  })
}
