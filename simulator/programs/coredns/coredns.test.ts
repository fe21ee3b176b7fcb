import { expect, it } from 'vitest'
import { httpRequest } from '../../network/http.ts'
import { serveDns as serve } from './testing/serve-dns.ts'

it('forwards what it does not know itself, and keeps the answer for its time', () => {
  const { ask, log, exit } = serve('.:53 {\n  errors\n  log\n  forward . /etc/resolv.conf\n  cache 30\n  loop\n}\n')
  expect(ask('example.com.')?.answers).toMatchObject([{ type: 'A', data: '203.0.113.80' }])
  expect(ask('example.com.')?.answers[0]?.ttl).toBeLessThan(30)
  expect(ask('nowhere.example.')?.rcode).toBe('NXDOMAIN')
  expect(log.slice(0, 3)).toEqual(['.:53', 'CoreDNS-1.12.1', 'linux/amd64, go1.24.1, 707c7c1'])
  expect(log.find((line) => line.includes('example.com'))).toMatch(
    /^\[INFO\] 10\.0\.0\.2:\d+ - 7 "A IN example\.com\. udp 29 false 512" NOERROR qr,rd,ra \d+ \d\.\d{9}s$/,
  )
  expect(exit()).toBeUndefined()
})

it.each([
  ['cache 30', true],
  ['cache 30 example.com', true],
  ['cache example.com', true],
  ['cache 30 example.org', false],
  ['cache example.org', false],
])('with `%s`, keeps answers of example.com: %s', (directive, kept) => {
  const { ask } = serve(`.:53 {\n  forward . 10.0.0.2\n  ${directive}\n}\n`)
  ask('example.com.')
  const again = ask('example.com.')?.answers[0]?.ttl
  if (kept) expect(again).toBeLessThan(60)
  else expect(again).toBe(60)
})

it('answers SERVFAIL for a dead upstream, with the line that people search for', () => {
  const { ask, log } = serve('.:53 {\n  errors\n  forward . 10.0.0.2\n}\n', 'silent')
  expect(ask('example.com.')?.rcode).toBe('SERVFAIL')
  expect(log.at(-1)).toMatch(/^\[ERROR\] plugin\/errors: 2 example\.com\. A: read udp 10\.0\.0\.1:\d+->10\.0\.0\.2:53: i\/o timeout$/)
})

it('finds a forwarding loop and ends', () => {
  const { log, exit, time } = serve('.:53 {\n  errors\n  forward . /etc/resolv.conf\n  loop\n}\n', 'absent', 'nameserver 127.0.0.1\n')
  time.advance(10_000)
  expect(exit()).toBe(1)
  expect(log.at(-1)).toMatch(
    /^\[FATAL\] plugin\/loop: Loop \(127\.0\.0\.1:\d+ -> :53\) detected for zone "\.", see https:\/\/coredns\.io\/plugins\/loop#troubleshooting\. Query: "HINFO \d+\.\d+\."$/,
  )
})

it('goes on with the old Corefile when the new one is wrong, and takes a right one', () => {
  const { files, time, log, ask, exit } = serve('.:53 {\n  forward . 10.0.0.2\n  reload\n}\n')
  files.write('/etc/coredns/Corefile', '.:53 {\n  foward . 10.0.0.2\n}\n')
  time.advance(46_000)
  expect(log).toContain("[ERROR] Restart failed: /etc/coredns/Corefile:2 - Error during parsing: Unknown directive 'foward'")
  expect(ask('example.com.')?.rcode).toBe('NOERROR')
  files.write('/etc/coredns/Corefile', '.:53 {\n  hosts {\n    192.0.2.9 example.com\n    fallthrough\n  }\n  reload\n}\n')
  time.advance(46_000)
  expect(log.at(-1)).toBe('[INFO] Reloading complete')
  expect(ask('example.com.')?.answers).toMatchObject([{ data: '192.0.2.9' }])
  expect(exit()).toBeUndefined()
})

it('looks at its Corefile on a beat of its own, and holds no timer while the file stays', () => {
  const { files, time, log, timers } = serve('.:53 {\n  forward . 10.0.0.2\n  reload\n}\n')
  time.advance(100_000)
  expect(timers()).toEqual([])
  files.write('/etc/coredns/Corefile', '.:53 {\n  foward\n  reload\n}\n')
  const [first] = timers()
  // The beat began with the start: three of them have passed at most, and it lasts 22.5 to 37.5 s.
  expect(first).toBeGreaterThan(time.now())
  expect(first).toBeLessThanOrEqual(time.now() + 37_500)
  // A text that is refused is looked at again on each beat, as the real plugin does.
  time.advance(first! - time.now())
  const failures = () => log.filter((line) => line.startsWith('[ERROR] plugin/reload')).length
  expect(failures()).toBe(1)
  const [second] = timers()
  time.advance(second! - time.now())
  expect(failures()).toBe(2)
  expect(second! - first!).toBeGreaterThanOrEqual(22_500)
  expect(second! - first!).toBeLessThanOrEqual(37_500)
  // Written back before the next look: nothing happened, and nothing is waited for.
  files.write('/etc/coredns/Corefile', '.:53 {\n  forward . 10.0.0.2\n  reload\n}\n')
  time.advance(40_000)
  expect(failures()).toBe(2)
  expect(timers()).toEqual([])
})

it.each([
  [
    '.:53 {\n  forward\n}\n',
    "plugin/forward: /etc/coredns/Corefile:2 - Error during parsing: Wrong argument count or unexpected line ending after 'forward'",
  ],
  [
    '.:53 {\n  forward . nonsense\n}\n',
    'plugin/forward: /etc/coredns/Corefile:2 - Error during parsing: not an IP address or file: "nonsense"',
  ],
  ['.:53 {\n  dnssec\n}\n', 'plugin/dnssec: the simulated cluster does not model this CoreDNS plugin (/etc/coredns/Corefile:2)'],
])('ends on a Corefile that cannot be set up: %j', (corefile, line) => {
  const { log, exit } = serve(corefile)
  expect(log).toEqual([line])
  expect(exit()).toBe(1)
})

it('keeps serving for the lameduck time after SIGTERM', () => {
  const { daemon, log, time, clock, exit, namespaces } = serve('.:53 {\n  health {\n    lameduck 5s\n  }\n  forward . 10.0.0.2\n}\n')
  let health: number | undefined
  const look = () => {
    httpRequest(
      namespaces.other.sockets,
      { address: '10.0.0.1', port: 8080 },
      { target: '/health' },
      { response: ({ status }) => (health = status), error: () => (health = 0) },
    )
    clock.settle()
    time.advance(10)
  }
  daemon.signal('SIGTERM')
  look()
  expect(health).toBe(200)
  expect(log.slice(-2)).toEqual([
    '[INFO] SIGTERM: Shutting down servers then terminating',
    '[INFO] plugin/health: Going into lameduck mode for 5s',
  ])
  time.advance(5100)
  expect(exit()).toBe(0)
})
