import { type CniCall, CniError, type CniPlugin, type CniResult } from '../../process.ts'
import { assignAddress, IpamError, releaseHandle } from '../ipam.ts'
import { calicoLine } from '../log.ts'
import { connect, refused } from './kubeconfig.ts'

/** Calico's address management as a CNI plugin (cni-plugin/pkg/ipamplugin): the node's own blocks, kept in the cluster's API. */
export const calicoIpam: CniPlugin = {
  kind: 'cni',
  id: 'calico/calico-ipam',
  add(call): CniResult {
    const ipam = call.config['ipam'] as { ipv4_pools?: readonly string[] } | undefined
    const api = connect(call)
    try {
      const request = {
        node: String(call.config['nodename']),
        handle: handleOf(call),
        attributes: {
          namespace: call.args['K8S_POD_NAMESPACE'] ?? '',
          node: String(call.config['nodename']),
          pod: call.args['K8S_POD_NAME'] ?? '',
        },
        ...(ipam?.ipv4_pools ? { pools: ipam.ipv4_pools } : {}),
      }
      const address = refused('failed to request IPv4 addresses: ', () => assignAddress(api, request))
      return { interfaces: [], ips: [{ address: `${address}/32` }], routes: [] }
    } catch (error) {
      if (error instanceof IpamError) throw new CniError(999, `failed to request IPv4 addresses: ${error.message}`)
      throw error
    }
  },
  del(call) {
    const api = connect(call)
    refused('', () => releaseHandle(api, handleOf(call)))
  },
  command: {
    kind: 'command',
    id: 'calico/calico-ipam-upgrade',
    async run(process) {
      if (!process.argv.includes('-upgrade')) return 1
      const line = (severity: 'INFO', source: string, message: string) =>
        process.stdout.write(`${calicoLine(process.clock.now(), severity, 1, source, message)}\n`)
      const backend = process.env['CALICO_NETWORKING_BACKEND']
      if (backend !== 'vxlan') {
        await line('INFO', 'ipam/ipam_plugin.go 75', 'migrating from host-local to calico-ipam...')
        await line('INFO', 'ipam/migrate.go 67', 'checking host-local IPAM data dir dir existence...')
        await line('INFO', 'ipam/migrate.go 69', 'host-local IPAM data dir dir not found; no migration necessary, successfully exiting...')
        await line(
          'INFO',
          'ipam/ipam_plugin.go 105',
          `migration from host-local to calico-ipam complete node="${process.env['KUBERNETES_NODE_NAME']}"`,
        )
      }
      return 0
    },
  },
}

function handleOf({ config, containerId }: CniCall): string {
  return `${config['name']}.${containerId}`
}
