import { alpineFiles, applets, inFolder, type Tools } from '../image-parts.ts'
import { busyboxNetTools, netTools } from '../net-tools.ts'
import type { Image } from '../process.ts'
import { agnhost } from './agnhost.ts'

/** Kubernetes' own test image: Alpine with agnhost, curl and BIND's tools. */
export function agnhostImages(tools: Tools): Image[] {
  const { dig, nslookup, host, curl } = netTools
  return [
    {
      repositories: ['registry.k8s.io/e2e-test-images/agnhost'],
      tags: (tag) => /^2\.(3\d|4\d|5\d)(\.\d)?$/.test(tag),
      entrypoint: ['/agnhost'],
      cmd: ['pause'],
      files: alpineFiles(),
      executables: {
        '/agnhost': agnhost,
        ...inFolder('/bin', { ...tools, ...busyboxNetTools }, [
          ...applets,
          'bash',
          ...Object.keys(busyboxNetTools).filter((name) => name !== 'nslookup'),
        ]),
        ...inFolder('/usr/bin', { dig: dig!, nslookup: nslookup!, host: host!, curl: curl! }),
      },
    },
  ]
}
