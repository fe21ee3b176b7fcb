import { expect, it } from 'vitest'
import { chainName, groupChainName, ruleHashes, setName, uniqueId, vethName, vtepMac } from './names.ts'
import { policySelectorText, queryText } from './selector-text.ts'

it('hashes rules as real nodes show them', () => {
  expect(ruleHashes('FORWARD', ['-A FORWARD HASH --jump cali-FORWARD'])).toEqual(['wUHhoiAYhphO9Mso'])
  expect(
    ruleHashes('FORWARD*appends*', [
      '-A FORWARD*appends* HASH -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 --jump ACCEPT',
      '-A FORWARD*appends* HASH --jump MARK --set-mark 0x10000/0x10000',
    ]),
  ).toEqual(['S93hcgKJrXEqnTfs', 'mp77cMpurHhyjLrM'])
})

it('names interfaces, chains and sets as Calico does', () => {
  expect(vethName('namespace', 'podname')).toBe('cali82111e10a96')
  expect(uniqueId('s', 'all()')).toBe('s:5y5I3VdRZfDU01O--xXAPx2yxCQQqMf0M6IWug')
  expect(setName(uniqueId('s', 'all()'))).toBe('cali40s:5y5I3VdRZfDU01O--xXAPx2')
  expect(chainName('cali-pri-', 'kns.kube-system')).toBe('cali-pri-kns.kube-system')
  expect(chainName('cali-pi-', '/long-policy-name-that-gets-hashed')).toBe('cali-pi-_FJ9yUkNpzshVDh2n7mg')
  const group = groupChainName({ tier: 'default', selector: 'all()', direction: 'inbound', policies: ['a', 'b'] })
  expect(group).toMatch(/^cali-gi-[\w-]{20}$/)
  expect(groupChainName({ tier: 'default', selector: 'all()', direction: 'inbound', policies: ['b', 'a'] })).not.toBe(group)
  expect(vtepMac('node-1')).toMatch(/^66(:[0-9a-f]{2}){5}$/)
})

it('says selectors in their canonical form', () => {
  const web = { matchLabels: { b: '2', a: '1' }, matchExpressions: [{ key: 'c', operator: 'NotIn', values: ['y', 'x'] }] }
  expect(queryText({ namespaces: 'prod', pods: web })).toBe(
    '(projectcalico.org/namespace == "prod" && (projectcalico.org/orchestrator == "k8s" && a == "1" && b == "2" && c not in {"x", "y"}))',
  )
  expect(queryText({ namespaces: {}, pods: {} })).toBe('(has(projectcalico.org/namespace) && projectcalico.org/orchestrator == "k8s")')
  expect(queryText({ namespaces: { matchLabels: { team: 'red' } }, pods: {} })).toBe(
    '(pcns.team == "red" && projectcalico.org/orchestrator == "k8s")',
  )
  expect(policySelectorText('prod', { matchExpressions: [{ key: 'c', operator: 'DoesNotExist' }] })).toBe(
    "(projectcalico.org/orchestrator == 'k8s' && ! has(c)) && projectcalico.org/namespace == 'prod'",
  )
})
