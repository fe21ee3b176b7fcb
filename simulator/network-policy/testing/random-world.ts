import fc from 'fast-check'
import type { Namespace, Pod } from 'kubernetes-types/core/v1'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1'
import type { KubeObject } from '../../kubernetes.ts'
import { PolicyIndex } from '../policy-index.ts'

export const namespaceNames = ['prod', 'dev', 'tools']
const keys = ['app', 'tier', 'env']
const values = ['a', 'b', 'c']
export const addresses = Array.from({ length: 8 }, (_, index) => `10.244.${index % 3}.${index + 2}`)
export const outside = ['192.0.2.9', '10.1.2.3', '172.18.0.3']
export const ports = [80, 81, 90, 8080]

export const labels = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values), { maxKeys: 3 })
const expression = fc.oneof(
  fc.record({
    key: fc.constantFrom(...keys),
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({ key: fc.constantFrom(...keys), operator: fc.constantFrom('Exists', 'DoesNotExist') }),
)
const selector = fc.record(
  {
    matchLabels: fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values), { maxKeys: 2 }),
    matchExpressions: fc.array(expression, { maxLength: 2 }),
  },
  { requiredKeys: [] },
)
const block = fc
  .tuple(fc.constantFrom('10.0.0.0/8', '10.244.0.0/16', '10.244.1.0/24', '0.0.0.0/0', '192.0.2.0/24'), fc.boolean())
  .map(([cidr, holed]) => ({ cidr, ...(holed ? { except: [`${cidr.split('/')[0]!.replace(/0$/, '0')}/30`] } : {}) }))
const peer = fc.oneof(
  selector.map((podSelector) => ({ podSelector })),
  selector.map((namespaceSelector) => ({ namespaceSelector })),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
  block.map((ipBlock) => ({ ipBlock })),
)
export const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP')
const port = fc.oneof(
  fc.record({ protocol }, { requiredKeys: [] }),
  fc.record({ protocol, port: fc.constantFrom(...ports, 'web', 'dns') }, { requiredKeys: ['port'] }),
  fc.record({ protocol, port: fc.constantFrom(79, 80, 81), endPort: fc.constantFrom(81, 90, 9000) }, { requiredKeys: ['port', 'endPort'] }),
)
const policy = fc
  .record({
    namespace: fc.constantFrom(...namespaceNames),
    podSelector: selector,
    policyTypes: fc.constantFrom(undefined, ['Ingress'], ['Egress'], ['Ingress', 'Egress']),
    ingress: fc.option(
      fc.array(fc.record({ from: fc.array(peer, { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }) }, { requiredKeys: [] }), {
        maxLength: 2,
      }),
      { nil: undefined },
    ),
    egress: fc.option(
      fc.array(fc.record({ to: fc.array(peer, { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }) }, { requiredKeys: [] }), {
        maxLength: 2,
      }),
      { nil: undefined },
    ),
  })
  .map(({ namespace, ...spec }) => ({ namespace, spec }))
export const pod = fc.record({
  namespace: fc.constantFrom(...namespaceNames),
  labels,
  ports: fc.array(
    fc.record(
      { name: fc.constantFrom('web', 'dns'), containerPort: fc.constantFrom(...ports), protocol },
      { requiredKeys: ['name', 'containerPort'] },
    ),
    { maxLength: 2 },
  ),
  hostNetwork: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
  phase: fc.integer({ min: 0, max: 9 }).map((one) => (one === 0 ? 'Failed' : 'Running')),
})

export type Change =
  | { kind: 'pod'; at: number; pod: (typeof pod extends fc.Arbitrary<infer T> ? T : never) | undefined }
  | { kind: 'namespace'; name: string; labels: Record<string, string> }
  | { kind: 'policy'; name: string; policy: (typeof policy extends fc.Arbitrary<infer T> ? T : never) | undefined }
export const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('pod' as const),
    at: fc.nat({ max: addresses.length - 1 }),
    pod: fc.option(pod, { nil: undefined, freq: 6 }),
  }),
  fc.record({ kind: fc.constant('namespace' as const), name: fc.constantFrom(...namespaceNames), labels }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('policy' as const),
      name: fc.constantFrom('p', 'q', 'r'),
      policy: fc.option(policy, { nil: undefined, freq: 8 }),
    }),
  },
)

/** The index, and beside it the same objects as plain lists. The pods are on `node`, or spread over three. */
export function world(node?: string) {
  const index = new PolicyIndex()
  const pods = new Map<number, Pod & KubeObject>()
  const namespaces = new Map<string, Namespace & KubeObject>()
  const policies = new Map<string, NetworkPolicy & KubeObject>()
  const apply = (one: Change) => {
    if (one.kind === 'namespace') {
      const object = { metadata: { name: one.name, labels: one.labels } }
      namespaces.set(one.name, object)
      index.setNamespace(object)
    } else if (one.kind === 'pod') {
      const before = pods.get(one.at)
      pods.delete(one.at)
      if (before) index.setPod(before, true)
      if (!one.pod) return
      const { namespace, labels: own, ports: named, hostNetwork, phase } = one.pod
      const object = {
        metadata: { namespace, name: `pod-${one.at}`, labels: own },
        spec: { containers: [{ name: 'c', ports: named }], hostNetwork, nodeName: node ?? `node-${one.at % 3}` },
        status: { phase, podIP: addresses[one.at]! },
      } as Pod & KubeObject
      pods.set(one.at, object)
      index.setPod(object)
    } else {
      // A name may stand for policies of several namespaces over time, one at a time.
      const before = policies.get(one.name)
      policies.delete(one.name)
      if (before && before.metadata!.namespace !== one.policy?.namespace) index.setPolicy(before, true)
      if (!one.policy) return before && index.setPolicy(before, true)
      const object = { metadata: { namespace: one.policy.namespace, name: one.name }, spec: one.policy.spec } as NetworkPolicy & KubeObject
      policies.set(one.name, object)
      index.setPolicy(object)
    }
  }
  return {
    index,
    apply,
    lists: () => ({ pods: [...pods.values()], namespaces: [...namespaces.values()], policies: [...policies.values()] }),
  }
}

/** Namespaces and pods, then changes of all sorts. */
export const history = fc.tuple(
  fc.tuple(...namespaceNames.map((name) => labels.map((own): Change => ({ kind: 'namespace', name, labels: own })))),
  fc.tuple(...addresses.map((_, at) => pod.map((one): Change => ({ kind: 'pod', at, pod: one })))),
  fc.array(change, { minLength: 8, maxLength: 16 }),
)

/** A connection between any two, inside or outside. */
export const attempt = fc.record({
  from: fc.constantFrom(...addresses, ...outside),
  to: fc.constantFrom(...addresses, ...outside),
  protocol,
  port: fc.constantFrom(...ports, 79, 9001),
})
