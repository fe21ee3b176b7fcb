import { expect, it } from 'vitest'
import { corefile } from '../../bootstrap/coredns.ts'
import { CorefileError, parseCorefile } from './corefile.ts'
import { isDirective } from './directives.ts'

const parse = (text: string) => parseCorefile('/etc/coredns/Corefile', text, isDirective)

it('reads the Corefile of kubeadm', () => {
  const [block, ...others] = parse(corefile)
  expect(others).toEqual([])
  expect(block?.keys).toEqual(['.:53'])
  expect(block?.directives.map(({ name }) => name)).toEqual([
    'errors',
    'health',
    'ready',
    'kubernetes',
    'prometheus',
    'forward',
    'cache',
    'loop',
    'reload',
    'loadbalance',
  ])
  const kubernetes = block?.directives.find(({ name }) => name === 'kubernetes')
  expect(kubernetes?.args).toEqual(['cluster.local', 'in-addr.arpa', 'ip6.arpa'])
  expect(kubernetes?.block.map(({ name, args }) => [name, ...args])).toEqual([
    ['pods', 'insecure'],
    ['fallthrough', 'in-addr.arpa', 'ip6.arpa'],
    ['ttl', '30'],
  ])
})

it('reads several servers, several keys, comments, quotes and a file without braces', () => {
  expect(parse('a.org, b.org:5353 {\n  errors # why\n}\n\nc.org {\n  log\n}\n').map(({ keys }) => keys)).toEqual([
    ['a.org', 'b.org:5353'],
    ['c.org'],
  ])
  expect(parse('.:1053\nerrors\nlog\n')[0]?.directives.map(({ name }) => name)).toEqual(['errors', 'log'])
  expect(parse('. {\n  hosts "/a file" {\n    10.0.0.1 one two\n  }\n}\n')[0]?.directives[0]).toMatchObject({
    args: ['/a file'],
    block: [{ name: '10.0.0.1', args: ['one', 'two'] }],
  })
})

// The lines that CoreDNS logs before it ends; people search for them.
it.each([
  ['.:53 {\n  errors\n  kubernets cluster.local\n}\n', "/etc/coredns/Corefile:3 - Error during parsing: Unknown directive 'kubernets'"],
  ['.:53 {\n  errors\n', '/etc/coredns/Corefile:2 - Error during parsing: Unexpected EOF'],
  ['.:53 {\n  cache {\n  }\n', '/etc/coredns/Corefile:3 - Error during parsing: Unexpected EOF'],
  [
    '.:53{\n  errors\n}\n',
    "/etc/coredns/Corefile:1 - Error during parsing: Site addresses cannot end with a curly brace: '.:53{' - put a space between the token and the brace",
  ],
])('refuses %j as CoreDNS does', (text, message) => {
  expect(() => parse(text)).toThrow(new CorefileError(message))
})
