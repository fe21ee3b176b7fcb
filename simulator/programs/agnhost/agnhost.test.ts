import { expect, test } from 'vitest'
import { stage } from '../testing/stage.ts'
import { agnhost } from './agnhost.ts'

const turns = async (set: ReturnType<typeof stage>, ms = 0) => {
  for (let i = 0; i < 5; i++) await set.net.time.pass(ms / 5, () => new Promise((done) => setImmediate(done)))
}

test('netexec answers over HTTP and UDP, and dials', async () => {
  const set = stage()
  set.daemon(agnhost, set.server, { argv: ['/agnhost', 'netexec'], hostname: 'server-0' })
  set.daemon(agnhost, set.client, { argv: ['/agnhost', 'netexec', '--http-port=8083'], hostname: 'client-0' })
  const get = async (path: string) => (await set.run(`curl -s http://10.244.1.8:8080${path}`)).out
  expect(await get('/hostname')).toBe('server-0')
  expect(await get('/clientip')).toMatch(/^10\.244\.0\.5:\d+$/)
  expect(await get('/echo?msg=hi')).toBe('hi')
  expect(await get('/dial?host=10.244.0.5&port=8083&request=hostname&tries=2')).toBe('{"responses":["client-0","client-0"]}')
  expect(await get('/dial?host=10.244.0.5&port=8081&request=hostname&protocol=udp')).toBe('{"responses":["client-0"]}')
  expect(await get('/dial?host=10.244.0.5&port=1&request=hostname')).toContain('"errors":["Get \\"http://10.244.0.5:1/hostname\\"')
  expect(await get('/nothing')).toBe('404 page not found\n')
})

test('connect says in one word why not', async () => {
  const set = stage({ 'web.default.svc.cluster.local.': '10.244.1.8' })
  const connect = async (...words: string[]) => {
    const one = set.daemon(agnhost, set.client, { argv: ['/agnhost', 'connect', ...words] })
    await turns(set, 5000)
    one.running.stop()
    return [one.exits, one.log]
  }
  expect(await connect('web:80')).toEqual([[1], ['REFUSED']])
  set.server.sockets.listenTcp({ port: 80 }, () => ({}))
  expect(await connect('web:80', '--timeout=3s')).toEqual([[0], []])
  expect(await connect('nobody:80')).toEqual([[1], ['DNS: lookup nobody: no such host']])
  set.net.nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.8', target: { target: 'DROP' } })
  expect(await connect('10.244.1.8:80', '--timeout=3s')).toEqual([[1], ['TIMEOUT']])
})

test('liveness is healthy for ten seconds', async () => {
  const set = stage()
  set.daemon(agnhost, set.server, { argv: ['/agnhost', 'liveness'] })
  const code = async () => (await set.run("curl -s -o /dev/null -w '%{http_code}' http://10.244.1.8:8080/healthz")).out
  expect(await code()).toBe('200')
  await turns(set, 11_000)
  expect(await code()).toBe('500')
})

test('what it does not model it names', () => {
  const set = stage()
  const one = set.daemon(agnhost, set.client, { argv: ['/agnhost', 'guestbook'] })
  expect(one.exits).toEqual([1])
  expect(one.log[0]).toContain('does not model "guestbook"')
})
