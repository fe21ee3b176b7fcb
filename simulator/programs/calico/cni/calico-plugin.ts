import type { Namespace, Node, Pod } from 'kubernetes-types/core/v1'
import type { Api } from '../../../apiserver/api.ts'
import type { KubeObject } from '../../../kubernetes.ts'
import { type CniCall, CniError, type CniPlugin, type CniResult } from '../../process.ts'
import { vethName } from '../names.ts'
import { connect, refused } from './kubeconfig.ts'

const nodeNameFile = '/var/lib/calico/nodename'
const mtuFile = '/var/lib/calico/mtu'
/** An address that no one has: the host answers ARP for it on each pod's interface (proxy_arp). */
const gateway = '169.254.1.1'
const hostMac = 'ee:ee:ee:ee:ee:ee'

/**
 * A veth pair per pod and a route to its one address; all that the pod sends goes to the host. Follows cni-plugin/pkg/plugin and
 * pkg/dataplane/linux. Of the pod's annotations, ipv4pools is
 * modelled; addresses come from calico-ipam or, with `usePodCidr`, from host-local.
 */
export const calicoPlugin: CniPlugin = {
  kind: 'cni',
  id: 'calico/calico',
  add(call): CniResult {
    if (!call.files.exists(nodeNameFile)) throw new CniError(999, notRunning)
    const api = connect(call)
    const { namespace, host, interfaceName, args } = call
    const ipam = call.config['ipam'] as Record<string, unknown> & { type: string }
    const [podNamespace = '', podName = ''] = [args['K8S_POD_NAMESPACE'], args['K8S_POD_NAME']]
    const pools = refused('', () => wantedPools(api, podNamespace, podName))
    const range = ipam['subnet'] === 'usePodCidr' ? { subnet: refused('', () => podCidr(api, String(call.config['nodename']))) } : {}
    const leased = call.delegate(ipam.type, { ...call.config, ipam: { ...ipam, ...range, ...(pools ? { ipv4_pools: pools } : {}) } })
    const [address = ''] = leased.ips[0]?.address.split('/') ?? []
    const mtu = mtuOf(call)
    const veth = vethName(podNamespace, podName)
    if (host.link(veth)) host.removeLink(veth)
    const link = host.addVeth(veth, namespace, interfaceName, { mtu, mac: hostMac })
    for (const [key, value] of [
      ['route_localnet', '1'],
      ['proxy_arp', '1'],
      ['forwarding', '1'],
    ] as const) {
      host.setSysctl(`net.ipv4.conf.${veth}.${key}`, value)
    }
    host.setLink(veth, { up: true })
    namespace.setLink(interfaceName, { up: true })
    namespace.addAddress(interfaceName, `${address}/32`)
    namespace.routing.add({ dst: `${gateway}/32`, dev: interfaceName, scope: 'link', protocol: 'boot' })
    namespace.routing.add({ dst: '0.0.0.0/0', via: gateway, dev: interfaceName, protocol: 'boot' })
    namespace.setSysctl('net.ipv4.ip_forward', '0')
    host.routing.add({ dst: `${address}/32`, dev: veth, scope: 'link', protocol: 'boot' }, true)
    refused('error updating pod: ', () =>
      annotate(api, podNamespace, podName, { containerID: call.containerId, podIP: `${address}/32`, podIPs: `${address}/32` }),
    )
    return {
      interfaces: [{ name: veth }],
      ips: [{ address: `${address}/32` }],
      routes: [],
      ...(link.peer ? { interfaces: [{ name: veth }, { name: interfaceName, mac: link.peer.mac, sandbox: namespace.name }] } : {}),
    }
  },
  del(call) {
    if (!call.files.exists(nodeNameFile)) throw new CniError(999, notRunning)
    const ipam = call.config['ipam'] as { type: string }
    const [podNamespace = '', podName = ''] = [call.args['K8S_POD_NAMESPACE'], call.args['K8S_POD_NAME']]
    const api = connect(call)
    call.delegateDel(ipam.type, call.config)
    if (call.namespace.link(call.interfaceName)) call.namespace.removeLink(call.interfaceName)
    // The pod lost its address before it is gone itself: Felix goes by the annotation.
    refused('', () => {
      if (api.find('pods', podNamespace, podName)) annotate(api, podNamespace, podName, { podIP: '', podIPs: '' })
    })
  },
}

const notRunning = `stat ${nodeNameFile}: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`

function mtuOf({ config, files }: CniCall): number {
  const configured = Number(config['mtu'] ?? 0)
  if (configured > 0) return configured
  return files.exists(mtuFile) ? Number(files.readText(mtuFile)) : 1500
}

function annotate(api: Api, namespace: string, name: string, values: Readonly<Record<string, string>>): void {
  const annotations = Object.fromEntries(Object.entries(values).map(([key, value]) => [`cni.projectcalico.org/${key}`, value]))
  api.patch('pods', namespace, name, { metadata: { annotations } }, { type: 'strategic', subresource: 'status' })
}

/** The range that the cluster gave the node, for host-local. */
function podCidr(api: Api, node: string): string {
  const cidr = api.get<Node & KubeObject>('nodes', undefined, node).spec?.podCIDR
  if (cidr === undefined || cidr === '') throw new CniError(999, 'usePodCidr found but there is no IPv4 CIDR configured')
  return cidr
}

/** The pod's own wish, else its namespace's: a JSON list of pools' names or CIDRs. */
function wantedPools(api: Api, namespace: string, name: string): string[] | undefined {
  const key = 'cni.projectcalico.org/ipv4pools'
  const pod = api.get<Pod & KubeObject>('pods', namespace, name)
  const text =
    pod.metadata?.annotations?.[key] ?? api.get<Namespace & KubeObject>('namespaces', undefined, namespace).metadata?.annotations?.[key]
  if (!text) return undefined
  try {
    return JSON.parse(text) as string[]
  } catch {
    throw new CniError(999, `invalid character '${text[0]}' looking for beginning of value`)
  }
}
