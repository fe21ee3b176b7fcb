import { serveHttp } from '../../../network/http.ts'
import type { InformerMemory } from '../../informers.ts'
import type { Daemon } from '../../process.ts'
import { MiB } from '../../usage.ts'
import { type BirdState, bird } from '../bird/bird.ts'
import { removeControl } from '../bird/control.ts'
import { felix } from '../felix/felix.ts'
import { IpamError } from '../ipam.ts'
import { calicoLine } from '../log.ts'
import { calicoVersion, startUp } from './startup.ts'
import { type RefresherState, refreshTokens } from './token-refresher.ts'

const healthPort = 9099
const backends: ReadonlySet<string> = new Set(['bird', 'vxlan', 'none'])

interface NodeState extends RefresherState {
  /** The start-up is behind it: Felix runs. */
  begun: boolean
  /** Felix's rules stood once. */
  started: boolean
  readonly known: InformerMemory
  readonly bird: BirdState
}

/** calico-node's container: start-up, then Felix and, with that backend, BIRD. Follows projectcalico/calico 3.30's node/. */
export const calicoNode: Daemon<NodeState> = {
  kind: 'daemon',
  id: 'calico/node',
  usage: { cores: 0.025, bytes: 120 * MiB, secondsAtStart: 0.6, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ begun: false, started: false, known: {}, bird: { sessions: {}, known: {} } }),
  run(context) {
    const { env, clock, state } = context
    const node = env['NODENAME'] ?? context.hostname
    const say = (severity: 'INFO' | 'WARNING' | 'ERROR', process: number, source: string, message: string) =>
      context.log(calicoLine(clock.now(), severity, process, source, message))
    const timers = context.timers(() => connect())
    const backend = env['CALICO_NETWORKING_BACKEND'] || 'bird'
    let ready = context.resumed && state.started
    context.onSignal(() => context.exit(0))
    if (!context.resumed) {
      say('INFO', 9, 'startup/startup.go 437', 'Early log level set to info')
      say('INFO', 9, 'lifecycle/startup/startup.go 86', `Using NODENAME environment variable for node name ${node}`)
      say('INFO', 9, 'lifecycle/startup/startup.go 98', `Determined node name: ${node}`)
      say('INFO', 9, 'startup/startup.go 93', `Starting node ${node} with version ${calicoVersion}`)
      if (!backends.has(backend)) {
        say(
          'ERROR',
          9,
          'startup/startup.go 100',
          `the simulated cluster does not model Calico's backend ${backend} (${[...backends].join(', ')} are)`,
        )
        return context.exit(1)
      }
      say('INFO', 9, 'startup/startup.go 442', 'Checking datastore connection')
    }
    serveHttp(context.sockets, { address: '127.0.0.1', port: healthPort }, ({ target }, respond) => {
      const known = target === '/readiness' || target === '/liveness'
      respond({ status: known ? (ready || target === '/liveness' ? 200 : 503) : 404, ...(known ? {} : { body: '404 page not found\n' }) })
    })
    if (context.resumed && state.begun) runServices()
    else connect()

    /** What runs side by side once the start-up is over. */
    function runServices(): void {
      if (!context.resumed) {
        if (backend === 'none') context.log('CALICO_NETWORKING_BACKEND is none - no BGP daemon running')
        if (backend === 'vxlan') context.log('CALICO_NETWORKING_BACKEND is vxlan - no need to run a BGP daemon')
      }
      refreshTokens(context)
      felix(context, node, () => {
        ready = true
        if (state.started) return
        state.started = true
        say('INFO', 56, 'felix/calc_graph.go 545', 'Datamodel in sync.')
        say('INFO', 56, 'felix/int_dataplane.go 2163', 'Completed first update to dataplane. secsSinceStart=0.1')
      })
      if (backend === 'bird') bird(context, node)
      else removeControl(context.files)
    }

    function connect(): void {
      context.connectApi(
        {},
        {
          connected(api) {
            say('INFO', 9, 'startup/startup.go 466', 'Datastore connection verified')
            try {
              if (!startUp(context, api, node)) return context.exit(1)
            } catch (error) {
              if (!(error instanceof IpamError)) throw error
              say('ERROR', 15, 'tunnel-ip-allocator/allocateip.go 380', `Unable to autoassign an address for tunnel error=${error.message}`)
              return context.exit(1)
            }
            say(
              'INFO',
              56,
              'felix/daemon.go 331',
              `Successfully loaded configuration. GOMAXPROCS=2 builddate="2025-10-15T18:01:44+0000" version="${calicoVersion}"`,
            )
            say(
              'INFO',
              56,
              'felix/driver.go 157',
              'Calculated iptables mark bits acceptMark=0x10000 dropMark=0x40000 endpointMark=0xffe00000 endpointMarkNonCali=0x200000 passMark=0x20000 scratch0Mark=0x80000 scratch1Mark=0x100000',
            )
            say('INFO', 56, 'felix/int_dataplane.go 421', 'Creating internal dataplane driver.')
            state.begun = true
            runServices()
          },
          error(error) {
            const url = `https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}/api/v1/nodes/foo`
            say('INFO', 9, 'startup/startup.go 457', `Hit error connecting to datastore - retry error=Get "${url}": ${error.message}`)
            timers.set('connect', clock.now() + 1000)
          },
        },
      )
    }
  },
}
