import fc from 'fast-check'
import type { PolicyRule } from 'kubernetes-types/rbac/v1'
import { expect, test } from 'vitest'
import { ruleAllows, uncovered } from './rules.ts'

const few = (...values: string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 })
const resourceRule: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: few('get', 'list', '*'),
  apiGroups: few('', 'apps', '*'),
  resources: few('pods', 'pods/log', '*/scale', 'pods/scale', '*'),
  resourceNames: fc.option(few('a', 'b'), { nil: undefined }) as fc.Arbitrary<string[]>,
})
const request = fc.record({
  verb: fc.constantFrom('get', 'list', 'watch'),
  group: fc.constantFrom('', 'apps', 'batch'),
  resource: fc.constantFrom('pods', 'nodes'),
  subresource: fc.constantFrom('', 'log', 'scale'),
  name: fc.constantFrom('', 'a', 'b', 'c'),
})

test('what is covered allows nothing more', () => {
  fc.assert(
    fc.property(fc.array(resourceRule, { maxLength: 3 }), resourceRule, request, (held, wanted, attributes) => {
      fc.pre(uncovered(held, [wanted]).length === 0 && ruleAllows(wanted, attributes))
      expect(held.some((rule) => ruleAllows(rule, attributes))).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('everybody covers what they hold', () => {
  fc.assert(fc.property(fc.array(resourceRule, { maxLength: 4 }), (rules) => uncovered(rules, rules).length === 0))
})
