import type { Pod, Service } from 'kubernetes-types/core/v1'
import { NetworkError } from '../../../simulator/network/sockets.ts'
import { Signalled } from '../../../simulator/programs/process.ts'
import { SpdyConnection } from '../../../simulator/spdy/connection.ts'
import { Failure, misuse, StatusFailure } from '../cli/failure.ts'
import { duration, list } from '../cli/flags.ts'
import type { Call, Verb } from '../cli/verb.ts'
import { pathOf, resolveType } from '../client/discovery.ts'
import { forwardConnection } from '../client/forwarding.ts'
import { race } from '../client/streaming.ts'
import { byActivity, podPath, podsOf } from '../objects/pods.ts'
import { fetchInfos, namedTargets } from '../objects/targets.ts'
import { localAddresses, type PortPair, parsePort, remotePorts } from './forwarded-ports.ts'

const protocol = 'SPDY/3.1+portforward.k8s.io'
/** Where Linux takes ports from for whoever does not care which. */
const ephemeral = { first: 32_768, count: 28_232 }

export const portForwardVerb: Verb = {
  name: 'port-forward',
  about: 'Forward one or more local ports to a pod',
  more: 'The session ends when the pod does, or with Ctrl-C.',
  examples: ['kubectl port-forward pod/web 8080:80', 'kubectl port-forward svc/web 8443:https', 'kubectl port-forward deploy/web :80'],
  usage: 'TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]',
  flags: [
    { ...list('address', 'Addresses to listen on: IP addresses, or localhost.'), value: 'localhost' },
    duration('pod-running-timeout', 'Accepted.', undefined, '1m0s'),
  ],
  run,
}

async function run(call: Call): Promise<number | undefined> {
  const [word = '', ...words] = call.args
  if (words.length === 0) throw misuse(call.path, 'TYPE/NAME and list of ports are required for port-forward')
  const [info] = await fetchInfos(call, await namedTargets(call, [word], { defaultType: 'pods' }))
  if (!info) throw new Failure(`pods ${JSON.stringify(word)} not found`)
  const pods = info.type.kind === 'Pod' ? [info.object as unknown as Pod] : (await podsOf(call, info, 'attach to')).sort(byActivity)
  const [first] = pods
  if (!first) throw new Failure('timed out waiting for the condition')
  const service = info.type.kind === 'Service' ? (info.object as unknown as Service) : undefined
  const specs = remotePorts(words, first, service)
  const type = resolveType(await call.discovery(), 'pods')
  const pod = await call.client().json<Pod>('GET', pathOf(type, first.metadata?.namespace, first.metadata?.name))
  if (pod.status?.phase !== 'Running')
    throw new Failure(`unable to forward port because pod is not running. Current status=${pod.status?.phase ?? ''}`)
  const addresses = localAddresses(call.flags.changed('address') ? call.flags.list('address') : ['localhost'])
  const ports = specs.map(parsePort)
  const { socket } = await call
    .client()
    .websocket(await podPath(call, pod, 'portforward'), [], [protocol])
    .catch((error: unknown) => {
      if (error instanceof StatusFailure) throw new Failure(`error upgrading connection: unable to upgrade connection: ${error.message}`)
      throw error
    })
  const spdy = new SpdyConnection(socket, 'client', () => false)
  const lost = spdy.run()
  // Whoever waits for the connection hears of it; while nobody does it is no unhandled rejection.
  lost.catch(() => {})
  const session = new Session(call, spdy)
  try {
    await session.listen(ports, addresses)
    await race(lost, call.process.signal)
    throw new Failure('lost connection to pod')
  } catch (error) {
    // Ctrl-C is how a forwarding is meant to end.
    if (error instanceof Signalled && error.signal === 'SIGINT') return 0
    throw error
  } finally {
    session.close()
    await spdy.close()
  }
}

class Session {
  readonly #call: Call
  readonly #spdy: SpdyConnection
  readonly #listeners: { close(): void }[] = []
  #requests = 0
  #telling: Promise<void> = Promise.resolve()

  constructor(call: Call, spdy: SpdyConnection) {
    this.#call = call
    this.#spdy = spdy
  }

  /** Listens for every port where it can; throws where it can for none. */
  async listen(ports: readonly PortPair[], addresses: readonly { address: string; family: string; all: boolean }[]): Promise<void> {
    const shown: PortPair[] = []
    let listening = false
    for (const given of ports) {
      let port = given
      const errors: string[] = []
      const failed = { all: 0, any: 0 }
      let localhost = 0
      for (const { address, family, all } of addresses) {
        try {
          port = this.#open(port, address)
          await this.#call.out(`Forwarding from ${joined(address, port.local)} -> ${port.remote}\n`)
          if (all) localhost++
        } catch (error) {
          if (!(error instanceof NetworkError)) throw error
          const reason = error.code === 'EADDRINUSE' ? 'address already in use' : 'cannot assign requested address'
          errors.push(`unable to create listener: Error listen ${family} ${joined(address, port.local)}: bind: ${reason}`)
          failed[all ? 'all' : 'any']++
        }
      }
      shown.push(port)
      if ((localhost === 0 && failed.all > 0) || failed.any > 0) {
        const reasons = `Listeners failed to create with the following errors: [${errors.join(' ')}]`
        await this.#call.err(`Unable to listen on port ${port.local}: ${reasons}\n`)
      } else listening = true
    }
    if (listening) return
    throw new Failure(
      `unable to listen on any of the requested ports: [${shown.map(({ local, remote }) => `{${local} ${remote}}`).join(' ')}]`,
    )
  }

  close(): void {
    for (const listener of this.#listeners) listener.close()
  }

  #open(port: PortPair, address: string): PortPair {
    const { sockets, random } = this.#call.process
    for (let attempt = 0; ; attempt++) {
      const local = port.local || ephemeral.first + random.below(ephemeral.count)
      try {
        const opened = { local, remote: port.remote }
        const listener = sockets.listenTcp({ address, port: local }, (connection) => {
          this.#say('out', `Handling connection for ${local}\n`)
          return forwardConnection(this.#spdy, connection, {
            remotePort: port.remote,
            requestId: this.#requests++,
            failed: (message) => this.#failed(opened, message),
          })
        })
        this.#listeners.push(listener)
        return opened
      } catch (error) {
        const taken = error instanceof NetworkError && error.code === 'EADDRINUSE' && port.local === 0
        if (!taken || attempt >= 100) throw error
      }
    }
  }

  #failed({ local, remote }: PortPair, message: string): void {
    const { clock, random } = this.#call.process
    const at = new Date(clock.now()).toISOString()
    const stamp = `E${at.slice(5, 7)}${at.slice(8, 10)} ${at.slice(11, 23)}000 ${String(1000 + random.below(30_000)).padStart(7)}`
    const text = `an error occurred forwarding ${local} -> ${remote}: ${message}`
    this.#say('err', `${stamp} portforward.go:424] "Unhandled Error" err=${JSON.stringify(text)}\n`)
    void this.#telling.then(() => this.#spdy.close())
  }

  /** Lines from callbacks, in their order; a reader that went away is met by the next write of the command itself. */
  #say(to: 'out' | 'err', text: string): void {
    this.#telling = this.#telling.then(() => this.#call[to](text)).catch(() => {})
  }
}

function joined(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
