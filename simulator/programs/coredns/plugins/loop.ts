import { decodeDns, encodeDns } from '../../../network/dns-message.ts'
import type { Plugin } from '../plugin.ts'

/** How long after the start a loop is looked for, ms. */
const watchMs = 30_000

/**
 * Finds forwarding loops as CoreDNS's loop plugin does: it asks itself for a random name and ends the process when that question
 * comes back a third time.
 */
export const loop: Plugin = ({ context, server, port, zones }) => {
  server.onStart(() => {
    const name = `${context.random.below(2 ** 31)}${context.random.below(2 ** 31)}.${context.random.below(2 ** 31)}${context.random.below(2 ** 31)}.`
    context.state.loop = { name, seen: 0, until: context.clock.now() + watchMs }
    const message = encodeDns({
      id: context.random.below(65536),
      response: false,
      opcode: 0,
      authoritative: false,
      truncated: false,
      recursionDesired: true,
      recursionAvailable: false,
      rcode: 'NOERROR',
      questions: [{ name, type: 'HINFO', class: 'IN' }],
      answers: [],
      authorities: [],
      additionals: [],
    })
    const socket = context.sockets.bindUdp({}, { datagram: (bytes) => void decodeDns(bytes) })
    socket.send(message, { address: '127.0.0.1', port })
    context.clock.after(watchMs, () => socket.close())
  })
  return (next) => (query, reply) => {
    const watched = context.state.loop
    if (watched && query.type === 'HINFO' && query.name === watched.name && context.clock.now() < watched.until) {
      watched.seen++
      if (watched.seen > 2) {
        context.log(
          `[FATAL] plugin/loop: Loop (${query.remote.address}:${query.remote.port} -> :${port}) detected for zone "${zones[0] ?? '.'}", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO ${query.name}"`,
        )
        return context.exit(1)
      }
    }
    next(query, reply)
  }
}
