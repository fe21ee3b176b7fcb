import { inFolder, type Tools } from '../image-parts.ts'
import { netTools } from '../net-tools.ts'
import type { Image } from '../process.ts'
import { agent } from './agent/agent.ts'
import { ciliumPlugin } from './cni-plugin.ts'
import { ciliumDbg } from './command/cilium-dbg.ts'
import { hubble } from './command/hubble.ts'
import { initContainer, installPlugin, mount, nodeTool, nsenter } from './init.ts'
import { operator } from './operator.ts'

/** Releases whose behaviour is that of 1.18, as far as it is modelled. */
const tags = (tag: string) => /^v1\.18\.\d+$/.test(tag)

/** Cilium's images: the agent's, and the operator's for clusters of no particular cloud. */
export function ciliumImages(tools: Tools): Image[] {
  const shells = ['sh', 'bash']
  return [
    {
      repositories: ['quay.io/cilium/cilium', 'docker.io/cilium/cilium'],
      tags,
      executables: {
        '/usr/bin/cilium-agent': agent,
        '/usr/bin/cilium-dbg': ciliumDbg,
        '/usr/bin/cilium': ciliumDbg,
        '/usr/bin/hubble': hubble,
        '/usr/bin/cilium-mount': nodeTool('cilium-mount'),
        '/usr/bin/cilium-sysctlfix': nodeTool('cilium-sysctlfix'),
        '/usr/bin/nsenter': nsenter,
        '/usr/bin/mount': mount,
        '/opt/cni/bin/cilium-cni': ciliumPlugin,
        '/init-container.sh': initContainer,
        '/install-plugin.sh': installPlugin,
        ...inFolder('/bin', tools, [
          ...shells,
          'ls',
          'cat',
          'cp',
          'rm',
          'mkdir',
          'grep',
          'sed',
          'echo',
          'sleep',
          'head',
          'tail',
          'sort',
          'wc',
          'awk',
        ]),
        ...inFolder('/usr/sbin', netTools, ['ip', 'ss', 'ipset', 'iptables', 'iptables-save', 'conntrack', 'sysctl']),
      },
    },
    {
      repositories: ['quay.io/cilium/operator-generic', 'docker.io/cilium/operator-generic'],
      tags,
      executables: { '/usr/bin/cilium-operator-generic': operator },
    },
  ]
}
