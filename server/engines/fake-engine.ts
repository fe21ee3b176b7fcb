import { KubeConfig } from '@kubernetes/client-node'
import type { KubeObject } from '../kubernetes/object.ts'
import type { Cluster, ClusterEngine, ClusterId, ClusterSpec, Probe, ProbeResult, ProbeSource, TerminalStream } from './engine.ts'
import { type FakeApi, type FakeState, startFakeApi } from './fake-api.ts'

/** An engine for tests of the platform: a scripted API and a scripted network. It is no cluster, and no lab is ever run on it. */
export interface FakeOptions {
  /** What survives a restart of the server. */
  readonly disk?: Map<ClusterId, FakeDisk>
  /** What a probe sees, from the objects that there are. */
  readonly probe?: (
    api: FakeApi,
    from: ProbeSource,
    what: Probe,
  ) => Omit<ProbeResult, 'elapsed' | 'from'> | Promise<Omit<ProbeResult, 'elapsed' | 'from'>>
  readonly checkpoints?: boolean
  readonly available?: boolean
  /** ms that a create takes. */
  readonly createMs?: number
}

export interface FakeDisk {
  readonly spec: ClusterSpec
  readonly state: FakeState
  readonly checkpoints: Map<string, string>
}

export interface FakeEngine extends ClusterEngine {
  readonly disk: Map<ClusterId, FakeDisk>
  /** Tests look at and change a cluster's objects here. */
  api(id: ClusterId): FakeApi
}

export function createFakeEngine(options: FakeOptions = {}): FakeEngine {
  const disk = options.disk ?? new Map<ClusterId, FakeDisk>()
  const apis = new Map<ClusterId, FakeApi>()

  async function attach(id: ClusterId, stored: FakeDisk): Promise<Cluster> {
    const api = await startFakeApi(stored.state)
    apis.set(id, api)
    return fakeCluster(id, stored, api, options, async () => {
      disk.delete(id)
      apis.delete(id)
      await api.close()
    })
  }

  return {
    name: 'simulated',
    disk,
    api(id) {
      const api = apis.get(id)
      if (api === undefined) throw new Error(`there is no fake cluster ${id}`)
      return api
    },
    availability: async () =>
      options.available === false
        ? { available: false, code: 'fake-off', message: 'The fake engine is switched off.', mend: 'Switch it on.' }
        : { available: true },
    supports: (spec) =>
      spec.nodes <= 10
        ? { supported: true }
        : { supported: false, code: 'too-many-nodes', message: 'At most 10 nodes.', mend: 'Ask for fewer.' },
    async create(id, spec, onStep, signal) {
      signal.throwIfAborted()
      onStep({ name: 'Create the cluster', state: 'running', elapsed: 0 })
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, options.createMs ?? 0)
        signal.addEventListener('abort', () => {
          clearTimeout(timer)
          reject(signal.reason)
        })
      })
      const stored: FakeDisk = { spec, state: { revision: 1, objects: new Map() }, checkpoints: new Map() }
      disk.set(id, stored)
      const cluster = await attach(id, stored)
      const api = apis.get(id)
      for (const name of ['default', 'kube-system']) api?.write({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      for (let node = 0; node < spec.nodes; node++) {
        const name = node === 0 ? 'control-plane' : `worker-${node}`
        api?.write({ apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { conditions: [{ type: 'Ready', status: 'True' }] } })
      }
      onStep({ name: 'Create the cluster', state: 'done', elapsed: options.createMs ?? 0 })
      return cluster
    },
    async reattach(id) {
      const stored = disk.get(id)
      return stored === undefined ? undefined : attach(id, stored)
    },
    async sweep(known) {
      const removed = [...disk.keys()].filter((id) => !known.includes(id))
      for (const id of removed) {
        disk.delete(id)
        await apis.get(id)?.close()
        apis.delete(id)
      }
      return removed
    },
    async close() {
      await Promise.all([...apis.values()].map((api) => api.close()))
      apis.clear()
    },
  }
}

function fakeCluster(id: ClusterId, stored: FakeDisk, api: FakeApi, options: FakeOptions, destroy: () => Promise<void>): Cluster {
  const kubeconfig = (audience: string) => {
    const config = new KubeConfig()
    config.loadFromOptions({
      clusters: [{ name: id, server: api.url, skipTLSVerify: true }],
      users: [{ name: audience, token: `${audience}-token` }],
      contexts: [{ name: id, cluster: id, user: audience }],
      currentContext: id,
    })
    return config
  }
  return {
    id,
    engine: 'simulated',
    spec: stored.spec,
    kubeconfig: async (audience) => kubeconfig(audience),
    kubeconfigText: async (audience) => kubeconfig(audience).exportConfig(),
    async probe(from, what, signal) {
      signal?.throwIfAborted()
      const began = performance.now()
      const seen = (await options.probe?.(api, from, what)) ?? { outcome: 'unknown' as const, error: 'the fake cluster has no network' }
      return { elapsed: performance.now() - began, from: describe(from), ...seen }
    },
    openTerminal: async (size, output) => fakeShell(size, output),
    runScript: async (script) => runFakeScript(script, api),
    ...(options.checkpoints === true
      ? {
          checkpoints: {
            save: async (name: string) => void stored.checkpoints.set(name, JSON.stringify([...stored.state.objects.values()])),
            restore: async (name: string) => {
              const objects = JSON.parse(stored.checkpoints.get(name) ?? '[]') as KubeObject[]
              for (const { kind, metadata } of stored.state.objects.values()) api.remove(kind, metadata.name, metadata.namespace)
              for (const object of objects) api.write(object)
            },
          },
        }
      : {}),
    destroy,
  }
}

function describe(from: ProbeSource): string {
  if ('pod' in from) return `pod ${from.pod.namespace}/${from.pod.name ?? from.pod.selector}`
  return 'node' in from ? `node ${from.node}` : 'workstation'
}

/** `create` or `set Kind namespace/name {json}`, `delete Kind namespace/name`, `echo text`, `fail text`: a line each. */
function runFakeScript(script: string, api: FakeApi): { exitCode: number; output: string } {
  let output = ''
  for (const line of script.split('\n')) {
    const [, verb, kind = '', at = '', rest = ''] = /^(\S+) *(\S*) *(\S*) *(.*)$/.exec(line.trim()) ?? []
    const [name = '', namespace] = at.split('/').reverse()
    if (verb === 'create')
      api.write({ ...(JSON.parse(rest) as object), apiVersion: 'v1', kind, metadata: { name, namespace } } as KubeObject)
    else if (verb === 'set') {
      const known = api.get(kind, name, namespace)
      if (known === undefined) return { exitCode: 1, output: `${output}no ${kind} ${at}\n` }
      api.write({ ...(JSON.parse(rest) as KubeObject), apiVersion: known.apiVersion, kind, metadata: { name, namespace } } as KubeObject)
    } else if (verb === 'delete') api.remove(kind, name, namespace)
    else if (verb === 'echo') output += `${line.trim().slice(5)}\n`
    else if (verb === 'fail') return { exitCode: 1, output: `${output}${line.trim().slice(5)}\n` }
  }
  return { exitCode: 0, output }
}

const encoder = new TextEncoder()

/** Echoes lines; knows `size`, `flood <bytes>` and `exit <code>`. */
function fakeShell(size: { columns: number; rows: number }, output: (bytes: Uint8Array) => Promise<void>): TerminalStream {
  let line = ''
  let { columns, rows } = size
  let over = false
  let finish: (code: number) => void = () => {}
  const exit = new Promise<number>((resolve) => {
    finish = (code) => {
      over = true
      resolve(code)
    }
  })
  const say = (text: string) => (over ? Promise.resolve() : output(encoder.encode(text)))
  void say('$ ')

  async function run(command: string): Promise<void> {
    const [verb, argument] = command.split(' ')
    if (verb === 'exit') return finish(Number(argument ?? 0))
    if (verb === 'size') await say(`${columns}x${rows}\r\n`)
    else if (verb === 'flood') {
      for (let left = Number(argument); left > 0 && !over; left -= 1024) await say('x'.repeat(Math.min(left, 1024)))
    } else if (command !== '') await say(`ran ${command}\r\n`)
    await say('$ ')
  }

  return {
    input(bytes) {
      for (const key of new TextDecoder().decode(bytes)) {
        if (key === '\r') {
          void say('\r\n')
          void run(line)
          line = ''
        } else {
          line += key
          void say(key)
        }
      }
    },
    resize(nextColumns, nextRows) {
      columns = nextColumns
      rows = nextRows
    },
    close: () => finish(0),
    exit,
  }
}
