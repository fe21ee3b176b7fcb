import { beforeAll, describe, expect, it } from 'vitest'
import { type Issued, issue } from '../../tests/certificates.ts'
import { Random } from '../random.ts'
import { readCertificates } from './certificate.ts'
import { readPem } from './der.ts'
import { isSameKey, publicHalf } from './keys.ts'
import { selfSignedCertificate } from './self-signed.ts'
import { matchingName, verifyChain } from './verification.ts'

const now = Date.UTC(2026, 5, 1)
const day = 24 * 3600_000
const read = (...issued: Issued[]) => issued.flatMap(({ certificate }) => readCertificates(certificate))

describe.each(['rsa', 'p256', 'p384'] as const)('an authority with a key of kind %s', (kind) => {
  let root: Issued
  let between: Issued
  let leaf: Issued
  let stranger: Issued
  beforeAll(async () => {
    root = await issue({ name: 'CN=Shop Root', now, kind, authority: true, toDay: 3650 })
    between = await issue({ name: 'CN=Shop Between', now, kind, by: root, authority: true })
    leaf = await issue({ name: 'CN=web', now, kind, by: between, hosts: ['web.example.com'], addresses: ['172.18.0.2'] })
    stranger = await issue({ name: 'CN=Shop Root', now, kind, authority: true })
  })

  it('is what a chain must lead to', () => {
    expect(verifyChain(read(leaf, between), read(root), now)).toBeUndefined()
    expect(verifyChain(read(leaf, between, root), read(root), now)).toBeUndefined()
    expect(verifyChain(read(leaf), read(root), now)?.text).toBe('unable to get local issuer certificate')
    expect(verifyChain(read(leaf, between, root), [], now)?.text).toBe('self-signed certificate in certificate chain')
    expect(verifyChain(read(root), [], now)?.text).toBe('self-signed certificate')
  })

  it('counts by its key, not by its name', () => {
    expect(verifyChain(read(leaf, between), read(stranger), now)?.text).toBe('certificate signature failure')
  })

  it('counts within its time and that of what it signed', () => {
    expect(verifyChain(read(leaf, between), read(root), now + 400 * day)?.text).toBe('certificate has expired')
    expect(verifyChain(read(leaf, between), read(root), now - 2 * day)?.text).toBe('certificate is not yet valid')
  })

  it('belongs to its private key', () => {
    const [certificate] = read(leaf)
    const own = publicHalf(readPem(leaf.key)[0]!)
    const other = publicHalf(readPem(stranger.key)[0]!)
    expect(isSameKey(own!, certificate!.key)).toBe(true)
    expect(isSameKey(other!, certificate!.key)).toBe(false)
  })
})

it('does not let everybody sign', async () => {
  const root = await issue({ name: 'CN=Root', now, authority: true })
  const web = await issue({ name: 'CN=web', now, by: root })
  const other = await issue({ name: 'CN=other', now, by: web })
  expect(verifyChain(read(other, web), read(root), now)?.text).toBe('invalid CA certificate')
})

it('reads the names', async () => {
  const { certificate } = await issue({
    name: 'O=Acme Co, CN=Fake',
    now,
    hosts: ['a.example.com', '*.b.example.com'],
    addresses: ['10.0.0.1'],
  })
  expect(readCertificates(certificate)).toMatchObject([
    { subject: 'O=Acme Co; CN=Fake', commonName: 'Fake', names: ['a.example.com', '*.b.example.com'], addresses: ['10.0.0.1'] },
  ])
})

it.each([
  ['web.example.com', ['web.example.com'], 'web.example.com'],
  ['WEB.example.com', ['web.example.com'], 'web.example.com'],
  ['a.example.com', ['*.example.com'], '*.example.com'],
  ['a.b.example.com', ['*.example.com'], undefined],
  ['example.com', ['*.example.com'], undefined],
  ['a.com', ['*.com'], undefined],
])('matches %s with %j', (host, names, found) => {
  expect(matchingName(host, names)).toBe(found)
})

it('makes certificates that sign themselves, the same ones from the same seed', () => {
  const make = () =>
    selfSignedCertificate(
      new Random(7),
      { organization: 'Acme Co', commonName: 'Fake', names: ['ingress.local'] },
      { notBefore: now, notAfter: now + day },
    )
  const own = readCertificates(make())
  expect(make()).toBe(make())
  expect(own).toMatchObject([{ subject: 'O=Acme Co; CN=Fake', names: ['ingress.local'], notBefore: now, notAfter: now + day }])
  expect(verifyChain(own, own, now)).toBeUndefined()
  expect(verifyChain(own, [], now)?.code).toBe(18)
})
