import { versions } from '../bootstrap/spec.ts'
import { calicoImages } from './calico/images.ts'
import { ciliumImages } from './cilium/images.ts'
import { bridge } from './cni/bridge.ts'
import { flannelPlugin } from './cni/flannel.ts'
import { hostLocal } from './cni/host-local.ts'
import { loopback } from './cni/loopback.ts'
import { portmap } from './cni/portmap.ts'
import { ptp } from './cni/ptp.ts'
import { coredns } from './coredns/coredns.ts'
import { flanneld } from './flannel/flanneld.ts'
import { kindnetd } from './kindnet/kindnetd.ts'
import { kubeProxy } from './kube-proxy/kube-proxy.ts'
import type { Command, Image, Program } from './process.ts'
import { MiB } from './usage.ts'
import { weaveImages } from './weave/images.ts'

/** The reference plugins that a node has before any network plugin is installed (package kubernetes-cni). */
export const cniPlugins: Readonly<Record<string, Program>> = {
  '/opt/cni/bin/bridge': bridge,
  '/opt/cni/bin/host-local': hostLocal,
  '/opt/cni/bin/loopback': loopback,
  '/opt/cni/bin/portmap': portmap,
  '/opt/cni/bin/ptp': ptp,
}

/** What runs on every node. `tools` are the few commands that these images have besides their program, by name. */
export function nodeImages(tools: Readonly<Record<string, Command>>): Image[] {
  const within = (folder: string, ...names: string[]) =>
    Object.fromEntries(
      names.flatMap((name) => {
        const tool = tools[name]
        return tool ? [[`${folder}/${name}`, tool]] : []
      }),
    )
  const alpine = within('/bin', 'sh', 'cp', 'ls', 'cat', 'mv', 'rm', 'mkdir', 'echo', 'sleep')
  return [
    {
      repositories: ['registry.k8s.io/coredns/coredns', 'docker.io/coredns/coredns'],
      tags: (tag) => /^v?1\.1[0-2]\.\d$/.test(tag),
      entrypoint: ['/coredns'],
      workingDir: '/',
      executables: { '/coredns': coredns },
    },
    {
      repositories: ['registry.k8s.io/kube-proxy'],
      tags: (tag) => tag === versions.kubernetes,
      executables: { '/usr/local/bin/kube-proxy': kubeProxy },
    },
    {
      repositories: ['docker.io/kindest/kindnetd'],
      tags: (tag) => tag === versions.kindnetd,
      cmd: ['/bin/kindnetd'],
      executables: { '/bin/kindnetd': kindnetd },
    },
    {
      repositories: ['ghcr.io/flannel-io/flannel', 'docker.io/flannel/flannel'],
      tags: (tag) => /^v0\.2[4-7]\.\d+$/.test(tag),
      entrypoint: ['/opt/bin/flanneld'],
      executables: { '/opt/bin/flanneld': flanneld, ...alpine },
    },
    {
      repositories: ['ghcr.io/flannel-io/flannel-cni-plugin', 'docker.io/flannel/flannel-cni-plugin'],
      tags: (tag) => /^v1\.\d\.\d-flannel\d$/.test(tag),
      executables: { '/flannel': flannelPlugin, ...alpine },
    },
    ...calicoImages(tools),
    ...ciliumImages(tools),
    ...weaveImages(tools),
    {
      repositories: ['registry.k8s.io/pause'],
      tags: (tag) => /^3\.\d+$/.test(tag),
      entrypoint: ['/pause'],
      executables: { '/pause': pause },
    },
  ]
}

/** Waits for a signal, as the pause container does. */
const pause: Program = {
  kind: 'daemon',
  id: 'pause/pause',
  usage: { bytes: 0.3 * MiB },
  initial: () => null,
  run: (context) => context.onSignal(() => context.exit(0)),
}
