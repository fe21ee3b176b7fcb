import { describe, expect, test } from 'vitest'
import { stage } from '../testing/stage.ts'
import { nslookupBusyboxSmall } from './nslookup-busybox-small.ts'

const mysql = { 'mysql.prod.svc.cluster.local.': '10.96.3.7', 'web.default.svc.cluster.local.': '10.96.1.2' }

describe('busybox nslookup', () => {
  test('prints both families as they come', async () => {
    const { run } = stage(mysql)
    const ran = await run('nslookup mysql.prod.svc.cluster.local', { dialect: 'busybox' })
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toBe(
      'Server:\t\t10.244.1.53\nAddress:\t10.244.1.53:53\n\nName:\tmysql.prod.svc.cluster.local\nAddress: 10.96.3.7\n\n\n',
    )
  })

  test('asks for a bare name in every search domain, and fails where one of them has it not', async () => {
    const { run } = stage(mysql)
    const ran = await run('nslookup web', { dialect: 'busybox' })
    expect(ran.code).toBe(1)
    expect(ran.out).toContain('Name:\tweb.default.svc.cluster.local\nAddress: 10.96.1.2\n')
    expect(ran.out).toContain("** server can't find web.cluster.local: NXDOMAIN\n")
  })

  test('does not search for a name with dots', async () => {
    const { run, asked } = stage(mysql)
    const ran = await run('nslookup mysql.prod', { dialect: 'busybox' })
    expect(ran.code).toBe(1)
    expect(asked).toEqual(['A mysql.prod.', 'AAAA mysql.prod.'])
    expect(ran.out).toContain("** server can't find mysql.prod: NXDOMAIN\n\n")
  })

  test('gives up after five seconds of silence', async () => {
    const { run, server, net } = stage({}, false)
    net.nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.53', target: { target: 'DROP' } })
    expect(server).toBeDefined()
    const ran = await run('nslookup web', { dialect: 'busybox' })
    expect(ran.out).toBe(';; connection timed out; no servers could be reached\n\n')
    expect(ran.code).toBe(1)
    expect(ran.took).toBeGreaterThanOrEqual(5000)
    expect(ran.took).toBeLessThan(5300)
  })
})

describe('nslookup of busybox up to 1.28', () => {
  const programs = { nslookup: nslookupBusyboxSmall }
  const header = 'Server:    10.244.1.53\nAddress 1: 10.244.1.53'

  test('asks as the C library does, search domains and all', async () => {
    const { run } = stage(mysql)
    expect(await run('nslookup web', { programs })).toMatchObject({
      code: 0,
      out: `${header}\n\nName:      web\nAddress 1: 10.96.1.2\n`,
    })
    expect((await run('nslookup mysql.prod', { programs })).out).toContain('Name:      mysql.prod\nAddress 1: 10.96.3.7\n')
    expect((await run('nslookup web 10.244.1.53', { programs })).code).toBe(0)
  })

  test('says what it cannot resolve', async () => {
    const { run } = stage(mysql)
    expect(await run('nslookup nobody', { programs })).toMatchObject({
      code: 1,
      out: `${header}\n\n`,
      err: "nslookup: can't resolve 'nobody'\n",
    })
    expect(await run('nslookup', { programs })).toMatchObject({ code: 1 })
  })
})

describe('nslookup of BIND', () => {
  test('searches as the C library does', async () => {
    const { run } = stage(mysql)
    const ran = await run('nslookup mysql.prod')
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(ran.out).toBe('Server:\t\t10.244.1.53\nAddress:\t10.244.1.53#53\n\nName:\tmysql.prod.svc.cluster.local\nAddress: 10.96.3.7\n\n')
  })

  test('says what is not there', async () => {
    const { run } = stage(mysql)
    const ran = await run('nslookup nobody')
    expect(ran.code).toBe(1)
    expect(ran.out).toBe("Server:\t\t10.244.1.53\nAddress:\t10.244.1.53#53\n\n** server can't find nobody: NXDOMAIN\n\n")
  })

  test('tells silence', async () => {
    const { run, net } = stage(mysql)
    net.nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.53', target: { target: 'DROP' } })
    const ran = await run('nslookup web')
    const line = ';; communications error to 10.244.1.53#53: timed out\n'
    expect(ran.out).toBe(`${line}${line}${line};; no servers could be reached\n\n`)
    expect(ran.code).toBe(1)
  })
})

describe('dig', () => {
  test('prints the whole message', async () => {
    const { run } = stage(mysql)
    const ran = await run('dig mysql.prod.svc.cluster.local')
    expect(ran.code).toBe(0)
    expect(ran.out.replace(/id: \d+/, 'id: ID').replace(/WHEN: .*/, 'WHEN: NOW')).toMatchInlineSnapshot(`
      "
      ; <<>> DiG 9.18.41 <<>> mysql.prod.svc.cluster.local
      ;; global options: +cmd
      ;; Got answer:
      ;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: ID
      ;; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
      ;; WARNING: recursion requested but not available

      ;; OPT PSEUDOSECTION:
      ; EDNS: version: 0, flags:; udp: 1232
      ;; QUESTION SECTION:
      ;mysql.prod.svc.cluster.local.	IN	A

      ;; ANSWER SECTION:
      mysql.prod.svc.cluster.local. 30 IN	A	10.96.3.7

      ;; Query time: 0 msec
      ;; SERVER: 10.244.1.53#53(10.244.1.53) (UDP)
      ;; WHEN: NOW
      ;; MSG SIZE  rcvd: 73

      "
    `)
  })

  test('in short, by TCP, by search, and in reverse', async () => {
    const { run } = stage(mysql)
    expect((await run('dig +short +tcp mysql.prod.svc.cluster.local')).out).toBe('10.96.3.7\n')
    expect((await run('dig +short +search web')).out).toBe('10.96.1.2\n')
    expect((await run('dig +short web')).out).toBe('')
    const reversed = await run('dig -x 10.96.1.2 +noall +question')
    expect(reversed.out).toBe(';2.1.96.10.in-addr.arpa.\tIN\tPTR\n')
  })

  test('ends with 9 where nobody answers', async () => {
    const { run } = stage(mysql)
    const ran = await run('dig @10.244.1.8 web +tries=1')
    expect(ran.code).toBe(9)
    expect(ran.out).toContain(';; communications error to 10.244.1.8#53: connection refused\n')
    expect(ran.out).toMatch(/;; no servers could be reached\n\n$/)
    const again = await run('nslookup web 10.244.1.8')
    expect(again.out.match(/communications error to 10\.244\.1\.8#53: connection refused\n/g)).toHaveLength(3)
  })
})

test('host', async () => {
  const { run } = stage(mysql)
  expect(await run('host mysql.prod')).toMatchObject({ code: 0, out: 'mysql.prod.svc.cluster.local has address 10.96.3.7\n' })
  expect(await run('host nobody')).toMatchObject({ code: 1, out: 'Host nobody not found: 3(NXDOMAIN)\n' })
})
