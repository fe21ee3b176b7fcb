import { flannelPlugin } from '../cni/flannel.ts'
import { hostLocal } from '../cni/host-local.ts'
import { loopback } from '../cni/loopback.ts'
import { portmap } from '../cni/portmap.ts'
import { inFolder, type Tools } from '../image-parts.ts'
import { netTools } from '../net-tools.ts'
import type { Image } from '../process.ts'
import { calicoIpam } from './cni/calico-ipam.ts'
import { calicoPlugin } from './cni/calico-plugin.ts'
import { install } from './cni/install.ts'
import { calicoctl } from './ctl/calicoctl.ts'
import { checkStatus, kubeControllers } from './kube-controllers.ts'
import { calicoNode } from './node/calico-node.ts'
import { calicoNodeCheck } from './node/check.ts'

/** Releases whose behaviour is that of 3.30, as far as it is modelled. */
const tags = (tag: string) => /^v3\.30\.\d$/.test(tag)
const repositories = (name: string) => [`docker.io/calico/${name}`, `quay.io/calico/${name}`]

/** Calico's images. */
export function calicoImages(tools: Tools): Image[] {
  return [
    {
      repositories: repositories('cni'),
      tags,
      executables: {
        '/opt/cni/bin/calico': calicoPlugin,
        '/opt/cni/bin/calico-ipam': calicoIpam,
        '/opt/cni/bin/flannel': flannelPlugin,
        '/opt/cni/bin/host-local': hostLocal,
        '/opt/cni/bin/install': install,
        '/opt/cni/bin/loopback': loopback,
        '/opt/cni/bin/portmap': portmap,
      },
    },
    {
      repositories: repositories('node'),
      tags,
      cmd: ['start_runit'],
      executables: {
        '/usr/sbin/start_runit': calicoNode,
        '/bin/calico-node': calicoNodeCheck,
        ...inFolder('/usr/bin', tools, ['sh', 'bash', 'ls', 'cat', 'grep', 'sed', 'echo']),
        ...inFolder('/usr/sbin', netTools, ['ip', 'ipset', 'iptables', 'iptables-save', 'conntrack']),
      },
    },
    {
      repositories: repositories('ctl'),
      tags,
      entrypoint: ['/calicoctl'],
      executables: { '/calicoctl': calicoctl },
    },
    {
      repositories: repositories('kube-controllers'),
      tags,
      entrypoint: ['/usr/bin/kube-controllers'],
      executables: { '/usr/bin/kube-controllers': kubeControllers, '/usr/bin/check-status': checkStatus },
    },
  ]
}
