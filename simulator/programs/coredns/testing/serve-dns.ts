import { EventLoop, HeldTime } from '../../../clock.ts'
import { hostDaemon } from '../../../kubelet/runtime/host-daemon.ts'
import { MemoryFiles } from '../../../memory-files.ts'
import { decodeDns, encodeDns } from '../../../network/dns-message.ts'
import { createNetwork } from '../../../network/network.ts'
import { Random } from '../../../random.ts'
import { coredns } from '../coredns.ts'

type Upstream = 'answers' | 'fails' | 'silent' | 'absent'

/** CoreDNS on a host of its own, beside an upstream that may fail or be silent, with time held. */
export function serveDns(corefile: string, atFirst: Upstream = 'answers', resolvConf = 'nameserver 10.0.0.2\n') {
  let upstream = atFirst
  let asked = 0
  const time = new HeldTime(Date.UTC(2026, 0, 1))
  const clock = new EventLoop(time, (error) => {
    throw error
  })
  const random = new Random(3)
  const network = createNetwork({ clock, random })
  const segment = network.addSegment('wire')
  const [server, other] = ['dns', 'upstream'].map((name, index) => {
    const { root } = network.addMachine(name)
    network.attach(root, segment, { address: `10.0.0.${index + 1}/24` })
    return root
  })
  if (upstream !== 'absent') {
    const socket = other!.sockets.bindUdp(
      { port: 53 },
      {
        datagram(bytes, from) {
          asked++
          if (upstream === 'silent') return
          const { id, questions } = decodeDns(bytes)
          const known = questions[0]?.name === 'example.com.'
          socket.send(
            encodeDns({
              id,
              response: true,
              questions,
              rcode: upstream === 'fails' ? 'SERVFAIL' : known ? 'NOERROR' : 'NXDOMAIN',
              answers: known && upstream === 'answers' ? [{ name: 'example.com.', type: 'A', ttl: 60, data: '203.0.113.80' }] : [],
            }),
            from,
          )
        },
      },
    )
  }
  const files = new MemoryFiles({ now: () => clock.now() })
  files.makeDirectory('/etc/coredns', { parents: true })
  files.write('/etc/coredns/Corefile', corefile)
  files.write('/etc/resolv.conf', resolvConf)
  const log: string[] = []
  let exit: number | undefined
  const daemon = hostDaemon({
    daemon: coredns,
    argv: ['/coredns', '-conf', '/etc/coredns/Corefile'],
    env: {},
    hostname: 'coredns',
    files,
    namespace: server!,
    clock,
    random,
    owner: 'test',
    memory: {},
    resumed: false,
    log: (line) => log.push(line),
    exited: (code) => {
      exit = code
    },
    crashed: (error) => {
      throw error
    },
  })
  clock.settle()
  const ask = (name: string, type = 'A') => {
    let answer: ReturnType<typeof decodeDns> | undefined
    const socket = other!.sockets.bindUdp({}, { datagram: (bytes) => (answer = decodeDns(bytes)) })
    socket.send(encodeDns({ id: 7, recursionDesired: true, questions: [{ name, type }] }), { address: '10.0.0.1', port: 53 })
    clock.settle()
    time.advance(6000)
    socket.close()
    return answer
  }
  return {
    time,
    clock,
    files,
    log,
    ask,
    daemon,
    /** How many questions have reached the upstream. */
    asked: () => asked,
    setUpstream: (now: Upstream) => {
      upstream = now
    },
    exit: () => exit,
    timers: () => clock.snapshot().map(({ at }) => at),
    namespaces: { server: server!, other: other! },
  }
}
