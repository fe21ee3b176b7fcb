import { describe, expect, test } from 'vitest'
import { serveHttp } from '../../network/http.ts'
import { chainsOf } from '../../network/netfilter/chains.ts'
import { stage } from '../testing/stage.ts'

describe('ip', () => {
  test('addresses, links, routes, neighbours', async () => {
    const { run, client, net } = stage()
    const [mac, peer] = [client.link('eth0')!.mac, client.link('eth0')!.peer!.index]
    const all = await run('ip addr')
    expect(all.out.split('\n')).toEqual([
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000',
      '    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00',
      '    inet 127.0.0.1/8 scope host lo',
      '       valid_lft forever preferred_lft forever',
      `2: eth0@if${peer}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000`,
      `    link/ether ${mac} brd ff:ff:ff:ff:ff:ff link-netns 0`,
      '    inet 10.244.0.5/24 brd 10.244.0.255 scope global eth0',
      '       valid_lft forever preferred_lft forever',
      '',
    ])
    expect((await run('ip -br a show eth0')).out).toBe(`eth0@if${peer}`.padEnd(17) + 'UP'.padEnd(15) + '10.244.0.5/24 \n')
    expect((await run('ip route')).out).toBe(
      'default via 10.244.0.1 dev eth0 \n10.244.0.0/24 dev eth0 proto kernel scope link src 10.244.0.5 \n',
    )
    expect((await run('ip r get 10.244.1.8')).out).toBe('10.244.1.8 via 10.244.0.1 dev eth0 src 10.244.0.5 uid 0 \n    cache \n')
    await run('ping -c 1 10.244.1.8')
    expect((await run('ip neigh')).out).toBe(`10.244.0.1 dev eth0 lladdr ${net.nodes[0].link('cni0')!.mac} REACHABLE \n`)
    expect((await run('ip rule')).out).toBe('0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n')
  })

  test("changes, and the kernel's refusals", async () => {
    const { run, client } = stage()
    expect(await run('ip addr add 192.0.2.1/32 dev eth0')).toMatchObject({ code: 0, out: '', err: '' })
    expect(await run('ip addr add 192.0.2.1/32 dev eth0')).toMatchObject({ code: 2, err: 'RTNETLINK answers: File exists\n' })
    expect(await run('ip addr add 192.0.2.1/32 dev eth9')).toMatchObject({ code: 1, err: 'Cannot find device "eth9"\n' })
    expect(await run('ip link show eth9')).toMatchObject({ code: 1, err: 'Device "eth9" does not exist.\n' })
    expect(await run('ip route add blackhole 10.9.0.0/16')).toMatchObject({ code: 0 })
    expect((await run('ip route')).out).toContain('blackhole 10.9.0.0/16 \n')
    expect(await run('ip route del default')).toMatchObject({ code: 0 })
    expect(await run('ip route get 10.244.1.8')).toMatchObject({ code: 2, err: 'RTNETLINK answers: Network is unreachable\n' })
    await run('ip link set eth0 down')
    expect(client.link('eth0')!.up).toBe(false)
    expect(await run('ip frob')).toMatchObject({ code: 1, err: 'Object "frob" is unknown, try "ip help".\n' })
  })
})

describe('iptables', () => {
  test('adds, lists, saves, deletes; and the rule acts', async () => {
    const { run, net } = stage()
    const from = net.nodes[1]
    expect((await run('ping -c 1 -W 1 10.244.1.8')).code).toBe(0)
    expect(await run('iptables -A FORWARD -d 10.244.1.8 -p icmp -j DROP', { from })).toMatchObject({ code: 0, err: '' })
    expect((await run('ping -c 1 -W 1 10.244.1.8')).code).toBe(1)
    expect((await run('iptables -L FORWARD -n --line-numbers', { from })).out).toBe(
      'Chain FORWARD (policy ACCEPT)\nnum  target     prot opt source               destination         \n1    DROP       icmp --  0.0.0.0/0            10.244.1.8           \n',
    )
    const saved = (await run('iptables-save -t filter', { from })).out
    expect(saved).toContain(
      '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -d 10.244.1.8/32 -p icmp -j DROP\nCOMMIT\n',
    )
    expect(await run('iptables -D FORWARD -d 10.244.1.8 -p icmp -j DROP', { from })).toMatchObject({ code: 0 })
    expect((await run('ping -c 1 -W 1 10.244.1.8')).code).toBe(0)
    await run('iptables -I FORWARD -p tcp --dport 80 -m comment --comment no-web -j REJECT --reject-with tcp-reset', { from })
    expect((await run('iptables -S FORWARD', { from })).out).toBe(
      '-P FORWARD ACCEPT\n-A FORWARD -p tcp -m tcp --dport 80 -m comment --comment no-web -j REJECT --reject-with tcp-reset\n',
    )
    expect(await run('nc -zv -w 1 10.244.1.8 80')).toMatchObject({
      code: 1,
      err: 'nc: connect to 10.244.1.8 port 80 (tcp) failed: Connection refused\n',
    })
    expect(await run('iptables -D FORWARD 5', { from })).toMatchObject({ code: 1, err: 'iptables: Index of deletion too big.\n' })
    expect(await run('iptables -L NOPE', { from })).toMatchObject({ code: 1, err: 'iptables: No chain/target/match by that name.\n' })
    expect((await run('iptables -t nope -L', { from })).code).toBe(3)
  })
})

test('nc in both dialects, and talking through it', async () => {
  const { run, server, net } = stage({ 'web.default.svc.cluster.local.': '10.244.1.8' })
  server.sockets.listenTcp({ port: 80 }, () => ({}))
  expect(await run('nc -zv web 80')).toMatchObject({ code: 0, err: 'Connection to web (10.244.1.8) 80 port [tcp/http] succeeded!\n' })
  expect(await run('nc -zv web 80', { dialect: 'busybox' })).toMatchObject({ code: 0, err: 'web (10.244.1.8:80) open\n' })
  expect(await run('nc -zv web 81', { dialect: 'busybox' })).toMatchObject({
    code: 1,
    err: 'nc: web (10.244.1.8:81): Connection refused\n',
  })
  expect(await run('nc nobody 81')).toMatchObject({
    code: 1,
    err: 'nc: getaddrinfo for host "nobody" port 81: Name or service not known\n',
  })
  expect(await run('nc -zuv 10.244.1.8 81')).toMatchObject({ code: 1 })
  const listening = run('nc -l -p 9000', { from: server })
  await net.time.pass(50, async () => {})
  expect(await run('nc 10.244.1.8 9000')).toMatchObject({ code: 0 })
  expect((await listening).code).toBe(0)
  net.nodes[1].netfilter.append('filter', 'FORWARD', { destination: '10.244.1.8', target: { target: 'DROP' } })
  expect(await run('nc -zv -w 2 10.244.1.8 80')).toMatchObject({
    code: 1,
    err: 'nc: connect to 10.244.1.8 port 80 (tcp) timed out: Operation now in progress\n',
  })
})

test('ss, netstat, route, conntrack, sysctl', async () => {
  const { run, server, net } = stage()
  serveHttp(server.socketsFor('nginx'), 80, (_, respond) => respond({ status: 200, body: 'x' }))
  expect((await run('ss -tlnp', { from: server })).out).toBe(
    'State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process          \nLISTEN 0      4096           0.0.0.0:80         0.0.0.0:* users:(("nginx"))\n',
  )
  expect((await run('netstat -tln', { from: server })).out).toContain(
    'tcp        0      0 0.0.0.0:80              0.0.0.0:*               LISTEN',
  )
  expect((await run('route -n')).out).toContain('0.0.0.0         10.244.0.1      0.0.0.0         UG    0      0        0 eth0\n')
  // The kernel tracks connections only where a rule wants to know them.
  await run('iptables -t nat -A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE', { from: net.nodes[1] })
  await run('curl -s -o /dev/null 10.244.1.8')
  const seen = await run('conntrack -L -p tcp', { from: net.nodes[1] })
  expect(seen.out).toMatch(
    /^tcp {6}6 \d+ TIME_WAIT src=10\.244\.0\.5 dst=10\.244\.1\.8 sport=\d+ dport=80 src=10\.244\.1\.8 dst=10\.244\.0\.5 sport=80 dport=\d+ \[ASSURED\] mark=0 use=1\n$/,
  )
  expect((await run('sysctl net.ipv4.ip_forward')).out).toBe('net.ipv4.ip_forward = 0\n')
  expect((await run('sysctl -w net.ipv4.ip_forward=1', { from: net.nodes[0] })).out).toBe('net.ipv4.ip_forward = 1\n')
  expect((await run('sysctl net.nope')).err).toBe('sysctl: cannot stat /proc/sys/net/nope: No such file or directory\n')
})

test('traceroute names every hop', async () => {
  const { run } = stage()
  const ran = await run('traceroute -n 10.244.1.8')
  expect(ran.out.replaceAll(/\d+\.\d+ ms/g, 'T ms')).toBe(
    'traceroute to 10.244.1.8 (10.244.1.8), 30 hops max, 60 byte packets\n 1  10.244.0.1  T ms T ms T ms\n 2  172.18.0.3  T ms T ms T ms\n 3  10.244.1.8  T ms T ms T ms\n',
  )
})

test('tcpdump shows packets as they pass', async () => {
  const { run, server, net } = stage()
  serveHttp(server.sockets, 80, (_, respond) => respond({ status: 200, body: 'x' }))
  const watching = run('tcpdump -n -i eth0 -c 3 tcp port 80', { from: server })
  await net.time.pass(10, async () => {
    for (let i = 0; i < 20; i++) await undefined
  })
  await run('curl -s -o /dev/null 10.244.1.8')
  const { out, err, code } = await watching
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines[0]).toMatch(
    /^22:13:2\d\.\d{6} IP 10\.244\.0\.5\.\d+ > 10\.244\.1\.8\.80: Flags \[S\], seq \d+, win \d+, options \[mss 1460\], length 0$/,
  )
  expect(lines[1]).toContain('Flags [S.], seq ')
  expect(err).toContain('listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n')
  expect(err).toContain('3 packets captured\n')
  expect(await run('tcpdump -i eth9')).toMatchObject({ code: 1, err: 'tcpdump: eth9: No such device exists\n(No such device exists)\n' })
})

test('nft and ipset show what agents made', async () => {
  const { run, client } = stage()
  const sets = { pods: { name: 'pods', type: 'hash:ip' as const, members: ['10.0.0.1'] } }
  const chains = chainsOf({ post: { hook: 'POSTROUTING', priority: 100, policy: 'ACCEPT', rules: [] } })
  client.netfilter.setTable('agent', { name: 'agent', type: 'filter', iptables: false, sets, chains })
  client.netfilter.append('filter', 'FORWARD', {
    matches: [{ match: 'set', set: 'blocked', flags: ['src'] }],
    target: { target: 'DROP' },
  })
  client.netfilter.setSet({ name: 'blocked', type: 'hash:net', members: ['192.0.2.0/24'] })
  expect((await run('nft list tables')).out).toBe('table ip filter\ntable inet agent\n')
  expect((await run('nft list table inet agent')).out).toContain('type filter hook postrouting priority srcnat; policy accept;')
  expect((await run('nft list ruleset')).out).toContain('# Warning: table ip filter is managed by iptables-nft, do not touch!')
  expect(await run('nft list table inet other')).toMatchObject({ code: 1, err: expect.stringContaining('No such file or directory') })
  expect(await run('nft add table x')).toMatchObject({ code: 1, err: expect.stringContaining('only lists') })
  expect((await run('ipset list -n')).out).toBe('blocked\n')
  expect((await run('ipset list blocked')).out).toContain('References: 1\nNumber of entries: 1\nMembers:\n192.0.2.0/24\n')
  expect((await run('ipset save')).out).toBe(
    'create blocked hash:net family inet hashsize 1024 maxelem 1048576\nadd blocked 192.0.2.0/24\n',
  )
  expect(await run('ipset list none')).toMatchObject({ code: 1, err: 'ipset v7.17: The set with the given name does not exist\n' })
})
