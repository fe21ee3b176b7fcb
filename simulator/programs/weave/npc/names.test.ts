import { expect, it } from 'vitest'
import { selectorText, setName } from './names.ts'

it('names ipsets as people see them on every cluster with Weave Net', () => {
  expect(setName('ingress-default-allow:default')).toBe('weave-;rGqyMIl1HN^cfDki~Z$3]6!N')
  expect(setName('ingress-default-allow:kube-system')).toBe('weave-P.B|!ZhkAr5q=XZ?3}tMBA+0')
  expect(setName('ingress-default-allow:kube-public')).toBe('weave-Rzff}h:=]JaaJl/G;(XJpGjZ[')
})

it('prints selectors as apimachinery does', () => {
  expect(selectorText({})).toBe('')
  expect(
    selectorText({
      matchLabels: { tier: 'web' },
      matchExpressions: [
        { key: 'env', operator: 'In', values: ['b', 'a'] },
        { key: 'old', operator: 'DoesNotExist' },
        { key: 'zone', operator: 'NotIn', values: ['x'] },
        { key: 'app', operator: 'Exists' },
      ],
    }),
  ).toBe('app,env in (a,b),!old,tier=web,zone notin (x)')
})
