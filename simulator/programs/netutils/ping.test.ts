import { describe, expect, test } from 'vitest'
import { stage } from '../testing/stage.ts'

const plain = (text: string) => text.replaceAll(/time=[\d.]+/g, 'time=T').replaceAll(/[\d.]+\/[\d.]+\/[\d.]+(\/[\d.]+)? ms/g, 'TIMES ms')

describe('ping of iputils', () => {
  test('a reply a second', async () => {
    const { run } = stage()
    const ran = await run('ping -c 3 10.244.1.8')
    expect(ran.code).toBe(0)
    expect(plain(ran.out)).toBe(
      [
        'PING 10.244.1.8 (10.244.1.8) 56(84) bytes of data.',
        '64 bytes from 10.244.1.8: icmp_seq=1 ttl=62 time=T ms',
        '64 bytes from 10.244.1.8: icmp_seq=2 ttl=62 time=T ms',
        '64 bytes from 10.244.1.8: icmp_seq=3 ttl=62 time=T ms',
        '',
        '--- 10.244.1.8 ping statistics ---',
        '3 packets transmitted, 3 received, 0% packet loss, time 2000ms',
        'rtt min/avg/max/mdev = TIMES ms',
        '',
      ].join('\n'),
    )
    expect(ran.took).toBeLessThan(2200)
  })

  test('Ctrl-C prints the statistics', async () => {
    const { run } = stage()
    const ran = await run('ping -q 10.244.1.8', { kill: [4500, 'SIGINT'] })
    expect(ran.code).toBe(0)
    expect(plain(ran.out)).toContain('\n5 packets transmitted, 5 received, 0% packet loss, time 4')
  })

  test('nobody there', async () => {
    const { run } = stage()
    const ran = await run('ping -c 1 -W 1 10.244.0.99')
    expect(ran.code).toBe(1)
    expect(ran.out).toContain('1 packets transmitted, 0 received, 100% packet loss, time 0ms\n')
    const silent = await run('ping -c 3 -W 1 10.244.0.97')
    expect(silent.out).toMatch(/time 2000ms\n/)
    const told = await run('ping -c 1 10.244.0.98')
    expect(told.out).toContain('From 10.244.0.5 icmp_seq=1 Destination Host Unreachable\n')
    expect(told.out).toContain('1 packets transmitted, 0 received, +1 errors, 100% packet loss')
  })

  test('too big, no name, no route', async () => {
    const { run, client } = stage()
    const big = await run('ping -c 1 -M do -s 1473 -W 1 10.244.1.8')
    expect(big.err).toBe('ping: local error: message too long, mtu=1500\n')
    expect(await run('ping -c 1 nobody')).toMatchObject({ code: 2, err: 'ping: nobody: Name or service not known\n' })
    client.routing.remove({ dst: '0.0.0.0/0' })
    expect(await run('ping -c 1 10.244.1.8')).toMatchObject({ code: 2, err: 'ping: connect: Network is unreachable\n' })
  })
})

test('ping of busybox', async () => {
  const { run } = stage()
  const ran = await run('ping -c 2 10.244.1.8', { dialect: 'busybox' })
  expect(ran.code).toBe(0)
  expect(plain(ran.out)).toBe(
    'PING 10.244.1.8 (10.244.1.8): 56 data bytes\n64 bytes from 10.244.1.8: seq=0 ttl=62 time=T ms\n64 bytes from 10.244.1.8: seq=1 ttl=62 time=T ms\n\n--- 10.244.1.8 ping statistics ---\n2 packets transmitted, 2 packets received, 0% packet loss\nround-trip min/avg/max = TIMES ms\n',
  )
  expect(await run('ping nobody', { dialect: 'busybox' })).toMatchObject({ code: 1, err: "ping: bad address 'nobody'\n" })
})
