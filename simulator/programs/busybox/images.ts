import { alpineFiles, applets, inFolder, type Tools } from '../image-parts.ts'
import { busyboxNetTools } from '../net-tools.ts'
import { nslookupBusyboxSmall } from '../netutils/nslookup-busybox-small.ts'
import type { Image } from '../process.ts'

/** busybox and what is little more than busybox: Alpine. */
export function busyboxImages(tools: Tools): Image[] {
  const bin = inFolder('/bin', { ...pick(tools, applets), ...busyboxNetTools })
  const repositories = [
    'docker.io/library/busybox',
    'registry.k8s.io/e2e-test-images/busybox',
    'gcr.io/google-containers/busybox',
    'registry.k8s.io/busybox',
  ]
  const files = {
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
    '/etc/group': 'root:x:0:\nnobody:x:65534:\n',
  }
  return [
    {
      repositories,
      tags: (tag) => /^(latest|stable|1\.(29|3[0-7])(\.\d+)?(-\d+)?)(-glibc)?$/.test(tag),
      cmd: ['sh'],
      files,
      executables: bin,
    },
    {
      repositories,
      tags: (tag) => /^1\.2[4-8](\.\d+)?(-\d+)?(-glibc)?$/.test(tag),
      cmd: ['sh'],
      files,
      executables: { ...bin, '/bin/nslookup': nslookupBusyboxSmall },
    },
    {
      repositories: ['docker.io/library/alpine'],
      tags: (tag) => /^(latest|3|edge|3\.(1[5-9]|2[0-2])(\.\d+)?)$/.test(tag),
      cmd: ['/bin/sh'],
      files: alpineFiles(),
      executables: bin,
    },
  ]
}

function pick(tools: Tools, names: readonly string[]): Tools {
  return Object.fromEntries(names.flatMap((name) => (tools[name] ? [[name, tools[name]]] : [])))
}
