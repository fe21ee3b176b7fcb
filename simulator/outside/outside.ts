import type { Clock } from '../clock.ts'
import { parsePrefix, prefixContains } from '../network/address.ts'
import { decodeDns, encodeDns, reverseName } from '../network/dns-message.ts'
import type { Machine } from '../network/machine.ts'
import type { Network } from '../network/network.ts'
import type { Segment } from '../network/segment.ts'
import { listen } from '../programs/coredns/listener.ts'
import { type Answer, type Handler, servfail } from '../programs/coredns/query.ts'
import { publicAnswer, publicResolvers, type Site, webServer } from './names.ts'
import { serveSite } from './site.ts'

/** The node segment's gateway: Docker's side of kind's bridge. */
const routerName = 'router'
const backboneName = 'internet'
const nodePrefix = '172.18.0.0/16'
const routerAddress = '172.18.0.1'
const uplink = { router: '198.51.100.2', backbone: '198.51.100.1', length: 24 }
/** One way, ms: a home's or an office's connection, and a data centre behind it. */
const uplinkLatency = 4
const internetLatency = 2
/** How long the router waits for its upstream, ms; as Docker's embedded resolver. */
const upstreamPatience = 4000

/**
 * Machines, addresses, routes and rules of the world outside `segment`: a router with 172.18.0.1, which masquerades, and behind it an Internet
 * with public resolvers and a web server. All of it is part of the network's snapshot.
 */
export function buildOutside(network: Network, segment: Segment): void {
  const line = network.addSegment('uplink', { latency: uplinkLatency })
  const internet = network.addSegment('internet', { latency: internetLatency })

  const router = network.addMachine(routerName).root
  network.attach(router, segment, { address: `${routerAddress}/16` })
  network.attach(router, line, { name: 'eth1', address: `${uplink.router}/${uplink.length}`, gateway: uplink.backbone })
  router.setSysctl('net.ipv4.ip_forward', '1')
  router.netfilter.append('nat', 'POSTROUTING', { source: nodePrefix, outInterface: 'eth1', target: { target: 'MASQUERADE' } })

  const backbone = network.addMachine(backboneName).root
  network.attach(backbone, line, { address: `${uplink.backbone}/${uplink.length}` })
  const [first, ...others] = sites()
  if (!first) return
  network.attach(backbone, internet, { name: 'eth1', address: `${first.gateway}/${first.length}` })
  for (const site of others) backbone.addAddress('eth1', `${site.gateway}/${site.length}`)
  backbone.setSysctl('net.ipv4.ip_forward', '1')
  // What the rest of the world would answer is not known here: it stays silent.
  backbone.routing.add({ dst: '0.0.0.0/0', type: 'blackhole' })

  for (const { machine, address, length, gateway } of sites()) {
    network.attach(network.addMachine(machine).root, internet, { address: `${address}/${length}`, gateway })
  }
}

/** Opens the sockets of the machines that `buildOutside` made; again after every restore. */
export function serveOutside(network: Network, clock: Clock): void {
  for (const { machine } of publicResolvers) {
    const host = network.machine(machine)
    if (host) listen(host.root.sockets, 53, answerPublicly)
  }
  const web = network.machine(webServer.machine)
  if (web) serveSite(web.root.sockets, clock)
  const router = network.machine(routerName)
  if (router) listen(router.root.sockets, 53, answerLocally(network, router, clock))
}

function sites(): Site[] {
  return [...publicResolvers, webServer]
}

const answerPublicly: Handler = (query, reply) => {
  reply({ ...publicAnswer(query.name, query.type), authoritative: false })
}

/** As Docker's embedded resolver: names of the machines on its network, everything else from upstream. */
function answerLocally(network: Network, router: Machine, clock: Clock): Handler {
  return (query, reply) => {
    const known = localAnswer(network, query.name, query.type)
    if (known) return reply(known)
    const upstream = { address: publicResolvers[0]!.address, port: 53 }
    let done = false
    const finish = (answer: Answer) => {
      if (done) return
      done = true
      timer.close()
      socket.close()
      reply(answer)
    }
    const timer = clock.after(upstreamPatience, () => finish(servfail('upstream is silent')))
    const socket = router.root.sockets.bindUdp(
      {},
      {
        datagram: (bytes, from) => {
          if (from.address !== upstream.address) return
          const { rcode, answers, authorities, additionals } = decodeDns(bytes)
          finish({ rcode, authoritative: false, answers, authorities, additionals })
        },
        error: (error) => finish(servfail(error.message)),
      },
    )
    socket.send(encodeDns({ id: query.message.id, recursionDesired: true, questions: query.message.questions }), upstream)
  }
}

function localAnswer(network: Network, name: string, type: string): Answer | undefined {
  const ttl = 600
  for (const machine of network.machines()) {
    const address = machine.root.addresses().find((candidate) => prefixContains(parsePrefix(nodePrefix), candidate))
    if (!address || machine.name === routerName) continue
    const local = { rcode: 'NOERROR', authoritative: false, authorities: [] } as const
    if (name === `${machine.name.toLowerCase()}.`) {
      return { ...local, answers: type === 'A' ? [{ name, ttl, type: 'A', data: address }] : [] }
    }
    if (name === reverseName(address)) {
      return { ...local, answers: type === 'PTR' ? [{ name, ttl, type: 'PTR', data: `${machine.name}.kind.` }] : [] }
    }
  }
  return undefined
}
