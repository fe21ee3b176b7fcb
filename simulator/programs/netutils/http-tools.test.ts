import { describe, expect, test } from 'vitest'
import { serveHttp } from '../../network/http.ts'
import { stage } from '../testing/stage.ts'

function site() {
  const set = stage({ 'web.default.svc.cluster.local.': '10.244.1.8' })
  serveHttp(set.server.sockets, 80, (request, respond) => {
    if (request.target === '/slow') return
    if (request.target === '/moved') return respond({ status: 301, headers: [['Location', '/']] })
    if (request.target === '/echo') return respond({ status: 200, body: request.body })
    if (request.target !== '/') return respond({ status: 404, body: 'no such page\n' })
    respond({ status: 200, headers: [['Content-Type', 'text/plain']], body: 'hello\n' })
  })
  return set
}

const drop = (set: ReturnType<typeof stage>) =>
  set.net.nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.8', target: { target: 'DROP' } })

describe('busybox wget', () => {
  const dialect = 'busybox'
  test('writes to a file or to standard output', async () => {
    const { run } = site()
    const ran = await run('wget http://web', { dialect })
    expect(ran).toMatchObject({ code: 0, out: '' })
    expect(ran.err).toBe(
      `Connecting to web (10.244.1.8:80)\nsaving to 'index.html'\n\rindex.html           100% |${'*'.repeat(32)}|     6  0:00:00 ETA\n'index.html' saved\n`,
    )
    expect(ran.files.readText('/index.html')).toBe('hello\n')
    expect((await run('wget http://web', { dialect, files: ran.files })).err).toContain("wget: can't open 'index.html': File exists\n")
    expect(await run('wget -qO- web', { dialect })).toMatchObject({ code: 0, out: 'hello\n', err: '' })
    expect(await run('wget -q -O - http://web/moved', { dialect })).toMatchObject({ code: 0, out: 'hello\n' })
    expect(await run('wget -qO- --post-data=a=b http://web/echo', { dialect })).toMatchObject({ code: 0, out: 'a=b' })
    expect(await run('wget --spider http://web', { dialect })).toMatchObject({
      code: 0,
      err: 'Connecting to web (10.244.1.8:80)\nremote file exists\n',
    })
  })

  test('says what went wrong', async () => {
    const set = site()
    expect(await set.run('wget -q http://nobody:81', { dialect })).toMatchObject({ code: 1, err: "wget: bad address 'nobody:81'\n" })
    expect(await set.run('wget -q http://web:81', { dialect })).toMatchObject({
      code: 1,
      err: "wget: can't connect to remote host (10.244.1.8): Connection refused\n",
    })
    expect(await set.run('wget -q http://web/x', { dialect })).toMatchObject({
      code: 1,
      err: 'wget: server returned error: HTTP/1.1 404 Not Found\n',
    })
    expect(await set.run('wget -q -T 2 http://web/slow', { dialect })).toMatchObject({ code: 1, err: 'wget: download timed out\n' })
    drop(set)
    const late = await set.run('wget -q -T 3 http://10.244.1.8', { dialect })
    expect(late).toMatchObject({ code: 1, err: 'wget: download timed out\n' })
    expect(late.took).toBeLessThan(3200)
  })
})

describe('curl', () => {
  test('prints the body, the head, both', async () => {
    const { run } = site()
    expect(await run('curl -s http://web')).toMatchObject({ code: 0, out: 'hello\n', err: '' })
    expect((await run('curl -sI web')).out).toBe('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n')
    expect((await run('curl -si web')).out).toBe('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n')
    expect((await run("curl -s -o /dev/null -w '%{http_code} %{remote_ip} %{num_redirects}\\n' -L web/moved")).out).toBe(
      '200 10.244.1.8 1\n',
    )
    expect((await run('curl -s -d x=1 -d y=2 web/echo')).out).toBe('x=1&y=2')
    expect((await run('curl -s --resolve shop.example:80:10.244.1.8 http://shop.example/')).out).toBe('hello\n')
    expect((await run('curl -s -o page web')).files.readText('/page')).toBe('hello\n')
  })

  test('tells the conversation', async () => {
    const { run } = site()
    expect((await run('curl -sv http://web/')).err.replaceAll(/from .* port \d+/g, 'from ME')).toMatchInlineSnapshot(`
      "* Host web:80 was resolved.
      * IPv6: (none)
      * IPv4: 10.244.1.8
      *   Trying 10.244.1.8:80...
      * Connected to web (10.244.1.8) port 80
      * using HTTP/1.x
      > GET / HTTP/1.1
      > Host: web
      > User-Agent: curl/8.14.1
      > Accept: */*
      > 
      * Request completely sent off
      < HTTP/1.1 200 OK
      < Content-Type: text/plain
      < Content-Length: 6
      < 
      * Connection #0 to host web left intact
      "
    `)
  })

  test("has libcurl's errors", async () => {
    const set = site()
    const { run } = set
    expect(await run('curl -sS nobody')).toMatchObject({ code: 6, err: 'curl: (6) Could not resolve host: nobody\n' })
    expect(await run('curl -sS web:81')).toMatchObject({
      code: 7,
      err: 'curl: (7) Failed to connect to web port 81 after 0 ms: Could not connect to server\n',
    })
    expect(await run('curl -s web:81')).toMatchObject({ code: 7, err: '' })
    expect(await run('curl -sSf web/x')).toMatchObject({ code: 22, out: '', err: 'curl: (22) The requested URL returned error: 404\n' })
    expect(await run('curl -sS -m 2 web/slow')).toMatchObject({
      code: 28,
      err: 'curl: (28) Operation timed out after 2001 milliseconds with 0 bytes received\n',
    })
    expect(await run('curl')).toMatchObject({ code: 2 })
    expect(await run('curl -sS ftp://web')).toMatchObject({ code: 1, err: 'curl: (1) Protocol "ftp" not supported\n' })
    drop(set)
    expect(await run('curl -sS -m 3 10.244.1.8')).toMatchObject({
      code: 28,
      err: 'curl: (28) Connection timed out after 3001 milliseconds\n',
    })
    expect(await run('curl -sS --connect-timeout 3 10.244.1.8')).toMatchObject({
      code: 28,
      err: 'curl: (28) Failed to connect to 10.244.1.8 port 80 after 3001 ms: Timeout was reached\n',
    })
    const patient = await run('curl -sS 10.244.1.8')
    expect(patient.code).toBe(28)
    expect(patient.err).toMatch(/^curl: \(28\) Failed to connect to 10.244.1.8 port 80 after 1[23]\d{4} ms: Could not connect to server\n$/)
  })
})
