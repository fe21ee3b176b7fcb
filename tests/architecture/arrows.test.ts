import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser'
import { beforeAll, expect, it } from 'vitest'

/** Fewer modules than this means that the cruiser did not see the sources, and every rule would pass on nothing. */
const fewestModules = 600

const rooms = ['client', 'server', 'simulator', 'userland', 'protocol', 'labs', 'scripts']
const outsideOf = (...inside: string[]) => `^(${rooms.filter((room) => !inside.includes(room)).join('|')})/`
/** Tests and what serves only them. */
const tests = '\\.test\\.tsx?$|/testing/|/testing\\.ts$|\\.test-support\\.ts$'

const arrows = [
  { name: 'simulator-stands-alone', from: { path: '^simulator/', pathNot: tests }, to: { path: outsideOf('simulator') } },
  { name: 'simulator-is-isomorphic', from: { path: '^(simulator|userland)/', pathNot: tests }, to: { dependencyTypes: ['core'] } },
  {
    name: 'userland-meets-the-simulator-behind-an-interface',
    from: { path: '^userland/', pathNot: tests },
    to: {
      path: '^simulator/',
      pathNot:
        '^simulator/(streams|terminal|files|clock|random|kubernetes|go-pattern)\\.ts$|^simulator/programs/process\\.ts$|^simulator/spdy/|^simulator/network/(sockets|http-message|http-parser)\\.ts$|^simulator/apiserver/api\\.ts$',
    },
  },
  { name: 'userland-knows-no-platform', from: { path: '^userland/', pathNot: tests }, to: { path: outsideOf('userland', 'simulator') } },
  {
    name: 'only-its-engine-knows-the-simulator',
    from: { path: '^server/', pathNot: `^server/engines/simulated/|${tests}` },
    to: { path: '^(simulator|userland)/' },
  },
  {
    name: 'only-the-composition-knows-an-engine',
    from: { path: '^server/', pathNot: `^server/(app|engines)/|${tests}` },
    to: { path: '^server/engines/[^/]+/' },
  },
  {
    name: 'grading-sessions-and-terminals-see-the-contract',
    from: { path: '^server/(grading|sessions|terminals)/', pathNot: tests },
    to: { path: '^server/engines/', pathNot: '^server/engines/engine\\.ts$' },
  },
  { name: 'client-meets-server-in-protocol', from: { path: '^client/' }, to: { path: outsideOf('client', 'protocol') } },
  { name: 'server-meets-client-in-protocol', from: { path: '^server/', pathNot: tests }, to: { path: '^client/' } },
  { name: 'protocol-knows-nobody', from: { path: '^protocol/', pathNot: tests }, to: { path: outsideOf('protocol') } },
  { name: 'no-code-in-labs', from: {}, to: { path: '^labs/.*\\.tsx?$' } },
  // Within a folder, two files of an interpreter may call each other; between folders nothing may.
  {
    name: 'no-cycles-between-folders',
    from: { path: '^([^/]+/[^/]+)/', pathNot: tests },
    to: { circular: true, via: { pathNot: '^$1/', dependencyTypesNot: ['type-only'] } },
  },
]
const forbidden = arrows.map((rule) => ({ ...rule, severity: 'error' as const })) as IForbiddenRuleType[]

let result: ICruiseResult

beforeAll(async () => {
  const cruised = await cruise(
    rooms.filter((room) => room !== 'labs'),
    {
      ruleSet: { forbidden },
      validate: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: 'node_modules|^dist/' },
      tsPreCompilationDeps: true,
      enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.js', '.css', '.json'] },
    },
  )
  result = cruised.output as ICruiseResult
}, 120_000)

it('sees the whole house', () => {
  const own = result.modules.filter(({ source }) => rooms.some((room) => source.startsWith(`${room}/`)))
  expect(own.length).toBeGreaterThan(fewestModules)
})

it('keeps the arrows of docs/architecture.md', () => {
  const violations = result.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)
  expect(violations).toEqual([])
})
