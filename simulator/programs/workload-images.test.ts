import { describe, expect, test } from 'vitest'
import { pgIsready } from './postgres/postgres.ts'
import type { Command, Daemon, Image, Program } from './process.ts'
import { redisCli } from './redis/redis.ts'
import { stage } from './testing/stage.ts'
import { workloadImages } from './workload-images.ts'

const tool = (name: string): Command => ({ kind: 'command', id: `test/${name}`, run: async () => 0 })
const images = workloadImages({ sh: tool('sh'), bash: tool('bash'), cat: tool('cat'), ls: tool('ls'), grep: tool('grep') })
const find = (repository: string, tag: string): Image => {
  const found = images.find((image) => image.repositories.includes(repository) && image.tags(tag))
  if (!found) throw new Error(`no image ${repository}:${tag}`)
  return found
}
const daemonOf = (image: Image): Daemon<any> => {
  const [first = ''] = [...(image.entrypoint ?? []), ...(image.cmd ?? [])]
  const path = Object.keys(image.executables).find((candidate) => candidate === first || candidate.endsWith(`/${first}`))
  const program = image.executables[path ?? '']
  if (program?.kind !== 'daemon') throw new Error(`${first} is no daemon`)
  return program
}

test('every id names one program, and every image starts something that it has', () => {
  const programs = new Map<string, Program>()
  for (const image of images) {
    for (const program of Object.values(image.executables)) {
      const known = programs.get(program.id)
      if (known && known.kind === 'command') expect(known, program.id).toBe(program)
      programs.set(program.id, program)
    }
    const first = [...(image.entrypoint ?? []), ...(image.cmd ?? [])][0] as string
    const names = Object.keys(image.executables).flatMap((path) => [path, path.replace(/^.*\//, '')])
    expect(names, image.repositories[0]).toContain(first)
  }
})

test('no two images of a repository share a tag', () => {
  const tags = [
    'latest',
    'alpine',
    'stable',
    '1',
    '1.27',
    '1.27-alpine',
    '1.28',
    '1.36',
    '3.20',
    '8',
    '8.0',
    '8.4',
    '7',
    '7-alpine',
    '16',
    '17',
    '17-alpine',
    '2.4',
    '2.53',
    'v0.13',
  ]
  for (const repository of new Set(images.flatMap(({ repositories }) => repositories))) {
    for (const tag of tags)
      expect(
        images.filter((image) => image.repositories.includes(repository) && image.tags(tag)).length,
        `${repository}:${tag}`,
      ).toBeLessThan(2)
  }
})

test('tools as in the real images', () => {
  expect(Object.keys(find('docker.io/library/nginx', '1.27-alpine').executables)).toEqual(
    expect.arrayContaining(['/bin/sh', '/bin/nslookup', '/bin/wget', '/usr/bin/curl']),
  )
  expect(Object.keys(find('docker.io/library/nginx', '1.27').executables)).not.toContain('/bin/nslookup')
  expect(Object.keys(find('docker.io/traefik/whoami', 'latest').executables)).toEqual(['/whoami'])
  expect(() => find('docker.io/library/nginx', '9.9')).toThrow()
  expect(() => find('docker.io/library/python', 'latest')).toThrow()
})

describe('servers', () => {
  test('whoami, http-echo, httpd', async () => {
    const set = stage()
    const start = (image: Image, argv: string[]) =>
      set.daemon(daemonOf(image), set.server, { argv, files: set.files('gnu', { ...image.files }), hostname: 'pod-1' })
    start(find('docker.io/traefik/whoami', 'v1.10'), ['/whoami', '--port', '8000'])
    expect((await set.run('curl -s 10.244.1.8:8000/x')).out.replace(/\d+\nGET/, 'PORT\nGET')).toBe(
      'Hostname: pod-1\nIP: 127.0.0.1\nIP: 10.244.1.8\nRemoteAddr: 10.244.0.5:PORT\nGET /x HTTP/1.1\nHost: 10.244.1.8:8000\nAccept: */*\nUser-Agent: curl/8.14.1\n\n',
    )
    start(find('docker.io/hashicorp/http-echo', '1.0'), ['/http-echo', '-text=apple'])
    expect((await set.run('curl -s 10.244.1.8:5678')).out).toBe('apple\n')
    const httpd = start(find('docker.io/library/httpd', '2.4'), ['httpd-foreground'])
    expect((await set.run('curl -s 10.244.1.8')).out).toBe('<html><body><h1>It works!</h1></body></html>\n')
    expect((await set.run('curl -s -o /dev/null -w %{http_code} 10.244.1.8/no')).out).toBe('404')
    expect(httpd.log.at(-1)).toMatch(/^10\.244\.0\.5 - - \[14\/Nov\/2023:[\d:]+ \+0000\] "GET \/no HTTP\/1\.1" 404 196$/)
  })

  test('redis keeps its data over a restore', async () => {
    const set = stage()
    const daemon = daemonOf(find('docker.io/library/redis', '7'))
    const started = set.daemon(daemon, set.server, { argv: ['docker-entrypoint.sh', 'redis-server'] })
    expect(started.log.at(-1)).toMatch(/^1:M 14 Nov 2023 22:13:20\.000 \* Ready to accept connections tcp$/)
    const cli = (line: string) => set.run(`redis-cli -h 10.244.1.8 ${line}`, { programs: { 'redis-cli': redisCli } })
    expect(await cli('ping')).toMatchObject({ code: 0, out: 'PONG\n' })
    expect((await cli("set greeting 'héllo world'")).out).toBe('OK\n')
    const memory = structuredClone(started.memory)
    started.running.stop()
    set.daemon(daemon, set.server, { argv: ['docker-entrypoint.sh', 'redis-server'], memory, resumed: true })
    expect((await cli('get greeting')).out).toBe('héllo world\n')
    expect(await cli('hset a b c')).toMatchObject({ code: 1, out: "ERR unknown command 'hset', with args beginning with: 'a' 'b' 'c' \n" })
    expect(await cli('-p 1 ping')).toMatchObject({ code: 1 })
    expect(await set.run('redis-cli -h 10.244.1.8 -p 1 ping', { programs: { 'redis-cli': redisCli } })).toMatchObject({
      code: 1,
      err: 'Could not connect to Redis at 10.244.1.8:1: Connection refused\n',
    })
  })

  test('postgres', async () => {
    const set = stage()
    const daemon = daemonOf(find('docker.io/library/postgres', '17'))
    const refused = set.daemon(daemon, set.server)
    expect(refused.exits).toEqual([1])
    expect(refused.log[0]).toBe('Error: Database is uninitialized and superuser password is not specified.')
    const ready = () => set.run('pg_isready -h 10.244.1.8', { programs: { pg_isready: pgIsready } })
    expect(await ready()).toMatchObject({ code: 2, out: '10.244.1.8:5432 - no response\n' })
    set.daemon(daemon, set.server, { env: { POSTGRES_PASSWORD: 'x' } })
    set.net.advance(1000)
    expect(await ready()).toMatchObject({ code: 0, out: '10.244.1.8:5432 - accepting connections\n' })
  })
})
