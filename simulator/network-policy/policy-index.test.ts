import fc from 'fast-check'
import type { Pod } from 'kubernetes-types/core/v1'
import { expect, it } from 'vitest'
import type { KubeObject } from '../kubernetes.ts'
import { addresses, attempt, history, world } from './testing/random-world.ts'
import { permits } from './testing/specification.ts'

it('answers as the specification says, for 10,000 random policies, change by change', () => {
  let policiesSeen = 0
  let [allowed, denied] = [0, 0]
  fc.assert(
    fc.property(history, fc.array(attempt, { minLength: 24, maxLength: 24 }), ([spaces, pods, changes], attempts) => {
      const { index, apply, lists } = world()
      for (const one of [...spaces, ...pods]) apply(one)
      for (const step of changes) {
        apply(step)
        if (step.kind === 'policy' && step.policy) policiesSeen++
        for (const one of attempts) {
          const expected = permits(lists(), one)
          const { from: source, to: destination, port: wanted } = one
          const verdict = index.verdict({ source, destination, protocol: one.protocol as 'TCP', port: wanted })
          if (verdict.allowed !== expected) expect({ ...one, ...verdict }).toEqual({ ...one, allowed: expected })
          if (expected) allowed++
          else denied++
        }
      }
    }),
    { numRuns: 2200, seed: 1 },
  )
  expect(policiesSeen).toBeGreaterThanOrEqual(10_000)
  // Both answers must have been asked for often, or the comparison would mean little.
  expect(Math.min(allowed, denied)).toBeGreaterThan(50_000)
})

it('tells what changed, and nothing where nothing did', () => {
  const { index, apply } = world()
  apply({ kind: 'namespace', name: 'prod', labels: {} })
  apply({ kind: 'pod', at: 0, pod: { namespace: 'prod', labels: { app: 'a' }, ports: [], hostNetwork: false, phase: 'Running' } })
  apply({
    kind: 'policy',
    name: 'p',
    policy: {
      namespace: 'prod',
      spec: { podSelector: { matchLabels: { app: 'a' } }, policyTypes: ['Ingress'], ingress: [], egress: undefined },
    },
  })
  expect([...index.takeChanges().pods]).toEqual(['prod/pod-0'])
  index.setPod({
    ...index.takeChanges(),
    metadata: { namespace: 'prod', name: 'pod-0', labels: { app: 'a' } },
    spec: { containers: [], nodeName: 'node-0' },
    status: { phase: 'Running', podIP: addresses[0]! },
  } as Pod & KubeObject)
  expect(index.takeChanges()).toEqual({ pods: new Set(), policies: new Set(), selections: new Set() })
  apply({ kind: 'policy', name: 'p', policy: undefined })
  const changes = index.takeChanges()
  expect([[...changes.pods], [...changes.policies]]).toEqual([['prod/pod-0'], ['prod/p']])
  expect(index.verdict({ source: '192.0.2.9', destination: addresses[0]!, protocol: 'TCP', port: 80 })).toEqual({ allowed: true })
})
