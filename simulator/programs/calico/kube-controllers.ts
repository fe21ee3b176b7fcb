import type { Node } from 'kubernetes-types/core/v1'
import type { Api } from '../../apiserver/api.ts'
import type { KubeObject } from '../../kubernetes.ts'
import type { Command, Daemon } from '../process.ts'
import { type BlockAffinity, blockName, type IPAMBlock, resources } from './datastore.ts'
import { releaseHandle } from './ipam.ts'
import { calicoLine } from './log.ts'

const statusFile = '/status/status.json'

/**
 * calico-kube-controllers, of which the node controller is modelled: when a node is gone, its addresses and blocks are free again
 * (kube-controllers/pkg/controllers/node). Addresses leaked on a node that stays are not looked for.
 */
export const kubeControllers: Daemon<null> = {
  kind: 'daemon',
  id: 'calico/kube-controllers',
  initial: () => null,
  run(context) {
    const say = (severity: 'INFO' | 'ERROR', source: string, message: string) =>
      context.log(calicoLine(context.clock.now(), severity, 1, source, message))
    const timers = context.timers(() => connect())
    context.onSignal(() => context.exit(0))
    if (!context.resumed) {
      say(
        'INFO',
        'kube-controllers/main.go 97',
        'Loaded configuration from environment config=&config.Config{LogLevel:"info", WorkloadEndpointWorkers:1, ProfileWorkers:1, PolicyWorkers:1, NodeWorkers:1, Kubeconfig:"", DatastoreType:"kubernetes"}',
      )
      say('INFO', 'kube-controllers/main.go 121', 'Ensuring Calico datastore is initialized')
    }
    connect()

    function connect(): void {
      context.connectApi(
        {},
        {
          connected: serve,
          error(error) {
            status(false)
            const url = `https://${context.env['KUBERNETES_SERVICE_HOST']}:${context.env['KUBERNETES_SERVICE_PORT']}/apis/crd.projectcalico.org/v1/clusterinformations/default`
            say('ERROR', 'kube-controllers/main.go 250', `Failed to reach apiserver error=Get "${url}": ${error.message}`)
            timers.set('connect', context.clock.now() + 10_000)
          },
        },
      )
    }

    function serve(api: Api): void {
      if (!context.resumed) {
        say('INFO', 'kube-controllers/main.go 160', 'Getting initial config snapshot from datastore')
        say('INFO', 'kube-controllers/main.go 163', 'Got initial config snapshot')
        say('INFO', 'kube-controllers/main.go 180', 'Starting status report routine')
        say('INFO', 'kube-controllers/main.go 520', 'Starting controller ControllerType="Node"')
        status(true)
      }
      const clean = () => {
        for (const node of forgottenNodes(api)) {
          say('INFO', 'ipam/ipam.go 1210', `Cleaning up IPAM affinities for deleted node node="${node}"`)
          releaseNode(api, node)
        }
      }
      clean()
      api.watch<Node & KubeObject>('nodes', ({ type }) => {
        if (type === 'DELETED') clean()
      })
    }

    function status(ready: boolean): void {
      context.files.makeDirectory('/status', { parents: true })
      context.files.write(
        statusFile,
        JSON.stringify({ Readiness: { KubeAPIServer: { Ready: ready, Reason: ready ? '' : 'Error getting cluster information' } } }),
      )
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

function forgottenNodes(api: Api): Set<string> {
  const there = new Set(api.list('nodes').map(({ metadata }) => metadata?.name))
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
