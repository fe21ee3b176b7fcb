import { alpineFiles, applets, inFolder, type Tools, tagsOf } from '../image-parts.ts'
import { busyboxNetTools } from '../net-tools.ts'
import type { Image } from '../process.ts'
import { traefikDaemon } from './traefik.ts'

const releases = [
  { version: '3.5.3', tags: ['v3.5.3', 'v3.5', '3.5.3', '3.5'] },
  { version: '3.6.2', tags: ['v3.6.2', 'v3.6', 'v3', '3.6.2', '3.6', '3', 'latest'] },
]

/** Alpine with Traefik and busybox's tools. */
export function traefikImages(tools: Tools): Image[] {
  return releases.map(({ version, tags }) => {
    const daemon = traefikDaemon(version)
    return {
      repositories: ['docker.io/library/traefik'],
      tags: tagsOf(tags),
      entrypoint: ['/entrypoint.sh'],
      cmd: ['traefik'],
      files: alpineFiles(),
      executables: {
        ...inFolder('/bin', { ...tools, ...busyboxNetTools }, [...applets, ...Object.keys(busyboxNetTools)]),
        '/entrypoint.sh': daemon,
        '/usr/local/bin/traefik': daemon,
      },
    }
  })
}
