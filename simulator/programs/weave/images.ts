import { inFolder, type Tools } from '../image-parts.ts'
import { netTools } from '../net-tools.ts'
import type { Image } from '../process.ts'
import { weaveNet } from './cni-plugin.ts'
import { initScript } from './init.ts'
import { weaveNpc } from './npc/weave-npc.ts'
import { weaveScript } from './weave-script.ts'
import { weaver } from './weaver.ts'

/** The last release of Weaveworks; `latest` stands for the same. */
const tags = (tag: string) => tag === '2.8.1' || tag === 'latest'

/** Weave Net's two images. */
export function weaveImages(tools: Tools): Image[] {
  const within = {
    ...inFolder('/bin', tools, ['sh', 'ls', 'cat', 'grep', 'sed', 'echo', 'rm']),
    ...inFolder('/sbin', netTools, ['ip', 'ipset', 'iptables', 'iptables-save', 'conntrack']),
  }
  return [
    {
      repositories: ['docker.io/weaveworks/weave-kube'],
      tags,
      workingDir: '/home/weave',
      entrypoint: ['/home/weave/launch.sh'],
      executables: {
        '/home/weave/launch.sh': weaver,
        '/home/weave/init.sh': initScript,
        '/home/weave/weave': weaveScript,
        '/usr/bin/weaveutil': weaveNet,
        ...within,
      },
    },
    {
      repositories: ['docker.io/weaveworks/weave-npc'],
      tags,
      entrypoint: ['/usr/bin/launch.sh'],
      executables: { '/usr/bin/launch.sh': weaveNpc, ...within },
    },
  ]
}
