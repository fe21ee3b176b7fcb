import { alpineFiles, applets, coreutils, debianFiles, inFolder, type Tools, tagsOf } from '../image-parts.ts'
import { busyboxNetTools, netTools } from '../net-tools.ts'
import type { Image } from '../process.ts'
import { defaultConfiguration, nginxDaemon } from './nginx.ts'

/** Versions by the tags under which they can be had. The first is what a catalogue shows that asks for a repository alone. */
const releases = [
  { version: '1.27.5', tags: ['1.27', '1.27.5', '1.27.4', '1.27.3', '1.27.2', '1.27.1', '1.27.0'] },
  { version: '1.29.3', tags: ['latest', 'mainline', '1', '1.29', '1.29.3'] },
  { version: '1.28.0', tags: ['stable', '1.28', '1.28.0'] },
  { version: '1.26.3', tags: ['1.26', '1.26.3', '1.26.2', '1.26.1', '1.26.0'] },
  { version: '1.25.5', tags: ['1.25', '1.25.5', '1.25.4', '1.25.3', '1.25.2', '1.25.1'] },
  { version: '1.24.0', tags: ['1.24', '1.24.0'] },
  { version: '1.23.4', tags: ['1.23', '1.23.4', '1.23.3', '1.23.1'] },
  { version: '1.21.6', tags: ['1.21', '1.21.6', '1.21.0'] },
  { version: '1.20.2', tags: ['1.20', '1.20.2', '1.20.1', '1.20.0'] },
  // What the documentation's examples still use.
  { version: '1.19.10', tags: ['1.19', '1.19.10', '1.19.2', '1.19.1', '1.19.0'] },
  { version: '1.18.0', tags: ['1.18', '1.18.0'] },
  { version: '1.17.10', tags: ['1.17', '1.17.10', '1.17.3', '1.17.1'] },
  { version: '1.16.1', tags: ['1.16', '1.16.1'] },
  { version: '1.15.12', tags: ['1.15', '1.15.12', '1.15.4', '1.15.2'] },
  { version: '1.14.2', tags: ['1.14', '1.14.2'] },
  { version: '1.9.1', tags: ['1.9.1'] },
  { version: '1.7.9', tags: ['1.7.9'] },
]

/** nginx: Alpine's variant with busybox's tools, Debian's with bash and curl. */
export function nginxImages(tools: Tools): Image[] {
  const repositories = ['docker.io/library/nginx']
  return releases.flatMap(({ version, tags }): Image[] => {
    const daemon = nginxDaemon(version)
    const common = {
      repositories,
      entrypoint: ['/docker-entrypoint.sh'],
      cmd: ['nginx', '-g', 'daemon off;'],
      env: { NGINX_VERSION: version },
    }
    const own = { '/docker-entrypoint.sh': daemon, '/usr/sbin/nginx': daemon }
    return [
      {
        ...common,
        tags: tagsOf(tags.flatMap((tag) => (tag === 'latest' ? ['alpine', 'alpine-slim'] : [`${tag}-alpine`, `${tag}-alpine-slim`]))),
        files: { ...alpineFiles(), ...nginxFiles },
        executables: {
          ...inFolder('/bin', { ...tools, ...busyboxNetTools }, [...applets, ...Object.keys(busyboxNetTools)]),
          '/usr/bin/curl': netTools.curl!,
          ...own,
        },
      },
      {
        ...common,
        tags: tagsOf(tags, ['', '-bookworm', '-trixie']),
        files: { ...debianFiles(), ...nginxFiles },
        executables: debianExecutables(tools, own),
      },
    ]
  })
}

/** Kubernetes' own copies for its tutorials (StatefulSet basics): nginx on Debian, started without an entry script. */
export function nginxSlimImage(tools: Tools): Image {
  const daemon = nginxDaemon('1.27.0')
  return {
    repositories: ['registry.k8s.io/nginx-slim'],
    tags: (tag) => /^0\.(8|9|2[0-7])$/.test(tag),
    cmd: ['nginx', '-g', 'daemon off;'],
    env: { NGINX_VERSION: '1.27.0' },
    files: { ...debianFiles(), ...nginxFiles },
    executables: debianExecutables(tools, { '/usr/sbin/nginx': daemon }),
  }
}

function debianExecutables(tools: Tools, own: Image['executables']): Image['executables'] {
  return {
    ...inFolder('/usr/bin', tools, [...coreutils, 'tar', 'sh', 'bash']),
    ...inFolder('/bin', tools, ['sh', 'bash']),
    '/usr/bin/curl': netTools.curl!,
    ...own,
  }
}

const nginxFiles: Readonly<Record<string, string>> = {
  '/etc/nginx/nginx.conf': `user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;
    sendfile        on;
    keepalive_timeout  65;

    include /etc/nginx/conf.d/*.conf;
}
`,
  '/etc/nginx/conf.d/default.conf': defaultConfiguration,
  '/etc/nginx/mime.types': 'types {\n    text/html html htm;\n    text/css css;\n    application/javascript js;\n}\n',
  '/usr/share/nginx/html/index.html': `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>This page comes from nginx in a simulated cluster. Whoever reads it has reached the pod.</p>
</body>
</html>
`,
  '/usr/share/nginx/html/50x.html':
    '<!DOCTYPE html>\n<html>\n<head><title>Error</title></head>\n<body><h1>An error occurred.</h1></body>\n</html>\n',
}
