import { expect, it } from 'vitest'
import { renderIptables } from '../../../simulator/network/netfilter/render.ts'
import { vethName } from '../../../simulator/programs/calico/names.ts'
import { ninePods, type Step } from './testing/nine-pods.ts'

type World = Awaited<ReturnType<typeof ninePods>>
const worker = ({ cluster }: World) => cluster.network.machine('test-worker')!.root
/** A chain as iptables-save shows it, without Felix's hashes. */
const chain = (world: World, name: string) =>
  renderIptables(worker(world), 'filter')
    .split('\n')
    .filter((line) => line.startsWith(`-A ${name} `))
    .map((line) => line.replace(`-A ${name} `, '').replace(/-m comment --comment "cali:[\w-]{16}" /, ''))
const agentLog = async (world: World) => {
  const pod = world.cluster.api
    .list<any>('pods', { labelSelector: 'k8s-app=calico-node' })
    .find(({ spec }) => spec.nodeName === 'test-worker')
  const url = `https://x/api/v1/namespaces/kube-system/pods/${pod.metadata.name}/log`
  return (await world.cluster.server.fetch(new Request(url, { headers: { authorization: 'Bearer p' } }))).text()
}

it("renders policies as Felix's chains, tier by tier", async () => {
  const world = await ninePods('calico')
  const step: Step = {
    policies: [{ podSelector: { matchLabels: { pod: 'a' } } }],
    calico: [
      { kind: 'Tier', name: 'security', spec: { order: 100 } },
      {
        kind: 'GlobalNetworkPolicy',
        name: 'security.quarantine',
        spec: {
          tier: 'security',
          selector: "pod == 'a'",
          types: ['Ingress'],
          ingress: [
            { action: 'Log', protocol: 'ICMP', icmp: { type: 8 } },
            {
              action: 'Deny',
              protocol: 'TCP',
              source: { nets: ['10.0.0.0/8', '192.168.0.0/16'], notNets: ['10.1.0.0/16'] },
              destination: { notPorts: [443] },
              metadata: { annotations: { why: 'bad nets' } },
            },
            { action: 'Pass' },
          ],
        },
      },
      {
        kind: 'NetworkPolicy',
        name: 'web',
        spec: { order: 10, selector: "pod == 'a'", types: ['Ingress'], ingress: [{ action: 'Allow', source: { selector: "pod == 'b'" } }] },
      },
    ],
  }
  world.apply(step)
  const veth = vethName('x', 'a')
  const lines = chain(world, `cali-tw-${veth}`)
  const jump = lines.find((line) => line.includes('-j cali-pi-') && !line.includes('default'))!
  const quarantine = jump.split(' ').at(-1)!
  expect(lines.slice(2)).toEqual([
    '-j MARK --set-xmark 0x0/0x30000',
    '-m comment --comment "Start of tier security" -j MARK --set-xmark 0x0/0x20000',
    `-m mark --mark 0x0/0x20000 -j ${quarantine}`,
    '-m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN',
    '-m comment --comment "End of tier security. Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP',
    '-m comment --comment "Start of tier default" -j MARK --set-xmark 0x0/0x20000',
    '-m mark --mark 0x0/0x20000 -j cali-pi-default/x/web',
    '-m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN',
    expect.stringMatching(/^-m mark --mark 0x0\/0x20000 -j cali-pi-_/),
    '-m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN',
    '-m comment --comment "End of tier default. Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP',
    '-j cali-pri-kns.x',
    '-m comment --comment "Return if profile accepted" -m mark --mark 0x10000/0x10000 -j RETURN',
    '-j cali-pri-ksa.x.default',
    '-m comment --comment "Return if profile accepted" -m mark --mark 0x10000/0x10000 -j RETURN',
    '-m comment --comment "Drop if no profiles matched" -j DROP',
  ])
  const why = '-m comment --comment "why=bad nets"'
  expect(chain(world, quarantine)).toEqual([
    '-p icmp -m comment --comment "Policy security.quarantine ingress" -m icmp --icmp-type 8 -j LOG --log-prefix "calico-packet: " --log-level 5',
    `${why} -j MARK --set-xmark 0x0/0x180000`,
    `-s 10.0.0.0/8 ${why} -j MARK --set-xmark 0x80000/0x80000`,
    `-s 192.168.0.0/16 ${why} -j MARK --set-xmark 0x80000/0x80000`,
    `! -s 10.1.0.0/16 -p tcp ${why} -m multiport ! --dports 443 -m mark --mark 0x80000/0x80000 -j MARK --set-xmark 0x40000/0x40000`,
    `${why} -m mark --mark 0x40000/0x40000 -j DROP`,
    '-j MARK --set-xmark 0x20000/0x20000',
  ])
  world.undo(step)
  expect(renderIptables(worker(world))).not.toMatch(/quarantine|x\/web|tier security/)
  expect(world.defects).toEqual([])
})

it('says in its log which policy it cannot read, and the API server which it does not model', async () => {
  const world = await ninePods('calico')
  world.apply({
    calico: [
      { kind: 'NetworkPolicy', name: 'typo', spec: { selector: "pod = 'a'" } },
      {
        kind: 'GlobalNetworkPolicy',
        name: 'ports',
        spec: { selector: "pod == 'a'", ingress: [{ action: 'Allow', destination: { ports: [80] } }] },
      },
    ],
  })
  const log = await agentLog(world)
  expect(log).toMatch(
    /\[WARNING\]\[56\] felix\/validation_filter\.go 82: Validation failed; treating as missing error=error with field Selector = 'pod = 'a'' \(invalid selector: expected ==\) key=Policy\(tier=default, name=x\/typo\)/,
  )
  expect(log).toContain(
    'error=error with field DstPorts (rules that specify ports must set protocol to TCP or UDP or SCTP) key=Policy(tier=default, name=ports)',
  )
  const create = (kind: string, spec: object) => world.apply({ calico: [{ kind, name: 'a', spec }] })
  expect(() => create('GlobalNetworkPolicy', { preDNAT: true, applyOnForward: true })).toThrow(
    'GlobalNetworkPolicy.crd.projectcalico.org "a" is invalid: spec.preDNAT: Invalid value: "boolean": the simulated Calico does not model it',
  )
  expect(() => create('NetworkPolicy', { ingress: [{ action: 'Allow', http: { methods: ['GET'] } }] })).toThrow(
    'spec.ingress[0].http: Invalid value: "object": the simulated Calico does not model it',
  )
  expect(() => create('HostEndpoint', { node: 'test-worker' })).toThrow('the simulated Calico does not model host endpoints')
  expect(() => create('Tier', { defaultAction: 'Allow' })).toThrow(
    'spec.defaultAction: Unsupported value: "Allow": supported values: "Pass", "Deny"',
  )
  expect(() => create('NetworkPolicy', { ingress: [{}] })).toThrow('spec.ingress[0].action: Required value')
  expect(world.defects).toEqual([])
})

it('follows labels, network sets and tiers as they change', async () => {
  const world = await ninePods('calico')
  const { api, clock } = world.cluster
  const group = 'crd.projectcalico.org'
  world.apply({
    calico: [
      { kind: 'GlobalNetworkSet', name: 'friends', labels: { role: 'friend' }, spec: { nets: ['{y/b}/32'] } },
      {
        kind: 'NetworkPolicy',
        name: 'a',
        spec: {
          selector: "pod == 'a'",
          types: ['Ingress'],
          ingress: [
            { action: 'Allow', source: { selector: "role == 'friend'", namespaceSelector: 'global()' } },
            { action: 'Allow', source: { selector: "role == 'friend'" } },
            { action: 'Allow', source: { serviceAccounts: { selector: "team == 'red'" } } },
          ],
        },
      },
    ],
  })
  const inA = () =>
    [...world.open(80, 'TCP')].filter((pair) => pair.endsWith('> x/a') && !pair.startsWith('x/a')).map((pair) => pair.slice(0, 3))
  expect(inA()).toEqual(['y/b'])
  api.patch(
    `globalnetworksets.${group}`,
    undefined,
    'friends',
    { spec: { nets: [`${world.address('y/c')}/32`, '10.99.0.0/16'] } },
    { type: 'merge' },
  )
  clock.settle()
  expect(inA()).toEqual(['y/c'])
  api.patch('pods', 'x', 'b', { metadata: { labels: { role: 'friend' } } }, { type: 'merge' })
  clock.settle()
  expect(inA()).toEqual(['x/b', 'y/c'])
  api.patch('serviceaccounts', 'x', 'default', { metadata: { labels: { team: 'red' } } }, { type: 'merge' })
  clock.settle()
  expect(inA()).toEqual(['x/b', 'x/c', 'y/c'])
  api.delete(`globalnetworksets.${group}`, undefined, 'friends')
  clock.settle()
  expect(inA()).toEqual(['x/b', 'x/c'])
  api.create(`globalnetworkpolicies.${group}`, {
    apiVersion: `${group}/v1`,
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'late.shut' },
    spec: { selector: "pod == 'a'", types: ['Ingress'] },
  })
  clock.settle()
  expect(inA()).toEqual(['x/b', 'x/c'])
  api.create(`tiers.${group}`, { apiVersion: `${group}/v1`, kind: 'Tier', metadata: { name: 'late' }, spec: { order: 5 } })
  clock.settle()
  expect(inA()).toEqual([])
  expect(world.defects).toEqual([])
})
