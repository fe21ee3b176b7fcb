import type { TcpConnection, TcpHandlers } from '../../../network/sockets.ts'
import { NetworkError } from '../../../network/sockets.ts'
import { type InformerMemory, informers } from '../../informers.ts'
import { strerrorOf } from '../../netutils/command.ts'
import type { DaemonContext } from '../../process.ts'
import { refusal, resources } from '../datastore.ts'
import { calicoLine } from '../log.ts'
import { removeControl, writeProtocols } from './control.ts'
import { type BgpMessage, decoder, encoded } from './messages.ts'
import { type BirdPlan, birdPlan, type Neighbour } from './peers.ts'
import { exported, syncBirdRoutes } from './routes.ts'

const bgpPort = 179
/** Of bird.cfg.template: `connect delay time`, `connect retry time`; BIRD's default for how long a lost neighbour's routes stay. */
const connectDelayMs = 2000
const connectRetryMs = 5000
const gracefulRestartMs = 120_000

interface Session {
  phase: 'Connect' | 'Active' | 'Passive' | 'Established'
  since: number
  /** Why the last session ended or did not begin. */
  error?: string
  learned: readonly string[]
}

export interface BirdState {
  /** By the neighbour's address. */
  sessions: Record<string, Session>
  readonly known: InformerMemory
}

const listRoots = {
  nodes: '/calico/resources/v3/projectcalico.org/nodes',
  [resources.pools]: '/calico/resources/v3/projectcalico.org/ippools',
  [resources.blocks]: '/calico/ipam/v2/assignment/',
  [resources.bgp]: '/calico/resources/v3/projectcalico.org/bgpconfigurations',
  [resources.bgpPeers]: '/calico/resources/v3/projectcalico.org/bgppeers',
}

/**
 * BIRD, with confd which configures it: sessions with the other nodes over TCP port 179, and a kernel route for each block that a neighbour
 * told of. When it stops its routes stay. Keepalives are not sent: a session ends with its connection.
 */
export function bird(context: DaemonContext<{ readonly bird: BirdState }>, node: string): void {
  const { clock, sockets, namespace, files, state } = context
  const { sessions } = state.bird
  const live = new Map<string, TcpConnection>()
  const say = (text: string) => context.log(`bird: ${text}`)
  const timers = context.timers((key) => {
    const [what, address = ''] = key.split(' ')
    if (what === 'connect') connect(address)
    else forget(address)
  })
  let plan: BirdPlan | undefined
  let queued = false
  const following = informers(context, {
    memory: state.bird.known,
    followed: Object.keys(listRoots).map((resource) => ({ resource, type: resource })),
    synced: configure,
    failed({ resource, message, error }) {
      const why = error ? refusal(error) : message
      const root = listRoots[resource as keyof typeof listRoots]
      const text = `Failed to perform list of current data during resync ListRoot="${root}" error=${why}`
      context.log(calicoLine(clock.now(), 'INFO', 58, 'confd/watchercache.go 194', text))
    },
  })
  const touch = () => {
    if (queued || !following.synced) return
    queued = true
    clock.soon(() => {
      queued = false
      configure()
    })
  }
  for (const resource of Object.keys(listRoots)) following.onChange(resource, touch)
  if (!context.resumed) removeControl(files)
  try {
    sockets.listenTcp({ port: bgpPort }, accept)
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    say(`Cannot create listening socket: ${error.message}`)
  }
  following.start()

  /** After confd wrote another configuration. */
  function configure(): void {
    const next = birdPlan(following.cache, node)
    if (!next) return
    const before = plan
    plan = next
    if (before?.unmodelled.join() !== next.unmodelled.join() && !(context.resumed && !before)) {
      for (const what of next.unmodelled) say(`the simulated BIRD does not model ${what}`)
    }
    const wanted = new Map(next.neighbours.map((neighbour) => [neighbour.address, neighbour]))
    for (const address of Object.keys(sessions)) if (!wanted.has(address)) remove(address)
    for (const [address, neighbour] of wanted) {
      if (!sessions[address]) begin(neighbour)
      else if (!live.has(address) && !before && sessions[address].phase === 'Established') again(neighbour, 0)
    }
    for (const address of live.keys()) if (sessions[address]?.phase === 'Established') offer(address)
    sync()
  }

  function begin(neighbour: Neighbour): void {
    const { address, name, passive } = neighbour
    // Routes that an earlier BIRD left are kept until their neighbour has spoken, or has not for too long.
    const left = namespace.routing.routes.filter(({ protocol, via }) => protocol === 'bird' && via === address)
    sessions[address] = { phase: passive ? 'Passive' : 'Connect', since: clock.now(), learned: left.map(({ dst }) => dst) }
    if (left.length > 0) timers.set(`stale ${address}`, clock.now() + gracefulRestartMs)
    say(`${name}: Initializing`)
    say(`${name}: Starting`)
    say(`${name}: State changed to start`)
    again(neighbour, connectDelayMs)
  }

  function again({ address, passive }: Neighbour, wait: number): void {
    if (!passive) timers.set(`connect ${address}`, clock.now() + wait)
  }

  function remove(address: string): void {
    live.get(address)?.reset()
    live.delete(address)
    timers.clear(`connect ${address}`)
    timers.clear(`stale ${address}`)
    delete sessions[address]
  }

  const neighbourAt = (address: string) => plan?.neighbours.find((neighbour) => neighbour.address === address)

  function connect(address: string): void {
    const neighbour = neighbourAt(address)
    if (!neighbour || live.has(address)) return
    const handlers = speak(address, false, () => connection)
    const connection = sockets.connectTcp(
      { address, port: bgpPort },
      {
        ...handlers,
        connected() {
          live.set(address, connection)
          connection.write(encoded({ type: 'open', as: plan?.as ?? neighbour.as }))
        },
      },
    )
  }

  function accept(connection: TcpConnection): TcpHandlers {
    const { address } = connection.remote
    const known = sessions[address]
    if (!known) {
      clock.soon(() => connection.reset())
      return {}
    }
    live.get(address)?.reset()
    live.set(address, connection)
    return speak(address, true, () => connection)
  }

  /** One connection's side of a session. */
  function speak(address: string, incoming: boolean, connection: () => TcpConnection): TcpHandlers {
    const current = () => live.get(address) === connection()
    const lost = (why: string) => {
      if (live.has(address) && !current()) return
      live.delete(address)
      down(address, why)
    }
    return {
      data: decoder(
        (message) => {
          if (current()) receive(address, connection(), incoming, message, lost)
        },
        () => lost('Error: Connection not synchronized'),
      ),
      end() {
        connection().end()
        lost('Socket: Connection closed')
      },
      error: (error) => lost(`Socket: ${strerrorOf('glibc', error.code)}`),
    }
  }

  function receive(address: string, connection: TcpConnection, incoming: boolean, message: BgpMessage, lost: (why: string) => void): void {
    const session = sessions[address]
    const neighbour = neighbourAt(address)
    if (!session) return
    switch (message.type) {
      case 'notification':
        return lost(`Received: ${message.text}`)
      case 'open': {
        if (neighbour && message.as !== neighbour.as) {
          connection.write(encoded({ type: 'notification', text: 'Bad peer AS' }))
          connection.end()
          return lost(`Error: Bad peer AS: ${message.as}`)
        }
        if (incoming) connection.write(encoded({ type: 'open', as: plan?.as ?? message.as }))
        up(address)
        return offer(address)
      }
      case 'routes':
        timers.clear(`stale ${address}`)
        if (session.learned.join() !== message.nets.join()) session.learned = message.nets
        return sync()
    }
  }

  function offer(address: string): void {
    live.get(address)?.write(encoded({ type: 'routes', nets: exported(following.cache, node) }))
  }

  function up(address: string): void {
    const session = sessions[address]
    if (!session || session.phase === 'Established') return
    sessions[address] = { phase: 'Established', since: clock.now(), learned: session.learned }
    const name = neighbourAt(address)?.name ?? address
    say(`${name}: Connected to table master`)
    say(`${name}: State changed to feed`)
    say(`${name}: State changed to up`)
    publish()
  }

  /** What the neighbour told stays for a while, as it may only be starting anew. */
  function down(address: string, error: string): void {
    const session = sessions[address]
    const neighbour = neighbourAt(address)
    if (!session) return
    const was = session.phase
    sessions[address] = {
      phase: neighbour?.passive ? 'Passive' : 'Active',
      since: was === 'Established' ? clock.now() : session.since,
      error,
      learned: session.learned,
    }
    if (was === 'Established') {
      say(`${neighbour?.name ?? address}: Neighbor graceful restart detected`)
      say(`${neighbour?.name ?? address}: State changed to start`)
      timers.set(`stale ${address}`, clock.now() + gracefulRestartMs)
    }
    if (neighbour) again(neighbour, connectRetryMs)
    publish()
  }

  function forget(address: string): void {
    const session = sessions[address]
    if (!session || session.phase === 'Established') return
    say(`${neighbourAt(address)?.name ?? address}: Neighbor graceful restart timeout`)
    sessions[address] = { ...session, learned: [] }
    sync()
  }

  function sync(): void {
    if (!following.synced) return
    syncBirdRoutes(namespace, following.cache, node, new Map(Object.entries(sessions).map(([address, { learned }]) => [address, learned])))
    publish()
  }

  function publish(): void {
    if (!plan) return
    writeProtocols(
      files,
      plan.neighbours.flatMap(({ name, address }) => {
        const session = sessions[address]
        if (!session) return []
        const { phase, since, error } = session
        const established = phase === 'Established'
        return {
          name,
          state: established ? ('up' as const) : ('start' as const),
          since,
          info: error && !established ? `${phase} ${error}` : phase,
        }
      }),
    )
  }
}
