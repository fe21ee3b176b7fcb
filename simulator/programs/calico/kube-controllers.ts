import type { Node } from 'kubernetes-types/core/v1'
import { type Api, StatusError } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import { type InformerCache, type InformerMemory, informers } from '../informers.ts'
import { klog } from '../klog.ts'
import type { Command, Daemon } from '../process.ts'
import { MiB } from '../usage.ts'
import { type BlockAffinity, blockName, type IPAMBlock, refusal, resources } from './datastore.ts'
import { releaseHandle } from './ipam.ts'
import { calicoLine } from './log.ts'

const statusFile = '/status/status.json'
const lookEveryMs = 5 * 60_000

/**
 * calico-kube-controllers, of which the node controller is modelled: when a node is gone, its addresses and blocks are free again
 * (kube-controllers/pkg/controllers/node). Addresses leaked on a node that stays are not looked for.
 */
export const kubeControllers: Daemon<{ readonly known: InformerMemory }> = {
  kind: 'daemon',
  id: 'calico/kube-controllers',
  usage: { cores: 0.003, bytes: 25 * MiB, secondsAtStart: 0.2, secondsPerConnection: 0.0002, secondsPerMessage: 0.0003 },
  initial: () => ({ known: {} }),
  run(context) {
    const say = (severity: 'INFO' | 'WARNING' | 'ERROR', source: string, message: string) =>
      context.log(calicoLine(context.clock.now(), severity, 1, source, message))
    const log = klog(context)
    const timers = context.timers((key) => (key === 'clean' ? clean() : following.start()))
    let api: Api | undefined
    context.onSignal(() => context.exit(0))
    if (!context.resumed) {
      say(
        'INFO',
        'kube-controllers/main.go 97',
        'Loaded configuration from environment config=&config.Config{LogLevel:"info", WorkloadEndpointWorkers:1, ProfileWorkers:1, PolicyWorkers:1, NodeWorkers:1, Kubeconfig:"", DatastoreType:"kubernetes"}',
      )
      say('INFO', 'kube-controllers/main.go 121', 'Ensuring Calico datastore is initialized')
    }
    const following = informers(context, {
      memory: context.state.known,
      followed: [{ resource: 'nodes', type: '*v1.Node' }],
      connected(connection) {
        api = connection
        status(true)
      },
      synced: serve,
      failed({ what, type, message }) {
        const source = 'pkg/mod/k8s.io/client-go@v0.32.9/tools/cache/reflector.go:251'
        if (what === 'list') log('W', 'reflector.go:569', `${source}: failed to list ${type}: ${message}`)
        const error = `${source}: Failed to watch ${type}: ${what === 'list' ? `failed to list ${type}: ${message}` : message}`
        log('E', 'reflector.go:166', `"Unhandled Error" err=${JSON.stringify(error)} logger="UnhandledError"`)
      },
      unconnected(error) {
        status(false)
        const url = `https://${context.env['KUBERNETES_SERVICE_HOST']}:${context.env['KUBERNETES_SERVICE_PORT']}/apis/crd.projectcalico.org/v1/clusterinformations/default`
        say('ERROR', 'kube-controllers/main.go 250', `Failed to reach apiserver error=Get "${url}": ${error.message}`)
        timers.set('connect', context.clock.now() + 10_000)
        return true
      },
    })
    following.onChange<Node & KubeObject>('nodes', ({ type }) => {
      if (type === 'DELETED') clean()
    })
    following.start()

    function serve(): void {
      if (!context.resumed) {
        say('INFO', 'kube-controllers/main.go 160', 'Getting initial config snapshot from datastore')
        say('INFO', 'kube-controllers/main.go 163', 'Got initial config snapshot')
        say('INFO', 'kube-controllers/main.go 180', 'Starting status report routine')
        say('INFO', 'kube-controllers/main.go 520', 'Starting controller ControllerType="Node"')
      }
      clean()
    }

    /** What was refused is tried again at the next look, as upstream's ticker would. */
    function clean(): void {
      if (!api) return
      try {
        for (const node of forgottenNodes(following.cache, api)) {
          say('INFO', 'ipam/ipam.go 1210', `Cleaning up IPAM affinities for deleted node node="${node}"`)
          releaseNode(api, node)
        }
      } catch (error) {
        if (!(error instanceof StatusError)) throw error
        say('WARNING', 'ipam/ipam.go 355', `Error syncing IPAM data error=${refusal(error)}`)
        timers.set('clean', context.clock.now() + lookEveryMs)
      }
    }

    function status(ready: boolean): void {
      const text = JSON.stringify({
        Readiness: { KubeAPIServer: { Ready: ready, Reason: ready ? '' : 'Error getting cluster information' } },
      })
      if (context.files.exists(statusFile) && context.files.readText(statusFile) === text) return
      context.files.makeDirectory('/status', { parents: true })
      context.files.write(statusFile, text)
    }
  },
}

/** `/usr/bin/check-status -r|-l`: what the controllers last wrote of themselves. */
export const checkStatus: Command = {
  kind: 'command',
  id: 'calico/check-status',
  async run({ argv, files, stdout }) {
    if (argv.includes('-l')) return 0
    const text = files.exists(statusFile) ? files.readText(statusFile) : ''
    if (text === '') {
      await stdout.write(`Failed to read status file ${statusFile}: open ${statusFile}: no such file or directory\n`)
      return 1
    }
    const { Ready: ready, Reason: reason } = (JSON.parse(text) as { Readiness: { KubeAPIServer: { Ready: boolean; Reason: string } } })
      .Readiness.KubeAPIServer
    await stdout.write(ready ? 'Ready\n' : `${reason}\n`)
    return ready ? 0 : 1
  },
}

function forgottenNodes(nodes: InformerCache, api: Api): Set<string> {
  const there = new Set(nodes.list('nodes').map(({ metadata }) => metadata?.name))
  return new Set(
    api
      .list<BlockAffinity>(resources.affinities)
      .map(({ spec }) => spec.node)
      .filter((node) => !there.has(node)),
  )
}

function releaseNode(api: Api, node: string): void {
  for (const { metadata, spec } of api.list<BlockAffinity>(resources.affinities)) {
    if (spec.node !== node) continue
    const block = api.find<IPAMBlock>(resources.blocks, undefined, blockName(spec.cidr))
    for (const { handle_id } of block?.spec.attributes ?? []) releaseHandle(api, handle_id)
    if (block) api.delete(resources.blocks, undefined, blockName(spec.cidr))
    api.delete(resources.affinities, undefined, metadata?.name ?? '')
  }
}
