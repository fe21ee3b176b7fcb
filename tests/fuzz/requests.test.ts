import { expect, it } from 'vitest'
import { catalogue } from '../../server/engines/simulated/images.ts'
import { HeldTime } from '../../simulator/clock.ts'
import { createCluster } from '../../simulator/cluster/cluster.ts'
import { Random } from '../../simulator/random.ts'
import { resources } from '../../simulator/resources/catalogue.ts'
import { complaint } from './answers.ts'
import { type FuzzedRequest, nextRequest } from './requests.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260)
const count = Number(process.env['FUZZ_REQUESTS'] ?? 10_000)
/** Real time after which an answer is no answer any more. */
const hangMs = 10_000

function bootCluster(defects: string[]) {
  const time = new HeldTime(Date.UTC(2026, 0, 1))
  const cluster = createCluster(
    { name: 'fuzz', nodes: 3, cni: 'kindnet', seed: 1 },
    {
      pacemaker: time,
      catalogue,
      tokens: { platform: 'platform', learner: 'learner' },
      rootCertificate: 'certificate',
      onError: (error) => defects.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    },
  )
  cluster.clock.settle()
  const pass = (ms: number) => time.pass(ms, () => new Promise((resolve) => setImmediate(resolve)))
  return { cluster, pass }
}

it(`answers ${count} fuzzed requests properly (seed ${seed}), and the cluster works afterwards`, { timeout: 240_000 }, async () => {
  console.log(`fuzz: FUZZ_SEED=${seed} FUZZ_REQUESTS=${count}`)
  const defects: string[] = []
  const { cluster, pass } = bootCluster(defects)
  await pass(60_000)
  for (const name of ['odd-0', 'odd-1']) {
    cluster.api.create('namespaces', { metadata: { name } })
    // A Deployment of two billion replicas is valid; as in a real cluster, only a quota bounds what it costs.
    cluster.api.create('resourcequotas', {
      metadata: { name: 'bound', namespace: name },
      spec: { hard: { 'count/pods': '60', 'count/jobs.batch': '30' } },
    })
  }
  await pass(1_000)
  const random = new Random(seed)
  const complaints: string[] = []
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  const statuses = new Map<number, number>()

  for (let i = 0; i < count; i++) {
    const request = nextRequest(random, resources)
    const before = defects.length
    const said = await answerOf(request)
    statuses.set(said.status, (statuses.get(said.status) ?? 0) + 1)
    const wrong = complaint(said, request)
    if (wrong) complaints.push(`${i} ${describe(request)}\n  ${wrong}`)
    cluster.clock.settle()
    if (i % 100 === 99) await pass(1_500)
    for (const defect of defects.slice(before)) complaints.push(`${i} ${describe(request)}\n  defect: ${defect.slice(0, 600)}`)
    if (complaints.length > 40) break
  }
  console.log(
    [...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, times]) => `${status}: ${times}`)
      .join(', '),
  )
  await pass(120_000)
  process.off('unhandledRejection', onUnhandled)
  expect(complaints.join('\n')).toBe('')
  expect(defects).toEqual([])
  expect(unhandled).toEqual([])
  expect(({} as any).polluted).toBeUndefined()
  expect(Object.keys(Object.prototype)).toEqual([])
  await stillWorks()

  async function answerOf(request: FuzzedRequest): Promise<{ status: number; type: string; text: string }> {
    const abort = new AbortController()
    const { method, path, headers, body } = request
    const sent = new Request(new URL(`https://cluster.local${path}`), {
      method,
      headers: { authorization: 'Bearer learner', ...headers },
      signal: abort.signal,
      ...(body !== undefined && { body }),
    })
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer, or no end of it: ${describe(request)}`)), hangMs)
    })
    try {
      const answered = cluster.server.fetch(sent)
      // What a proxy subresource dials may never answer: that takes the cluster's time.
      if (/\/proxy\b/.test(path)) await passUntil(answered)
      const response = await Promise.race([answered, late])
      const type = response.headers.get('content-type') ?? ''
      const streams = new URL(sent.url).searchParams.get('watch') !== null || /\/log\b/.test(path)
      if (!streams) return { status: response.status, type, text: await Promise.race([response.text(), late]) }
      // What is there already, and then the client goes.
      setImmediate(() => abort.abort())
      return { status: response.status, type, text: await Promise.race([textUntilAborted(response), late]) }
    } finally {
      clearTimeout(timer)
    }
  }

  /** A second at a time, since the request reads its own body in real time before it dials. */
  async function passUntil(answered: Promise<unknown>): Promise<void> {
    let open = true
    const done = () => {
      open = false
    }
    answered.then(done, done)
    for (let second = 0; open && second < 60; second++) await pass(1_000)
  }

  async function stillWorks(): Promise<void> {
    // Where pods end on nodes that have no kubelet or a broken one, they stay Pending in a real cluster, too.
    const pinned = { 'kubernetes.io/hostname': 'fuzz-worker' }
    cluster.api.create('namespaces', { metadata: { name: 'sane' } })
    await pass(1_000)
    const container = { name: 'web', image: 'nginx:1.27-alpine', ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } } }
    const labels = { app: 'sane' }
    cluster.api.create('deployments.apps', {
      metadata: { name: 'web', namespace: 'sane' },
      spec: {
        replicas: 3,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { nodeSelector: pinned, containers: [container] } },
      },
    })
    cluster.api.create('services', { metadata: { name: 'web', namespace: 'sane' }, spec: { selector: labels, ports: [{ port: 80 }] } })
    await pass(30_000)
    expect(cluster.api.get<any>('deployments.apps', 'sane', 'web').status).toMatchObject({ readyReplicas: 3, availableReplicas: 3 })
    const slices = cluster.api.list<any>('endpointslices.discovery.k8s.io', { namespace: 'sane' })
    expect(slices.flatMap(({ endpoints }) => endpoints ?? [])).toHaveLength(3)
    cluster.api.delete('namespaces', undefined, 'sane')
    await pass(60_000)
    expect(cluster.api.find('namespaces', undefined, 'sane')).toBeUndefined()
    expect(defects).toEqual([])
  }
})

async function textUntilAborted(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  } catch {
    // The stream ended with the client.
  }
  return text
}

function describe({ method, path, headers, body }: FuzzedRequest): string {
  const text = typeof body === 'string' ? body : body ? `${body.length} bytes` : ''
  return `${method} ${path.slice(0, 200)} ${JSON.stringify(headers)}\n  ${text.slice(0, 1500)}${text.length > 1500 ? '…' : ''}`
}
