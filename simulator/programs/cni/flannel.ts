import { type CniCall, CniError, type CniPlugin } from '../process.ts'

const subnetFile = '/run/flannel/subnet.env'

/** Turns what flanneld wrote for this node into a bridge network. Follows flannel-io/cni-plugin. */
export const flannelPlugin: CniPlugin = {
  kind: 'cni',
  id: 'cni/flannel',
  add: (call) => call.delegate(delegateType(call), delegateConfig(call)),
  del(call) {
    // Without its file there is nothing that could be undone; the plugin lets such a DEL pass.
    if (call.files.exists(subnetFile)) call.delegateDel(delegateType(call), delegateConfig(call))
  },
}

function delegateType({ config }: CniCall): string {
  return String((config['delegate'] as { type?: string } | undefined)?.type ?? 'bridge')
}

function delegateConfig(call: CniCall): Record<string, unknown> {
  const env = subnetEnvironment(call)
  const delegate = (call.config['delegate'] as Record<string, unknown> | undefined) ?? {}
  return {
    ...delegate,
    name: call.config['name'],
    cniVersion: call.config['cniVersion'],
    type: delegateType(call),
    mtu: delegate['mtu'] ?? env.mtu,
    // flanneld masquerades for the whole network where it was told to, so the plugin must not do it again.
    ipMasq: delegate['ipMasq'] ?? !env.masquerades,
    isGateway: delegate['isGateway'] ?? true,
    ipam: { type: 'host-local', ranges: [[{ subnet: env.subnet }]], routes: [{ dst: env.network }] },
  }
}

function subnetEnvironment({ files }: CniCall): { network: string; subnet: string; mtu: number; masquerades: boolean } {
  if (!files.exists(subnetFile)) throw new CniError(100, `loadFlannelSubnetEnv failed: open ${subnetFile}: no such file or directory`)
  const values = Object.fromEntries(
    files
      .readText(subnetFile)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('=') as [string, string]),
  )
  const missing = ['FLANNEL_NETWORK', 'FLANNEL_SUBNET', 'FLANNEL_MTU', 'FLANNEL_IPMASQ'].filter((name) => !values[name])
  if (missing.length) throw new CniError(100, `${subnetFile} is missing ${missing.join(', ')}`)
  const [address = '', length = ''] = (values['FLANNEL_SUBNET'] as string).split('/')
  return {
    network: values['FLANNEL_NETWORK'] as string,
    subnet: `${address.split('.').slice(0, 3).join('.')}.0/${length}`,
    mtu: Number(values['FLANNEL_MTU']),
    masquerades: values['FLANNEL_IPMASQ'] === 'true',
  }
}
