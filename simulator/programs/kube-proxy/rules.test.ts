import { expect, it } from 'vitest'
import { renderRule } from '../../network/netfilter/render.ts'
import type { Rule } from '../../network/netfilter/rule.ts'
import { portRules } from './rules.ts'
import { type ServiceObject, type SliceObject, servicePorts } from './service-ports.ts'

const service = (spec: Record<string, unknown>): ServiceObject =>
  ({ metadata: { namespace: 'shop', name: 'web' }, spec: { clusterIP: '10.96.7.7', ports: [{ port: 80 }], ...spec } }) as ServiceObject
const slice = (...endpoints: { ip: string; node: string; ready?: boolean; serving?: boolean; terminating?: boolean }[]): SliceObject =>
  ({
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.map(({ ip, node, ready = true, serving = ready, terminating = false }) => ({
      addresses: [ip],
      nodeName: node,
      conditions: { ready, serving, terminating },
    })),
  }) as unknown as SliceObject
const program = (spec: Record<string, unknown>, ...slices: SliceObject[]) => {
  const [port] = servicePorts(service(spec), slices, 'here')
  return portRules(port!, '10.244.0.0/16')
}
const lines = (rules: readonly Rule[]) => rules.map((rule) => renderRule('CHAIN', rule).replace('-A CHAIN ', ''))

it('balances over the ready endpoints, each with its share of what is left', () => {
  const rules = program(
    {},
    slice({ ip: '10.244.1.2', node: 'here' }, { ip: '10.244.2.2', node: 'there' }, { ip: '10.244.2.3', node: 'there', ready: false }),
  )
  const chain = Object.entries(rules.chains).find(([name]) => name.startsWith('KUBE-SVC-'))![1]
  expect(lines(chain)).toEqual([
    '! -s 10.244.0.0/16 -d 10.96.7.7/32 -p tcp -m comment --comment "shop/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ',
    expect.stringMatching(
      /^-m comment --comment "shop\/web -> 10\.244\.1\.2:8080" -m statistic --mode random --probability 0\.5\d* -j KUBE-SEP-/,
    ),
    expect.stringMatching(/^-m comment --comment "shop\/web -> 10\.244\.2\.2:8080" -j KUBE-SEP-/),
  ])
  const endpoint = Object.entries(rules.chains).find(
    ([name, found]) => name.startsWith('KUBE-SEP-') && lines(found)[0]?.includes('10.244.1.2'),
  )![1]
  expect(lines(endpoint)).toEqual([
    '-s 10.244.1.2/32 -m comment --comment "shop/web" -j KUBE-MARK-MASQ',
    '-p tcp -m comment --comment "shop/web" -m tcp -j DNAT --to-destination 10.244.1.2:8080',
  ])
  expect(rules.rejected).toEqual([])
})

it('rejects what has no endpoints, and says so', () => {
  const rules = program({}, slice())
  expect(lines(rules.rejected)).toEqual([
    '-d 10.96.7.7/32 -p tcp -m comment --comment "shop/web has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
  ])
  expect(rules.services).toEqual([])
})

it('drops what comes from outside where the policy is Local and nothing is here', () => {
  const rules = program(
    { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] },
    slice({ ip: '10.244.2.2', node: 'there' }),
  )
  expect(lines(rules.rejectedOutside)).toEqual([
    '-p tcp -m comment --comment "shop/web has no local endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j DROP',
  ])
  expect(lines(rules.nodePorts)).toEqual([expect.stringMatching(/--dport 30080 -j KUBE-EXT-/)])
})

it('goes on with endpoints that serve while they end, where no other is ready', () => {
  const ending = { ip: '10.244.1.2', node: 'here', ready: false, serving: true, terminating: true }
  expect(program({}, slice(ending)).services).toHaveLength(1)
  const [port] = servicePorts(service({}), [slice(ending, { ip: '10.244.2.2', node: 'there' })], 'here')
  expect(port?.endpoints).toEqual(['10.244.2.2:8080'])
})

it('keeps a client with its endpoint under session affinity', () => {
  const rules = program({ sessionAffinity: 'ClientIP' }, slice({ ip: '10.244.1.2', node: 'here' }))
  const chain = Object.entries(rules.chains).find(([name]) => name.startsWith('KUBE-SVC-'))![1]
  expect(lines(chain)[1]).toMatch(/-m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-\w+ .*-j KUBE-SEP-/)
})

it('leaves headless and ExternalName Services alone', () => {
  expect(servicePorts(service({ clusterIP: 'None' }), [], 'here')).toEqual([])
  expect(servicePorts(service({ type: 'ExternalName', clusterIP: undefined }), [], 'here')).toEqual([])
})
