import { describe, expect, test } from 'vitest'
import { serveHttp } from '../../network/http.ts'
import { stage } from '../testing/stage.ts'
import { readConfiguration } from './configuration.ts'
import { nginxImages } from './images.ts'
import { nginxDaemon } from './nginx.ts'

const files = nginxImages({})[0]!.files!
const argv = ['/docker-entrypoint.sh', 'nginx', '-g', 'daemon off;']
const withSite = (set: ReturnType<typeof stage>, conf?: string) =>
  set.files('busybox', { ...files, ...(conf === undefined ? {} : { '/etc/nginx/conf.d/default.conf': conf }) })

describe('nginx', () => {
  test('starts, serves its page, logs, and goes on after a restore', async () => {
    const set = stage()
    const started = set.daemon(nginxDaemon('1.27.5'), set.server, { argv, files: withSite(set) })
    expect(started.log[0]).toBe('/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration')
    expect(started.log).toContain('10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf')
    expect(started.log.at(-1)).toMatch(/^2023\/11\/14 22:13:20 \[notice\] 1#1: start worker process/)
    expect((await set.run('curl -s http://10.244.1.8')).out).toContain('<title>Welcome to nginx!</title>')
    expect(started.log.at(-1)).toMatch(
      /^10\.244\.0\.5 - - \[14\/Nov\/2023:22:13:2\d \+0000\] "GET \/ HTTP\/1\.1" 200 \d+ "-" "curl\/8\.14\.1" "-"$/,
    )
    const missing = await set.run('curl -si http://10.244.1.8/x')
    expect(missing.out).toContain('Server: nginx/1.27.5\r\n')
    expect(missing.out).toContain('<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.27.5</center>')
    expect(
      started.log.some((line) =>
        line.includes(
          'open() "/usr/share/nginx/html/x" failed (2: No such file or directory), client: 10.244.0.5, server: localhost, request: "GET /x HTTP/1.1", host: "10.244.1.8"',
        ),
      ),
    ).toBe(true)

    const memory = structuredClone(started.memory)
    started.running.stop()
    const resumed = set.daemon(nginxDaemon('1.27.5'), set.server, { argv, files: withSite(set), memory, resumed: true })
    expect(resumed.log).toEqual([])
    expect((await set.run('curl -s -o /dev/null -w %{http_code} http://10.244.1.8')).out).toBe('200')
  })

  test('locations, return, proxy_pass to a name', async () => {
    const set = stage({ 'backend.default.svc.cluster.local.': '10.244.0.5' })
    serveHttp(set.client.sockets, 9000, (request, respond) =>
      respond({ status: 200, body: `${request.target} for ${request.headers.find(([name]) => name === 'X-Real-IP')?.[1]}\n` }),
    )
    const conf = `server { listen 8080; server_name _;
      location = /healthz { return 200 "ok\\n"; }
      location /api/ { proxy_pass http://backend:9000/; proxy_set_header X-Real-IP $remote_addr; }
      location /old { return 301 http://example.com/; }
      location /dead { proxy_pass http://10.244.0.5:1; } }`
    const started = set.daemon(nginxDaemon('1.27.5'), set.server, { argv, files: withSite(set, conf) })
    await new Promise((done) => setImmediate(done))
    const get = async (path: string) => (await set.run(`curl -s -w '|%{http_code}' http://10.244.1.8:8080${path}`)).out
    expect(await get('/healthz')).toBe('ok\n|200')
    expect(await get('/api/items?a=1')).toBe('/items?a=1 for 10.244.0.5\n|200')
    expect(await get('/old')).toContain('<h1>301 Moved Permanently</h1>')
    expect(await get('/dead')).toMatch(/502 Bad Gateway[\s\S]*\|502$/)
    expect(
      started.log.some((line) =>
        line.includes('connect() failed (111: Connection refused) while connecting to upstream, client: 10.244.0.5'),
      ),
    ).toBe(true)
    expect(started.log.some((line) => line.includes('upstream: "http://10.244.0.5:1/dead", host: "10.244.1.8:8080"'))).toBe(true)
  })

  test('a name that does not resolve is fatal at the start', async () => {
    const set = stage()
    const started = set.daemon(nginxDaemon('1.27.5'), set.server, {
      argv,
      files: withSite(set, 'server {\n  location / { proxy_pass http://nobody:80; }\n}\n'),
    })
    for (let i = 0; i < 10; i++) await new Promise((done) => setImmediate(done))
    expect(started.exits).toEqual([1])
    expect(started.log.at(-1)).toBe('nginx: [emerg] host not found in upstream "nobody" in /etc/nginx/conf.d/default.conf:2')
  })

  test.each([
    ['server { listen 80 default_server; root /x; }', undefined],
    ['server { listen 80 root /x; }', 'invalid parameter "root" in /etc/nginx/conf.d/default.conf:1'],
    ['server {\n listen 80\n}\n', 'unexpected "}" in /etc/nginx/conf.d/default.conf:3'],
    ['server {\n listen 80;\n', 'unexpected end of file, expecting "}" in /etc/nginx/conf.d/default.conf:3'],
    ['server {\n listn 80;\n}', 'unknown directive "listn" in /etc/nginx/conf.d/default.conf:2'],
    ['}\n', 'unexpected "}" in /etc/nginx/conf.d/default.conf:1'],
    ['server {\n listen 80800;\n}', 'invalid port in "80800" of the "listen" directive in /etc/nginx/conf.d/default.conf:2'],
  ])('configuration %j', (conf, problem) => {
    const read = () => readConfiguration(withSite(stage({}, false), conf), '/etc/nginx/nginx.conf')
    if (problem === undefined) expect(read).not.toThrow()
    else expect(read).toThrow(problem)
  })
})
