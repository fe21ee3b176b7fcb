import { setTimeout as sleep } from 'node:timers/promises'
import { CoreV1Api, KubernetesObjectApi } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Cluster, ClusterEngine, ClusterSpec, ProvisioningStep } from './engine.ts'

export interface ContractOptions {
  readonly spec?: ClusterSpec
  /** ms that a cluster may take to be created. */
  readonly patience?: number
  /** A script that writes a ConfigMap `made` in `default` with `data.by` = `script`, by the means that the engine's workstation has. */
  readonly script?: string
  /** What is typed to make the terminal say its size as `24 80` (`stty size`), or as it likes with `size`. */
  readonly size?: { readonly command: string; readonly says: (columns: number, rows: number) => string }
  /** Tests that this engine cannot pass, by name, with the reason. */
  readonly skips?: Readonly<Record<string, string>>
}

const decoder = new TextDecoder()
const silent = new AbortController().signal

/**
 * What every engine must do, for `make`, which makes an engine over the same storage each time it is called, as a restart of the
 * server does.
 */
export function describeEngine(name: string, make: () => ClusterEngine | Promise<ClusterEngine>, options: ContractOptions = {}): void {
  const spec: ClusterSpec = options.spec ?? { nodes: 2, cni: 'kindnet', kubernetes: '1.34', seed: 1 }
  const patience = options.patience ?? 10_000
  const size = options.size ?? { command: 'stty size', says: (columns, rows) => `${rows} ${columns}` }
  const script = options.script ?? 'kubectl create configmap made --namespace default --from-literal=by=script'

  function test(title: string, run: () => Promise<void>, timeout = patience): void {
    const reason = options.skips?.[title]
    it.skipIf(reason !== undefined)(reason === undefined ? title : `${title} (skipped: ${reason})`, run, timeout)
  }

  describe(`the engine contract: ${name}`, () => {
    let engine: ClusterEngine
    let cluster: Cluster
    const steps: ProvisioningStep[] = []

    beforeAll(async () => {
      engine = await make()
      cluster = await engine.create('contract-1', spec, (step) => steps.push(step), silent)
    }, patience)
    afterAll(async () => {
      await cluster.destroy()
      await engine.close()
    }, patience)

    test('is available and supports the cluster that it makes', async () => {
      expect(await engine.availability()).toEqual({ available: true })
      expect(engine.supports(spec)).toEqual({ supported: true })
      const refused = engine.supports({ ...spec, nodes: 1000 })
      expect(refused).toMatchObject({ supported: false, code: expect.any(String), message: expect.any(String), mend: expect.any(String) })
    })

    test('reports the steps of a create with their times, each to its end', async () => {
      expect(steps.length).toBeGreaterThan(0)
      const last = new Map(steps.map((step) => [step.name, step.state]))
      expect([...new Set(last.values())]).toEqual(['done'])
      for (const step of steps) expect(step.elapsed).toBeGreaterThanOrEqual(0)
    })

    test('gives a kubeconfig that client-node can use, with the nodes asked for', async () => {
      const api = (await cluster.kubeconfig('platform')).makeApiClient(CoreV1Api)
      const { items } = await api.listNode()
      expect(items).toHaveLength(spec.nodes)
      for (const node of items) expect(node.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True')).toBe(true)
    })

    test('gives the learner a kubeconfig as text that works', async () => {
      const text = await cluster.kubeconfigText('learner')
      const config = await cluster.kubeconfig('learner')
      expect(text).toContain(config.getCurrentCluster()?.server ?? 'a server')
      const api = KubernetesObjectApi.makeApiClient(config)
      const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'learner', namespace: 'default' }, data: { by: 'learner' } }
      await api.create(made)
      expect(await api.read(made)).toMatchObject({ data: { by: 'learner' } })
      await api.delete(made)
    })

    test('runs a script with the cluster at hand, and returns its exit code and output', async () => {
      expect(await cluster.runScript(script, {})).toMatchObject({ exitCode: 0 })
      const api = (await cluster.kubeconfig('platform')).makeApiClient(CoreV1Api)
      expect((await api.readNamespacedConfigMap({ name: 'made', namespace: 'default' })).data).toEqual({ by: 'script' })
      expect(await cluster.runScript('echo hello', {})).toEqual({ exitCode: 0, output: 'hello\n' })
    })

    test('lays the files of a script beside it', async () => {
      expect(await cluster.runScript('cat note.txt', { 'note.txt': 'noted\n' })).toEqual({ exitCode: 0, output: 'noted\n' })
    })

    test('returns the exit code of a script that fails', async () => {
      const { exitCode } = await cluster.runScript('exit 3', {})
      expect(exitCode).toBe(3)
    })

    test('probes: an open port answers, a closed one refuses, a name that is none is not resolved', async () => {
      const nodes = await (await cluster.kubeconfig('platform')).makeApiClient(CoreV1Api).listNode()
      const address = nodes.items[0]?.status?.addresses?.find((each) => each.type === 'InternalIP')?.address ?? ''
      const node = { node: nodes.items[1]?.metadata?.name ?? '' }
      expect(await cluster.probe(node, { kind: 'tcp', host: address, port: 10_250, timeoutMs: 2000 })).toMatchObject({
        outcome: 'answered',
      })
      expect(await cluster.probe(node, { kind: 'tcp', host: address, port: 9, timeoutMs: 2000 })).toMatchObject({ outcome: 'refused' })
      const unresolved = await cluster.probe(node, { kind: 'http', url: 'http://no-such-name.invalid/', timeoutMs: 2000 })
      expect(unresolved.outcome).toBe('unresolved')
    })

    test('a probe from a pod that does not exist is unknown, not failed', async () => {
      const result = await cluster.probe(
        { pod: { namespace: 'default', name: 'nobody' } },
        { kind: 'tcp', host: '10.0.0.1', port: 80, timeoutMs: 500 },
      )
      expect(result.outcome).toBe('unknown')
      expect(result.error).toBeTruthy()
    })

    test('opens a terminal that echoes, is resized and exits with the code of its shell', async () => {
      let text = ''
      const terminal = await cluster.openTerminal({ columns: 80, rows: 24 }, async (bytes) => {
        text += decoder.decode(bytes, { stream: true })
      })
      const type = (line: string) => terminal.input(new TextEncoder().encode(`${line}\r`))
      await vi.waitFor(() => expect(text).toMatch(/[$#] /), { timeout: patience })
      type(size.command)
      await vi.waitFor(() => expect(text).toContain(size.says(80, 24)))
      expect(text).toContain(size.command)
      terminal.resize(100, 30)
      type(size.command)
      await vi.waitFor(() => expect(text).toContain(size.says(100, 30)))
      type('exit 3')
      expect(await terminal.exit).toBe(3)
    })

    test('stops reading a terminal while its output is not taken', async () => {
      let bytes = 0
      let release: () => void = () => {}
      const held = new Promise<void>((resolve) => (release = resolve))
      const terminal = await cluster.openTerminal({ columns: 80, rows: 24 }, async (chunk) => {
        bytes += chunk.length
        if (bytes > 1000) await held
      })
      terminal.input(new TextEncoder().encode('yes 0123456789012345678901234567890123456789\r'))
      await vi.waitFor(() => expect(bytes).toBeGreaterThan(1000))
      await sleep(200)
      expect(bytes).toBeLessThan(1_000_000)
      terminal.close()
      release()
      await terminal.exit
    })

    test('takes a cluster up again after a restart, with what was in it', async () => {
      const first = await make()
      const before = await first.create('contract-2', spec, () => {}, silent)
      const api = (await before.kubeconfig('platform')).makeApiClient(CoreV1Api)
      await api.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'kept' }, data: { a: 'b' } } })
      await first.close()
      const second = await make()
      const after = await second.reattach('contract-2')
      if (after === undefined) throw new Error('the cluster is gone')
      expect(after.spec).toEqual(spec)
      const again = (await after.kubeconfig('platform')).makeApiClient(CoreV1Api)
      expect((await again.readNamespacedConfigMap({ name: 'kept', namespace: 'default' })).data).toEqual({ a: 'b' })
      expect(await second.reattach('contract-never')).toBeUndefined()
      await after.destroy()
      expect(await second.reattach('contract-2')).toBeUndefined()
      await second.close()
    })

    test('sweeps what nobody knows, and nothing else', async () => {
      const first = await make()
      await first.create('contract-3', spec, () => {}, silent)
      await first.create('contract-4', spec, () => {}, silent)
      await first.close()
      const second = await make()
      const swept = await second.sweep(['contract-1', 'contract-3'])
      expect(swept).toContain('contract-4')
      expect(swept).not.toContain('contract-3')
      expect(await second.reattach('contract-4')).toBeUndefined()
      await (await second.reattach('contract-3'))?.destroy()
      await second.close()
    })

    test('gives up a create that is aborted, and leaves nothing of it', async () => {
      const aborted = new AbortController()
      const creating = engine.create('contract-5', spec, () => {}, aborted.signal)
      aborted.abort(new Error('not wanted any more'))
      await expect(creating).rejects.toThrow()
      expect(await engine.reattach('contract-5')).toBeUndefined()
    })

    test('traces a connection, where it offers that, and refuses what makes no sense', async () => {
      if (cluster.trace === undefined) return
      const api = (await cluster.kubeconfig('platform')).makeApiClient(CoreV1Api)
      const node = (await api.listNode()).items[1]?.metadata?.name ?? ''
      const seen = await cluster.trace({ from: { kind: 'workstation' }, to: { kind: 'node', name: node, port: 10_250 } })
      expect(seen).toMatchObject({ version: 1, client: { outcome: 'answered', exitCode: 0 } })
      expect(seen.attempts[0]?.legs.map(({ what }) => what).slice(0, 2)).toEqual(['SYN', 'SYN-ACK'])
      expect(JSON.parse(JSON.stringify(seen))).toEqual(seen)
      await expect(cluster.trace({ from: { kind: 'node', name: 'nobody' }, to: { kind: 'node', name: node } })).rejects.toMatchObject({
        code: 'not-found',
        message: expect.stringContaining(node),
      })
    })

    test('returns to a checkpoint, where it offers them', async () => {
      if (cluster.checkpoints === undefined) return
      const api = (await cluster.kubeconfig('platform')).makeApiClient(CoreV1Api)
      await cluster.checkpoints.save('before')
      await api.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name: 'later' } } })
      await cluster.checkpoints.restore('before')
      const fresh = (await cluster.kubeconfig('platform')).makeApiClient(CoreV1Api)
      const { items } = await fresh.listNamespacedConfigMap({ namespace: 'default' })
      expect(items.map((item) => item.metadata?.name)).not.toContain('later')
    })
  })
}
