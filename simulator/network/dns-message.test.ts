import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DnsFormatError, type DnsMessage, decodeDns, encodeDns, type ResourceRecord, reverseName } from './dns-message.ts'

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/)
const name = fc.array(label, { maxLength: 5 }).map((labels) => `${labels.join('.')}.`)
const u16 = fc.nat(65_535)
const u32 = fc.nat(2 ** 32 - 1)
const head = { name, ttl: u32, class: fc.constant('IN') }
const record: fc.Arbitrary<ResourceRecord> = fc.oneof(
  fc.record({ ...head, type: fc.constant('A' as const), data: fc.ipV4() }),
  fc.record({ ...head, type: fc.constant('AAAA' as const), data: fc.constantFrom('::1', 'fd00::5', '2001:db8::1:0:0:1', '::') }),
  fc.record({ ...head, type: fc.constantFrom('CNAME' as const, 'NS' as const, 'PTR' as const), data: name }),
  fc.record({ ...head, type: fc.constant('MX' as const), data: fc.record({ preference: u16, exchange: name }) }),
  fc.record({ ...head, type: fc.constant('SRV' as const), data: fc.record({ priority: u16, weight: u16, port: u16, target: name }) }),
  fc.record({ ...head, type: fc.constant('TXT' as const), data: fc.array(fc.string({ maxLength: 60 }), { minLength: 1, maxLength: 3 }) }),
  fc.record({
    ...head,
    type: fc.constant('SOA' as const),
    data: fc.record({ mname: name, rname: name, serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 }),
  }),
  fc.record({ ...head, type: fc.constant('OTHER' as const), code: fc.constant(65_280), data: fc.uint8Array({ maxLength: 20 }) }),
)
const message = fc.record({
  id: u16,
  response: fc.boolean(),
  opcode: fc.nat(5),
  authoritative: fc.boolean(),
  truncated: fc.boolean(),
  recursionDesired: fc.boolean(),
  recursionAvailable: fc.boolean(),
  authenticData: fc.boolean(),
  checkingDisabled: fc.boolean(),
  rcode: fc.constantFrom('NOERROR' as const, 'NXDOMAIN' as const, 'SERVFAIL' as const, 'REFUSED' as const, 7),
  questions: fc.array(fc.record({ name, type: fc.constantFrom('A', 'SRV', 'ANY', 'TYPE65'), class: fc.constant('IN') }), { maxLength: 2 }),
  answers: fc.array(record, { maxLength: 5 }),
  authorities: fc.array(record, { maxLength: 2 }),
  additionals: fc.array(record, { maxLength: 2 }),
})

describe('DNS messages', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(message, fc.boolean(), (sent, extended) => {
        const whole: DnsMessage = extended
          ? { ...sent, edns: { udpSize: 1232, version: 0, dnssecOk: true, options: [{ code: 10, data: new Uint8Array([1, 2]) }] } }
          : sent
        expect(decodeDns(encodeDns(whole))).toEqual(whole)
      }),
      { numRuns: 300 },
    )
  })

  it('compress names: the second use of a suffix is a pointer', () => {
    const record = (data: string): ResourceRecord => ({ name: 'web.shop.svc.cluster.local.', type: 'A', ttl: 5, data })
    const one = encodeDns({ id: 1, questions: [{ name: 'web.shop.svc.cluster.local.', type: 'A' }], answers: [record('10.0.0.1')] })
    // 12 header, 28 + 4 question, 2 pointer + 10 + 4 answer.
    expect(one).toHaveLength(12 + 32 + 16)
    expect([...one.subarray(44, 46)]).toEqual([0xc0, 12])
  })

  it('leave whole records off and set TC where they would be too long', () => {
    const answers = Array.from(
      { length: 60 },
      (_, i): ResourceRecord => ({ name: 'many.example.', type: 'A', ttl: 30, data: `10.0.0.${i}` }),
    )
    const bytes = encodeDns(
      { id: 9, response: true, questions: [{ name: 'many.example.', type: 'A' }], answers, edns: { udpSize: 512 } },
      512,
    )
    expect(bytes.length).toBeLessThanOrEqual(512)
    const back = decodeDns(bytes)
    expect(back.truncated).toBe(true)
    expect(back.answers).toEqual(answers.slice(0, back.answers.length).map((answer) => ({ ...answer, class: 'IN' })))
    expect(back.answers.length).toBeGreaterThan(20)
    expect(back.edns?.udpSize).toBe(512)
  })

  it('never do anything but decode or throw DnsFormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          decodeDns(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DnsFormatError)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('refuse pointer loops, names too long, bad data', () => {
    const loop = new Uint8Array([0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1])
    expect(() => decodeDns(loop)).toThrow('does not point back')
    expect(() => encodeDns({ id: 1, questions: [{ name: `${'a'.repeat(64)}.`, type: 'A' }] })).toThrow('longer than 63')
    expect(() => encodeDns({ id: 1, questions: [{ name: 'a..b.', type: 'A' }] })).toThrow('empty label')
    expect(() => encodeDns({ id: 1, questions: [{ name: 'a.', type: 'BOGUS' }] })).toThrow('not a DNS record type')
    expect(() => encodeDns({ id: 1, questions: [], answers: [{ name: 'a.', type: 'A', ttl: 1, data: '::1' }] })).toThrow(
      'not the data of a A record',
    )
  })

  it('escape odd octets, and know reverse names', () => {
    const odd = 'a\\.b\\032c.example.'
    expect(decodeDns(encodeDns({ id: 1, questions: [{ name: odd, type: 'A' }] })).questions[0]?.name).toBe(odd)
    expect(reverseName('10.244.1.3')).toBe('3.1.244.10.in-addr.arpa.')
    expect(reverseName('2001:db8::1')).toBe('1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.')
  })
})
