import { expect, it } from 'vitest'
import { endpointChain, serviceChains, servicePortName } from './chain-names.ts'

// Names that every kubeadm cluster shows in `iptables-save`: they follow from the names alone.
it.each([
  ['default', 'kubernetes', 'https', 'TCP', 'KUBE-SVC-NPX46M4PTMTKRN6Y'],
  ['kube-system', 'kube-dns', 'dns', 'UDP', 'KUBE-SVC-TCOU7JCQXEZGVUNU'],
  ['kube-system', 'kube-dns', 'dns-tcp', 'TCP', 'KUBE-SVC-ERIFXISQEP7F7OF4'],
  ['kube-system', 'kube-dns', 'metrics', 'TCP', 'KUBE-SVC-JD5MR3NA4I4DYORP'],
])('gives %s/%s:%s (%s) its real chain', (namespace, service, port, protocol, chain) => {
  expect(serviceChains(servicePortName(namespace, service, port), protocol).cluster).toBe(chain)
})

it('tells endpoints of one port apart', () => {
  const one = endpointChain('default/web', 'TCP', '10.244.1.2:80')
  expect(one).toMatch(/^KUBE-SEP-[A-Z2-7]{16}$/)
  expect(endpointChain('default/web', 'TCP', '10.244.1.3:80')).not.toBe(one)
})
