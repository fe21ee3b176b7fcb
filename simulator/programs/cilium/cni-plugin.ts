import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { NetworkError } from '../../network/sockets.ts'
import { type CniCall, CniError, type CniPlugin, type CniResult } from '../process.ts'
import { deleteQueue } from './agent/endpoint.ts'
import { type Answer, type DatapathSettings, type Request, socketPath } from './agent/requests.ts'

/** How long the plugin looks for the agent; here it looks once, and what it then says is the same. */
const connectTimeout = '30.000000'

/** `lxc` and the container's hash (pkg/datapath/connector, Endpoint2IfName). */
export function linkName(containerId: string): string {
  return `lxc${bytesToHex(sha256(utf8ToBytes(containerId))).slice(0, 12)}`
}

/** Follows plugins/cilium-cni: the agent gives the address and makes the endpoint, the plugin the veth pair. */
export const ciliumPlugin: CniPlugin = {
  kind: 'cni',
  id: 'cilium/cilium-cni',
  add(call): CniResult {
    const { namespace, host, interfaceName, containerId, args } = call
    const [podNamespace = '', pod = ''] = [args['K8S_POD_NAMESPACE'], args['K8S_POD_NAME']]
    const settings = ask<DatapathSettings>(call, { ask: 'config' }, '')
    const address = ask<string>(
      call,
      { ask: 'allocate', owner: `${podNamespace}/${pod}` },
      'unable to allocate IP via local cilium agent: ',
    )
    const link = linkName(containerId)
    const made = host.addVeth(link, namespace, interfaceName, { mtu: settings.deviceMtu })
    const mac = made.peer?.mac ?? ''
    host.setSysctl(`net.ipv4.conf.${link}.rp_filter`, '0')
    host.setLink(link, { up: true })
    namespace.setLink(interfaceName, { up: true })
    namespace.addAddress(interfaceName, `${address}/32`)
    namespace.routing.add({ dst: `${settings.router}/32`, dev: interfaceName, scope: 'link', protocol: 'boot' })
    namespace.routing.add({ dst: '0.0.0.0/0', via: settings.router, dev: interfaceName, protocol: 'boot', mtu: settings.routeMtu })
    try {
      const endpoint = { containerId, namespace: podNamespace, pod, address, link, mac, nodeMac: made.mac }
      ask(call, { ask: 'create-endpoint', ...endpoint }, 'unable to create endpoint: ')
    } catch (error) {
      ask(call, { ask: 'release', address }, '')
      throw error
    }
    return {
      interfaces: [{ name: link }, { name: interfaceName, mac, sandbox: namespace.name }],
      ips: [{ address: `${address}/32`, gateway: settings.router }],
      routes: [{ dst: `${settings.router}/32` }, { dst: '0.0.0.0/0', gw: settings.router }],
    }
  },
  del(call) {
    const { namespace, interfaceName, containerId, files } = call
    try {
      ask(call, { ask: 'delete-endpoint', containerId }, '')
    } catch (error) {
      if (!(error instanceof CniError)) throw error
      // The agent hears of it when it is back.
      files.makeDirectory(deleteQueue, { parents: true })
      files.write(`${deleteQueue}/${containerId}.delete`, containerId)
    }
    if (namespace.link(interfaceName)) namespace.removeLink(interfaceName)
  },
}

/** Throws CniError, where nobody listens in the words of the agent's client. */
function ask<T>({ host }: CniCall, request: Request, context: string): T {
  let answer: Answer<T> | undefined
  try {
    answer = host.sockets.askUnix(socketPath, request) as Answer<T> | undefined
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error
    throw new CniError(
      999,
      `unable to connect to Cilium agent: failed to create cilium agent client after ${connectTimeout} seconds timeout: Get "http://localhost/v1/config": ${error.message}\nIs the agent running?`,
    )
  }
  if (!answer) throw new CniError(999, `${context}EOF`)
  if ('error' in answer) throw new CniError(999, `${context}${answer.error}`)
  return answer.ok
}
