import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kubectlSession, type Outcome } from '../kubectl/session.ts'
import { kubectlVersions, realHelm } from '../real-kubectl.ts'

const chart = fileURLToPath(new URL('shop', import.meta.url))

describe.each(kubectlVersions)('the helm that comes with kubectl %s', (version) => {
  let session: Awaited<ReturnType<typeof kubectlSession>>
  let major: '3' | '4'
  const kubectl = (line: string, input?: string) => session.kubectl(line, input === undefined ? {} : { input })

  function helm(line: string): Promise<Outcome> {
    const home = session.folder
    const env = { HELM_CACHE_HOME: join(home, 'cache'), HELM_CONFIG_HOME: join(home, 'config'), HELM_DATA_HOME: join(home, 'data') }
    return session.run(realHelm(version), line, { env })
  }

  /** Runs it and expects success; what went wrong stands in the failure. */
  async function done(line: string): Promise<string> {
    const outcome = await helm(line)
    expect(outcome.code, `helm ${line}\n${outcome.out}${outcome.err}`).toBe(0)
    return outcome.out
  }

  beforeAll(async () => {
    session = await kubectlSession(version)
    major = (await helm('version --short')).out.startsWith('v3') ? '3' : '4'
  })
  afterAll(async () => {
    expect(session.defects).toEqual([])
    await session.close()
  })

  it('installs, with its hook first, and waits until the pods are ready', async () => {
    const out = await done(`install web ${chart} --wait --timeout 60s`)
    expect(out).toMatch(/NAME: web[\s\S]*STATUS: deployed\nREVISION: 1[\s\S]*web says hello\./)
    expect((await kubectl('get deploy web')).out).toMatch(/web +2\/2 +2 +2/)
    expect((await kubectl('get job web-prepare')).out).toMatch(/web-prepare +Complete +1\/1/)
    expect((await kubectl('logs job/web-prepare')).out).toBe('prepared web\n')
    const kinds = (await kubectl('get sa,cm,svc,ing,netpol,pdb,hpa -l app.kubernetes.io/instance=web -o name')).out
    expect(kinds.match(/\n/g)).toHaveLength(7)
    const secret = await kubectl('get secret -l owner=helm -o jsonpath={.items[*].type}')
    expect(secret.out).toBe('helm.sh/release.v1')
  })

  it('refuses a name that is in use', async () => {
    const outcome = await helm(`install web ${chart}`)
    expect(outcome.code).toBe(1)
    expect(outcome.err).toMatch(/cannot re-use a name that is still in use|cannot reuse a name that is still in use/)
  })

  it('lists, shows its status, and gets what it wrote', async () => {
    expect(await done('list')).toMatch(/NAME\s+NAMESPACE\s+REVISION[\s\S]*web\s+default\s+1\s.*deployed\s+shop-0\.3\.0\s+1\.27/)
    expect(await done('status web')).toMatch(/STATUS: deployed/)
    expect(await done('get manifest web')).toMatch(/kind: PodDisruptionBudget/)
    expect(await done('get values web --all')).toMatch(/greeting: hello/)
    expect(await done('get hooks web')).toMatch(/helm\.sh\/hook: pre-install/)
    expect(await done('get notes web')).toMatch(/web says hello\./)
  })

  it('tests the release with a pod that reaches the Service by its name', async () => {
    expect(await done('test web --timeout 60s')).toMatch(/TEST SUITE: +web-reach[\s\S]*Phase: +Succeeded/)
    expect((await kubectl('logs web-reach')).out.trim()).toBe('hello')
  })

  it('upgrades: objects change, come and go', async () => {
    expect(await done(`upgrade web ${chart} --set greeting=goodbye,replicas=3,ingress=false --wait --timeout 60s`)).toMatch(/REVISION: 2/)
    expect((await kubectl('get deploy web')).out).toMatch(/web +3\/3 +3 +3/)
    expect((await kubectl('get cm web-page -o jsonpath={.data}')).out).toBe('{"index.html":"goodbye"}')
    expect((await kubectl('get ingress web')).err).toMatch(/NotFound/)
  })

  it('rolls a failing upgrade back by itself', async () => {
    const flag = major === '3' ? '--atomic' : '--rollback-on-failure'
    const outcome = await helm(`upgrade web ${chart} --set image=registry.invalid/none:1 ${flag} --timeout 5s`)
    expect(outcome.code, outcome.out).toBe(1)
    expect(outcome.err).toMatch(/release web failed, and has been rolled back due to/)
    expect((await kubectl('get deploy web -o jsonpath={.spec.template.spec.containers[0].image}')).out).toBe('nginx:1.27-alpine')
    const history = await done('history web')
    expect(history).toMatch(/2\s.*superseded[\s\S]*3\s.*failed[\s\S]*4\s.*deployed.*Rollback to 2/)
  })

  it('rolls back to what was', async () => {
    expect(await done('rollback web 1 --wait --timeout 60s')).toMatch(/Rollback was a success/)
    expect((await kubectl('get cm web-page -o jsonpath={.data}')).out).toBe('{"index.html":"hello"}')
    expect((await kubectl('get ingress web -o name')).out).toBe('ingress.networking.k8s.io/web\n')
    expect(await done('history web --max 1')).toMatch(/5\s.*deployed.*Rollback to 1/)
  })

  it('keeps a hand-made change away from a dry run, and says what a broken value breaks', async () => {
    expect(await done(`upgrade web ${chart} --dry-run=server`)).toMatch(/STATUS: pending-upgrade/)
    const outcome = await helm(`upgrade web ${chart} --set replicas=-1`)
    expect(outcome.code).toBe(1)
    expect(outcome.err).toMatch(/spec\.replicas: Invalid value: -1: must be greater than or equal to 0/)
  })

  it('uninstalls and waits until all is gone', async () => {
    expect(await done('uninstall web --wait --timeout 60s')).toMatch(/release "web" uninstalled/)
    expect((await kubectl('get deploy,svc,ing,netpol,pdb,hpa,cm -l app.kubernetes.io/instance=web -o name')).out).toBe('')
    expect(await done('list -q')).toBe('')
  })

  it('renders what kubectl applies', async () => {
    const manifest = await done(`template plain ${chart} --no-hooks --set replicas=1`)
    const applied = await kubectl('apply -f -', manifest)
    expect(applied.out, applied.err).toMatch(/deployment\.apps\/plain created/)
    expect((await kubectl('rollout status deployment/plain --timeout=30s')).out).toMatch(/successfully rolled out/)
    expect((await kubectl('delete -f - --wait=false', manifest)).code).toBe(0)
  })
})
