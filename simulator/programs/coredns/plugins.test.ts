import { describe, expect, it } from 'vitest'
import { decodeDns, encodeDns } from '../../network/dns-message.ts'
import { framed, framedMessage } from './framing.ts'
import { serveDns } from './testing/serve-dns.ts'

const server = (...lines: string[]) => `.:53 {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
const hosts = 'hosts {\n    192.0.2.1 a.example.org deep.a.example.org\n    192.0.2.2 b.example.org\n    192.0.2.3 a.other.net\n  }'
const addresses = (message: ReturnType<typeof decodeDns> | undefined) =>
  message?.answers.map(
    (record) => `${record.name} ${record.type} ${typeof record.data === 'string' ? record.data : JSON.stringify(record.data)}`,
  )

describe('rewrite', () => {
  it.each([
    ['name c.example.org a.example.org', 'c.example.org.', ['c.example.org. A 192.0.2.1']],
    ['name exact c.example.org a.example.org', 'd.c.example.org.', undefined],
    ['name suffix .gone.net .other.net answer auto', 'a.gone.net.', ['a.gone.net. A 192.0.2.3']],
    // Without `answer auto` the client sees the name that was looked up, and libraries may not take that.
    ['name suffix .gone.net .other.net', 'a.gone.net.', ['a.other.net. A 192.0.2.3']],
    ['name prefix x a', 'x.example.org.', ['a.example.org. A 192.0.2.1']],
    ['name substring gone.net other.net answer auto', 'a.gone.net.', ['a.gone.net. A 192.0.2.3']],
    ['name regex (.*)\\.svc\\.example\\.org {1}.example.org', 'b.svc.example.org.', ['b.example.org. A 192.0.2.2']],
    [
      'name regex (.*)\\.svc\\.example\\.org {1}.example.org answer name (.*)\\.example\\.org {1}.svc.example.org',
      'b.svc.example.org.',
      ['b.svc.example.org. A 192.0.2.2'],
    ],
  ])('%s', (rule, name, expected) => {
    const { ask } = serveDns(server(`rewrite ${rule}`, hosts))
    expect(addresses(ask(name))).toEqual(expected ?? [])
  })

  it('stops at the first rule that matches, unless that one continues', () => {
    const rules = (mode: string) => [
      `rewrite ${mode} name one.example.org two.example.org`,
      'rewrite name two.example.org a.example.org',
      hosts,
    ]
    expect(ask('')).toEqual([])
    expect(ask('continue')).toEqual(['one.example.org. A 192.0.2.1'])
    function ask(mode: string) {
      return addresses(serveDns(server(...rules(mode))).ask('one.example.org.'))
    }
  })

  it('changes types, times to live and codes', () => {
    expect(addresses(serveDns(server('rewrite type TXT A', hosts)).ask('a.example.org.', 'TXT'))).toEqual(['a.example.org. A 192.0.2.1'])
    expect(serveDns(server('rewrite ttl a.example.org 7', hosts)).ask('a.example.org.')?.answers[0]?.ttl).toBe(7)
    expect(serveDns(server('rewrite ttl suffix example.org 30-60', hosts)).ask('a.example.org.')?.answers[0]?.ttl).toBe(60)
    const refused = serveDns(server('rewrite rcode suffix example.net NXDOMAIN REFUSED', 'forward . 10.0.0.2'))
    expect(refused.ask('no.example.net.')?.rcode).toBe('REFUSED')
  })

  it.each([
    ['rewrite', 'plugin/rewrite: no rule type specified for rewrite'],
    ['rewrite name', 'plugin/rewrite: too few arguments for a name rule'],
    ['rewrite names a b', 'plugin/rewrite: invalid rule type "names"'],
    ['rewrite stop', 'plugin/rewrite: stop rule must begin with a rule type'],
    [
      'rewrite name fuzzy a b',
      'plugin/rewrite: name rule supports only exact, prefix, suffix, substring, and regex name matching, received: fuzzy',
    ],
    [
      'rewrite name regex (.*)\\.a {1}{2}.b',
      'plugin/rewrite: the rewrite regex pattern ({1}{2}.b) uses more subexpressions than its corresponding matching regex pattern ((.*)\\.a)',
    ],
    ['rewrite edns0 local set 0xffee 1', "plugin/rewrite: the simulated cluster does not model 'rewrite edns0'"],
  ])('refuses %s', (line, message) => {
    const { log, exit } = serveDns(server(line))
    expect(log).toEqual([message])
    expect(exit()).toBe(1)
  })
})

describe('template', () => {
  const pods = [
    'template IN A ip.example {',
    '  match ^ip-(?P<a>\\d+)-(?P<b>\\d+)-(?P<c>\\d+)-(\\d+)\\.ip\\.example\\.$',
    '  answer "{{ .Name }} 60 {{ .Class }} {{ .Type }} {{ .Group.a }}.{{ .Group.b }}.{{ index .Match 3 }}.{{ index .Group \\"4\\" }}"',
    '  fallthrough',
    '}',
    'template ANY ANY ip.example {',
    '  rcode NXDOMAIN',
    '  authority "ip.example. 60 IN SOA ns.ip.example. root.ip.example. (1 60 60 60 60)"',
    '}',
  ].map((line) => line.replace(/\((1 60 60 60 60)\)/, '$1'))

  it('makes records of what the pattern found, and falls through to the next', () => {
    const { ask } = serveDns(server(...pods))
    expect(addresses(ask('ip-10-0-0-7.ip.example.'))).toEqual(['ip-10-0-0-7.ip.example. A 10.0.0.7'])
    const other = ask('nothing.ip.example.')
    expect(other?.rcode).toBe('NXDOMAIN')
    expect(other?.authorities[0]).toMatchObject({ type: 'SOA', data: { mname: 'ns.ip.example.', minimum: 60 } })
  })

  it('says SERVFAIL where no pattern fits and nothing falls through, and goes on outside of its zone', () => {
    const { ask } = serveDns(server('template IN A one.example {', '  match ^a\\.', '}', 'forward . 10.0.0.2'))
    expect(ask('b.one.example.')?.rcode).toBe('SERVFAIL')
    expect(ask('example.com.')?.rcode).toBe('NOERROR')
  })

  it('follows an alias, and tells the log of a record that is none', () => {
    const alias = serveDns(server('template IN A go.example {', '  answer "{{ .Name }} 5 IN CNAME example.com"', '}', 'forward . 10.0.0.2'))
    expect(addresses(alias.ask('x.go.example.'))).toEqual(['x.go.example. CNAME example.com.', 'example.com. A 203.0.113.80'])
    const broken = serveDns(server('errors', 'template IN A go.example {', '  answer "{{ .Name }} 5 IN A nonsense"', '}'))
    expect(broken.ask('x.go.example.')?.rcode).toBe('SERVFAIL')
    expect(broken.log.at(-1)).toMatch(/^\[ERROR\] plugin\/errors: 2 x\.go\.example\. A: dns: bad A/)
  })

  it('refuses by name what templates can do besides', () => {
    const { log } = serveDns(server('template IN A {', '  answer "{{ if .Name }}x{{ end }}"', '}'))
    expect(log[0]).toBe(
      `plugin/template: /etc/coredns/Corefile:3 - Error during parsing: could not compile template: {{ if .Name }}x{{ end }}, the simulated cluster does not model 'if .Name' in a template`,
    )
  })
})

describe('log and errors', () => {
  it('logs classes and formats as it is told', () => {
    const { ask, log } = serveDns(server('log . "{name} {type} {rcode} {nonsense}" {', '  class denial', '}', 'forward . 10.0.0.2'))
    ask('example.com.')
    ask('gone.example.')
    expect(log.filter((line) => line.startsWith('[INFO] '))).toEqual(['[INFO] gone.example. A NXDOMAIN -'])
  })

  it('tells errors that are alike once in a while', () => {
    const { ask, log, time } = serveDns(
      server('errors {', '  consolidate 5m ".* i/o timeout$" warning', '}', 'forward . 10.0.0.2'),
      'silent',
    )
    ask('a.example.')
    ask('b.example.')
    time.advance(300_000)
    expect(log.slice(3)).toEqual([`[WARNING] plugin/errors: 2 errors like '.* i/o timeout$' occurred in last 5m0s`])
  })

  it('can be named once', () => {
    expect(serveDns(server('errors', 'errors')).log).toEqual(['plugin/errors: this plugin can only be used once per Server Block'])
  })
})

describe('cache', () => {
  it("keeps an upstream's SERVFAIL for five seconds, or as long as it is told", () => {
    const failing = serveDns(server('forward . 10.0.0.2', 'cache'), 'fails')
    failing.ask('example.com.')
    failing.ask('example.com.')
    // A question here takes six seconds of the clock.
    expect(failing.asked()).toBe(2)
    const longer = serveDns(server('forward . 10.0.0.2', 'cache {', '  servfail 1m', '}'), 'fails')
    longer.ask('example.com.')
    longer.ask('example.com.')
    expect(longer.asked()).toBe(1)
  })

  it.each([
    ['serve_stale', 'NOERROR', 0],
    ['serve_stale 1h verify', 'NOERROR', 0],
    ['serve_stale 1s', 'SERVFAIL', undefined],
  ])('with %s, what is over and cannot be had anew is %s', (option, rcode, ttl) => {
    const { ask, time, setUpstream } = serveDns(server('forward . 10.0.0.2', 'cache {', `  ${option}`, '}'))
    ask('example.com.')
    setUpstream('fails')
    time.advance(120_000)
    const answer = ask('example.com.')
    expect([answer?.rcode, answer?.answers[0]?.ttl]).toEqual([rcode, ttl])
  })

  it('asks again before the end for what is asked often', () => {
    const { ask, time, asked } = serveDns(server('forward . 10.0.0.2', 'cache {', '  prefetch 2 1m 50%', '}'))
    for (let count = 0; count < 5; count++) ask('example.com.')
    time.advance(10_000)
    expect(asked()).toBe(1)
    ask('example.com.')
    time.advance(30_000)
    expect(asked()).toBe(2)
  })
})

describe('forward', () => {
  it.each(['force_tcp', 'prefer_udp'])('with %s asks by the one or the other', (option) => {
    const { ask, namespaces, asked } = serveDns(server('forward . 10.0.0.2 {', `  ${option}`, '}'))
    let overTcp = 0
    namespaces.other.sockets.listenTcp({ port: 53 }, (connection) => ({
      data: framed((bytes) => {
        overTcp++
        const { id, questions } = decodeDns(bytes)
        const answers = [{ name: 'example.com.', type: 'A' as const, ttl: 60, data: '203.0.113.81' }]
        connection.write(framedMessage(encodeDns({ id, response: true, questions, answers })))
      }),
    }))
    expect(addresses(ask('example.com.'))).toEqual([`example.com. A 203.0.113.8${option === 'force_tcp' ? 1 : 0}`])
    expect([overTcp, asked()]).toEqual(option === 'force_tcp' ? [1, 0] : [0, 1])
  })

  it('names the dial that failed', () => {
    const { ask, log } = serveDns(server('errors', 'forward . 10.0.0.2 {', '  force_tcp', '}'))
    expect(ask('example.com.')?.rcode).toBe('SERVFAIL')
    expect(log.at(-1)).toBe('[ERROR] plugin/errors: 2 example.com. A: dial tcp 10.0.0.2:53: connect: connection refused')
  })
})
