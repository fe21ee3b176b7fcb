import type { Node } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { parsePrefix, prefixContains } from '../../network/address.ts'
import { serveHttp } from '../../network/http.ts'
import { type InformerMemory, informers } from '../informers.ts'
import type { Daemon, DaemonContext } from '../process.ts'
import { MiB } from '../usage.ts'
import { Allocator, type AllocatorState, allocatorState } from './allocator.ts'
import { databasePath, loaded, save } from './database.ts'
import { ensureDevices, weaveBridge } from './datapath.ts'
import { configureIptables, exposeNat, localSet, resetIptables } from './iptables.ts'
import { commandLine, defaultMtu, otherNodes, overlappingRoute, rangeText, unmodelled } from './launch-options.ts'
import { type WeaveLog, weaveLog } from './log.ts'
import { Mesh, type MeshState, meshState } from './mesh.ts'
import { addPeer, claimReclaim, type ListedPeer, peerList, printed, removePeer } from './peer-list.ts'
import { peerName } from './peer-name.ts'
import { statusText, weaveVersion } from './status.ts'

type NodeObject = Node & KubeObject
const exposed = 'weave:expose'
const controlPort = 6784
const metricsPort = 6782
interface WeaverState {
  /** What it was started with; absent until the API has answered. */
  started?: { name: string; peers: readonly string[]; password?: string }
  mesh: MeshState
  allocator?: AllocatorState
  /** launch.sh has gone on to what follows the start of weaver. */
  up?: boolean
  /** The bridge has its address, and the node was told. */
  exposed: boolean
  readonly known: InformerMemory
}

/** The container `weave`: launch.sh, weaver and kube-utils' reclaim daemon. Follows weave 2.8.1. */
export const weaver: Daemon<WeaverState> = {
  kind: 'daemon',
  id: 'weave/weaver',
  usage: { cores: 0.005, bytes: 60 * MiB, secondsAtStart: 0.5, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ mesh: meshState(), exposed: false, known: {} }),
  run(context) {
    const log = weaveLog(context)
    const fatal = (message: string) => {
      log('FATA', message)
      context.exit(1)
    }
    if (context.resumed && context.state.started) return launch(context, log, undefined)
    const refusal = unmodelled(context.env)
    if (refusal) return fatal(refusal)
    const overlap = overlappingRoute(context, rangeText(context.env))
    if (overlap) {
      context.log(`Network ${rangeText(context.env)} overlaps with existing route ${overlap} on host`, 'stderr')
      return context.exit(1)
    }
    const url = `https://${context.env['KUBERNETES_SERVICE_HOST']}:${context.env['KUBERNETES_SERVICE_PORT']}/api/v1/nodes`
    const noPeers = (message: string) => {
      log('FATA', `[kube-peers] Could not get peers: ${message}`)
      context.log('Failed to get peers', 'stderr')
      context.exit(1)
    }
    context.connectApi(
      {},
      {
        connected(api) {
          let peers: string[]
          try {
            peers = otherNodes(context, api)
          } catch (error) {
            if (!(error instanceof StatusError)) throw error
            return noPeers(error.message)
          }
          const { files, hostname } = context
          const id = '/host/etc/machine-id'
          const machine = files.exists(id) && !files.stat(id).directory ? files.readText(id) : (context.env['HOSTNAME'] ?? hostname)
          const password = context.env['WEAVE_PASSWORD']
          context.state.started = { name: peerName(machine), peers, ...(password ? { password } : {}) }
          launch(context, log, api)
        },
        error: (error) => noPeers(`Get "${url}": ${error.message}`),
      },
    )
  },
}

function launch(context: DaemonContext<WeaverState>, log: WeaveLog, api: Api | undefined): void {
  const { env, files, namespace, state, sockets } = context
  const { name, peers, password } = state.started as NonNullable<WeaverState['started']>
  const nickname = env['HOSTNAME'] || context.hostname
  const npc = env['EXPECT_NPC'] !== '0'
  const range = rangeText(env)
  const database = databasePath(env)
  const quorum = Math.floor((peers.length || 1) / 2) + 1
  const local = namespace.link('eth0')?.addresses[0]?.address ?? ''
  if (!context.resumed) {
    if (files.exists(database) && api && forgotten(api, name, log)) {
      context.log('Peer not in list; removing persisted data', 'stderr')
      files.remove(database)
    }
    log('INFO', `Command line options: map[${commandLine(context, name, nickname, peers.length)}]`)
    log('INFO', `weave  ${weaveVersion}`)
    resetIptables(namespace.netfilter, npc)
    ensureDevices(namespace, name, Number(env['WEAVE_MTU'] || defaultMtu), local)
    configureIptables(namespace.netfilter, npc)
    for (const { address, length } of namespace.needLink(weaveBridge).addresses) {
      log('INFO', `Re-exposing ${address}/${length} on bridge "${weaveBridge}"`)
      exposeNat(namespace.netfilter, range, npc)
    }
    log('INFO', 'Bridge type is bridged_fastdp')
    log(
      'INFO',
      password ? 'Communication between peers via untrusted networks is encrypted.' : 'Communication between peers is unencrypted.',
    )
    log('INFO', `Our name is ${name}(${nickname})`)
    log('INFO', `Launch detected - using supplied peer list: [${peers.join(' ')}]`)
    log('INFO', 'Using "no-masq-local" LocalRangeTracker')
    log('INFO', `Checking for pre-existing addresses on ${weaveBridge} bridge`)
  }
  const persisted = context.resumed ? undefined : loaded(context, { name, nickname, range }, log)
  const mesh = new Mesh(context, state.mesh, { name, nickname, password }, log, {
    ipam: (gossip, from) => allocator.receive(gossip, from),
    unicast: (message, from) => allocator.receiveUnicast(message, from),
    gossip: () => allocator.gossip(),
    changed: () => expose(),
  })
  state.allocator ??= persisted ?? allocatorState(range, name, nickname)
  const allocator = new Allocator(
    state.allocator,
    name,
    {
      broadcast: (gossip) => mesh.broadcast(gossip),
      unicast: (peer, message) => mesh.unicast(peer, message),
      isKnownPeer: (peer) => peer in mesh.state.peers,
      quorum: () => quorum,
      changed: () => {
        save(context, { name, range, ring: allocator.state.ring, owned: allocator.state.owned })
        namespace.netfilter.setSet({ name: localSet, type: 'hash:net', members: allocator.ownCidrs() })
        expose()
      },
    },
    log,
  )
  const timers = context.timers((key) => {
    if (key === 'reclaim') return reclaim()
    state.up = true
    join()
    expose()
  })
  if (!context.resumed) {
    for (const { address, length } of namespace.needLink(weaveBridge).addresses) {
      log('INFO', `${weaveBridge} bridge has address ${address}/${length}`)
      if (prefixContains(parsePrefix(range), address)) allocator.claim(exposed, address)
    }
    log('INFO', `[allocator ${name}] ${persisted ? 'Initialising with persisted data' : 'Initialising via deferred consensus'}`)
    if (persisted) namespace.netfilter.setSet({ name: localSet, type: 'hash:net', members: allocator.ownCidrs() })
    log('INFO', 'Sniffing traffic on datapath (via ODP)')
  }
  context.onSignal(() => {
    log('INFO', `Exiting: received signal`)
    mesh.stop()
    context.exit(0)
  })
  mesh.start(peers)
  serve()
  let cluster = api
  const following = informers(context, {
    memory: state.known,
    followed: [{ resource: 'nodes', type: '*v1.Node' }],
    connected(connection) {
      cluster = connection
      expose()
    },
    synced: () => {},
    failed: ({ what, type, message }) => log('ERRO', `Failed to ${what} ${type}: ${message}`),
  })
  following.onChange<NodeObject>('nodes', ({ type, object }) => {
    if (type !== 'DELETED') return
    log('DEBU', `Delete event for ${object.metadata?.name}`)
    timers.set('reclaim', context.clock.now() + context.random.below(5000))
  })
  following.start()
  // launch.sh finds weaver not listening yet, sleeps a second, and runs kube-utils before it exposes the bridge: time for peers to meet.
  if (!context.resumed) timers.set('start', context.clock.now() + 1000 + context.random.below(500))

  function serve(): void {
    const answer = (method: string, path: string) => {
      const [, what, ident = ''] = path.split('/')
      if (what === 'ip' && method === 'POST') {
        const cidr = allocator.allocate(ident)
        return cidr ? { status: 200, body: cidr } : { status: 503, body: 'cancelled' }
      }
      if (what === 'ip' && method === 'DELETE') {
        return allocator.release(ident) ? { status: 204, body: '' } : { status: 400, body: `Delete: no addresses for ${ident}\n` }
      }
      const text = method === 'GET' ? statusText(path, { name, nickname, mesh, allocator, peers, quorum }) : undefined
      return text === undefined ? { status: 404, body: '404 page not found\n' } : { status: 200, body: text }
    }
    sockets.answerAtOnce(controlPort, answer)
    serveHttp(sockets, { address: '127.0.0.1', port: controlPort }, ({ method, target }, respond) => respond(answer(method, target)))
    serveHttp(sockets, metricsPort, ({ target }, respond) => {
      if (target !== '/metrics') return respond({ status: 404, body: '404 page not found\n' })
      const made = Object.values(mesh.state.connections).filter(({ added }) => added)
      const rows = (['established', 'pending'] as const).map(
        (word) =>
          `weave_connections{state="${word}"} ${made.filter(({ established }) => established === (word === 'established')).length}\n`,
      )
      respond({ status: 200, body: `${rows.join('')}weave_ips{state="local-used"} ${Object.keys(allocator.state.owned).length}\n` })
    })
    if (context.resumed) return
    log('INFO', `Listening for HTTP control messages on 127.0.0.1:${controlPort}`)
    log('INFO', `Listening for metrics requests on 0.0.0.0:${metricsPort}`)
  }

  /** Enters this peer into the list, and takes over what peers without a node left. */
  function join(): void {
    tried('Could not update peer list', () => {
      const list = addPeer(cluster as Api, { PeerName: name, NodeName: nickname })
      log('INFO', `[kube-peers] Added myself to peer list ${printed(list)}`)
      reclaim()
    })
  }

  function reclaim(): void {
    if (!cluster) return
    tried('Error while reclaiming space', () => {
      const list = peerList(cluster as Api)
      const nodes = new Set((cluster as Api).list<NodeObject>('nodes').map(({ metadata }) => metadata?.name ?? ''))
      const gone = list.filter(({ PeerName, NodeName }) => PeerName !== name && (!nodes.has(NodeName) || NodeName === nickname))
      log('DEBU', `[kube-peers] Nodes that have disappeared: map[${gone.map(described).join(' ')}]`)
      for (const { PeerName } of gone) {
        log('DEBU', `[kube-peers] Preparing to remove disappeared peer ${PeerName}`)
        if (!claimReclaim(cluster as Api, PeerName, name)) continue
        const count = allocator.takeOver(PeerName)
        log('INFO', `[kube-peers] rmpeer of ${PeerName}: ${count} IPs taken over from ${PeerName}`)
        removePeer(cluster as Api, PeerName)
      }
    })
  }

  /** `weave expose`: the bridge gets an address, by which the host and the pods reach each other. Waits for the ring where there is none. */
  function expose(): void {
    if (state.exposed || !cluster || !state.up) return
    const cidr = allocator.allocate(exposed)
    if (!cidr || state.exposed) return
    const [address = ''] = cidr.split('/')
    if (!namespace.needLink(weaveBridge).addresses.some((known) => known.address === address)) {
      namespace.addAddress(weaveBridge, cidr)
      exposeNat(namespace.netfilter, range, npc)
      namespace.setSysctl('net.ipv4.ip_forward', '1')
    }
    state.exposed = true
    context.log(address)
    tried('could not set node status', () => {
      const now = new Date(context.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
      const condition = {
        type: 'NetworkUnavailable',
        status: 'False',
        reason: 'WeaveIsUp',
        message: 'Weave pod has set this',
        lastTransitionTime: now,
        lastHeartbeatTime: now,
      }
      ;(cluster as Api).patch(
        'nodes',
        undefined,
        nickname,
        { status: { conditions: [condition] } },
        { type: 'strategic', subresource: 'status' },
      )
    })
  }

  function tried(what: string, task: () => void): void {
    try {
      task()
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      log('FATA', `[kube-peers] ${what}: ${error.message}`)
    }
  }
}

const described = ({ PeerName, NodeName }: ListedPeer) => `${PeerName}:{${PeerName} ${NodeName}}`

function forgotten(api: Api, name: string, log: WeaveLog): boolean {
  try {
    const list = peerList(api)
    log('DEBU', `[kube-peers] Checking peer "${name}" against list ${printed(list)}`)
    return !list.some(({ PeerName }) => PeerName === name)
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    log('FATA', `[kube-peers] Could not check peer list: ${error.message}`)
    return false
  }
}
