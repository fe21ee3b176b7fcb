import { describe, expect, test } from 'vitest'
import { createApi } from '../../simulator/apiserver/registry/api.ts'
import { createApiServer } from '../../simulator/apiserver/server.ts'
import { EventLoop, HeldTime } from '../../simulator/clock.ts'
import { Random } from '../../simulator/random.ts'
import { resources } from '../../simulator/resources/catalogue.ts'
import { Store } from '../../simulator/store/store.ts'
import { kubectl } from './kubectl.ts'
import { createTestApi } from './testing/api.ts'
import { testFiles } from './testing/cluster.ts'
import { start } from './testing/process.ts'

const admin = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }
const files = Object.fromEntries(Object.entries(testFiles).map(([name, text]) => [`/work/${name}`, text]))

/** The simulated cluster's own API server with its real resources, and nothing that acts on them. */
function simulated() {
  const clock = new EventLoop(new HeldTime(Date.parse('2026-01-02T03:10:05Z')), (error) => {
    throw error
  })
  const world = { store: new Store({ clock }), definitions: resources, clock, random: new Random(1), serviceCidr: '10.96.0.0/16' }
  createApi({ ...world, user: admin }).create('namespaces', { metadata: { name: 'default' } })
  const server = createApiServer({ ...world, nodes: { kubelet: () => undefined }, authenticate: () => admin })
  return async (words: string[]) => {
    const { files: _, ...outcome } = await start(kubectl, createTestApi(), words, {
      cwd: '/work',
      files,
      clock,
      fetch: (request) => server.fetch(request),
    }).done
    return outcome
  }
}

describe("against the simulated cluster's API server", () => {
  test('apply, look, change, delete', async () => {
    const run = simulated()
    expect(await run(['apply', '-f', 'web.yaml'])).toEqual({
      code: 0,
      stdout: 'deployment.apps/new created\nconfigmap/conf created\n',
      stderr: '',
    })
    expect(await run(['apply', '-f', 'web.yaml'])).toMatchObject({ stdout: 'deployment.apps/new unchanged\nconfigmap/conf unchanged\n' })
    expect(await run(['scale', 'deploy', 'new', '--replicas=3'])).toMatchObject({ stdout: 'deployment.apps/new scaled\n' })
    expect((await run(['get', 'deploy'])).stdout).toMatch(/^NAME {3}READY {3}UP-TO-DATE {3}AVAILABLE {3}AGE\nnew {4}0\/3 /)
    expect(await run(['delete', 'deploy', 'new'])).toMatchObject({
      code: 0,
      stdout: 'deployment.apps "new" deleted from default namespace\n',
    })
  })
  test("passes on the server's words about an invalid object", async () => {
    const run = simulated()
    await run(['create', 'service', 'nodeport', 'np', '--tcp=80'])
    expect(await run(['patch', 'svc', 'np', '-p', '{"spec":{"ports":[{"port":80,"nodePort":80}]}}'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'The Service "np" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767\n',
    })
  })
})
