import { alpineFiles, applets, inFolder, type Tools } from '../image-parts.ts'
import { netTools } from '../net-tools.ts'
import type { Image } from '../process.ts'
import { ingressNginx } from './controller.ts'

/** Alpine with nginx, the controller, curl and a shell. */
export function ingressNginxImage(tools: Tools): Image {
  return {
    repositories: ['registry.k8s.io/ingress-nginx/controller'],
    tags: (tag) => /^v1\.13\.\d$/.test(tag),
    entrypoint: ['/usr/bin/dumb-init', '--'],
    cmd: ['/nginx-ingress-controller'],
    workingDir: '/etc/nginx',
    user: 'www-data',
    files: alpineFiles(),
    executables: {
      ...inFolder('/bin', tools, applets),
      ...inFolder('/bin', tools, ['bash']),
      '/usr/bin/curl': netTools.curl!,
      '/usr/bin/dumb-init': ingressNginx,
      '/nginx-ingress-controller': ingressNginx,
    },
  }
}
