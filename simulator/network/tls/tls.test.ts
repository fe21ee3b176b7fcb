import { expect, it } from 'vitest'
import { type Issued, issue } from '../../../tests/certificates.ts'
import { stage } from '../../programs/testing/stage.ts'
import { readPem } from '../../x509/der.ts'
import { serveHttp } from '../http.ts'

async function shop(certificate: (issued: { shop: Issued; other: Issued }) => Issued[]) {
  const set = stage({ 'web.example.com.': '10.244.1.8', 'blog.example.com.': '10.244.1.8' })
  const now = set.net.loop.now()
  const root = await issue({ name: 'CN=Shop Root', now, authority: true })
  const shop = await issue({ name: 'CN=shop', now, by: root, hosts: ['web.example.com'], addresses: ['10.244.1.8'] })
  const other = await issue({ name: 'CN=blog', now, by: root, hosts: ['blog.example.com'] })
  const shown = certificate({ shop, other }).map(({ certificate }) => readPem(certificate)[0]!.bytes)
  const asked: (string | undefined)[] = []
  serveHttp(
    set.server.sockets,
    443,
    (request, respond) => respond({ status: 200, body: `${request.tls?.serverName} ${'x'.repeat(40_000)}` }),
    {
      tls: {
        certificates(name) {
          asked.push(name)
          return shown.length > 0 ? shown : undefined
        },
      },
    },
  )
  serveHttp(set.server.sockets, 80, (_, respond) => respond({ status: 200, body: 'plain' }))
  const files = set.files('gnu', { '/ca.crt': root.certificate, '/other.crt': other.certificate })
  const curl = async (line: string, dialect: 'gnu' | 'busybox' = 'gnu') => {
    const ran = await set.run(line, { files, dialect })
    return { ...ran, first: ran.err.split('\n')[0] }
  }
  return { set, asked, curl }
}

it('lets curl in whose authority signed for that name', async () => {
  const { curl, asked } = await shop(({ shop }) => [shop])
  const { out, err } = await curl('curl -sv --cacert /ca.crt https://web.example.com')
  expect(out).toBe(`web.example.com ${'x'.repeat(40_000)}`)
  expect(err).toContain(`*  subjectAltName: host "web.example.com" matched cert's "web.example.com"`)
  expect(err).toContain('*  SSL certificate verify ok.')
  expect(asked).toEqual(['web.example.com'])
})

it('sends no name for an address, and compares addresses', async () => {
  const { curl, asked } = await shop(({ shop }) => [shop])
  expect((await curl('curl -s --cacert /ca.crt https://10.244.1.8')).code).toBe(0)
  expect(asked).toEqual([undefined])
})

it('says why it does not trust', async () => {
  const { curl } = await shop(({ shop }) => [shop])
  expect(await curl('curl -sS https://web.example.com')).toMatchObject({
    code: 60,
    first: 'curl: (60) SSL certificate problem: unable to get local issuer certificate',
  })
  expect(await curl('curl -sS --cacert /ca.crt https://blog.example.com')).toMatchObject({
    code: 60,
    first: "curl: (60) SSL: no alternative certificate subject name matches target host name 'blog.example.com'",
  })
  expect(await curl('curl -sS --cacert /none https://web.example.com')).toMatchObject({ code: 77 })
  const { code, err } = await curl('curl -skv https://blog.example.com')
  expect(code).toBe(0)
  expect(err).toContain('*  SSL certificate verify result: unable to get local issuer certificate (20), continuing anyway.')
})

it('knows the time', async () => {
  const { set, curl } = await shop(({ shop }) => [shop])
  await set.net.time.pass(366 * 24 * 3600_000, async () => {})
  expect((await curl('curl -sS --cacert /ca.crt https://web.example.com')).first).toBe(
    'curl: (60) SSL certificate problem: certificate has expired',
  )
})

it('goes where --resolve and --connect-to say', async () => {
  const { curl, asked } = await shop(({ shop }) => [shop])
  expect((await curl('curl -s --cacert /ca.crt --resolve web.example.com:8443:10.244.1.8 https://web.example.com:8443')).code).toBe(7)
  expect((await curl('curl -s --cacert /ca.crt --connect-to web.example.com:8443:10.244.1.8:443 https://web.example.com:8443')).code).toBe(
    0,
  )
  expect((await curl('curl -s --cacert /ca.crt --connect-to ::10.244.1.8: https://web.example.com')).code).toBe(0)
  expect(asked).toEqual(['web.example.com', 'web.example.com'])
})

it('tells TLS from plain HTTP by the bytes', async () => {
  const { curl } = await shop(({ shop }) => [shop])
  expect((await curl('curl -sS https://web.example.com:80')).first).toBe(
    'curl: (35) TLS connect error: error:0A0000C6:SSL routines::packet length too long',
  )
  expect((await curl('curl -sS http://web.example.com:443')).code).not.toBe(0)
  expect((await curl('wget -qO- https://web.example.com', 'busybox')).out).toContain('web.example.com x')
})

it('breaks off where there is no certificate for the name', async () => {
  const { curl } = await shop(() => [])
  expect(await curl('curl -sSk https://web.example.com')).toMatchObject({ code: 35 })
})
