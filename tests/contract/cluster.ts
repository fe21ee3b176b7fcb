import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as k8s from '@kubernetes/client-node'
import { createSimulatedEngine } from '../../server/engines/simulated/engine.ts'

/**
 * The cluster under test: the one of the kubeconfig that KUBECONFIG_UNDER_TEST names, whatever it is, or a simulated one. Needs a user who
 * may do everything, two nodes that take pods, and images from Docker Hub.
 */
export async function clusterUnderTest() {
  const config = new k8s.KubeConfig()
  const path = process.env['KUBECONFIG_UNDER_TEST']
  let stop = async () => {}
  if (path) config.loadFromFile(path)
  else {
    const folder = mkdtempSync(join(tmpdir(), 'faultline-contract-'))
    const defects: string[] = []
    const engine = createSimulatedEngine({ folder, report: ({ what, error }) => defects.push(`${what}: ${String(error)}`) })
    const cluster = await engine.create(
      'test',
      { nodes: 3, cni: 'kindnet', kubernetes: '1.34', seed: 11 },
      () => {},
      new AbortController().signal,
    )
    config.loadFromString(await cluster.kubeconfigText('learner'))
    stop = async () => {
      await engine.close()
      rmSync(folder, { recursive: true, force: true })
      if (defects.length > 0) throw new Error(defects.join('\n'))
    }
  }
  const core = config.makeApiClient(k8s.CoreV1Api)
  const made: string[] = []

  /** Any request at all, as the cluster's API sees it. */
  async function request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const server = config.getCurrentCluster()!.server
    const response = await fetchWith(config, `${server}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = response.text
    return {
      status: response.status,
      text,
      json: /^\s*[{[]/.test(text) && !text.trim().includes('\n{') ? JSON.parse(text) : undefined,
      headers: response.headers,
    }
  }

  /** A namespace of its own, removed at the end. */
  async function namespace(labels: Record<string, string> = {}): Promise<string> {
    const { metadata } = await core.createNamespace({ body: { metadata: { generateName: 'contract-', labels } } })
    made.push(metadata!.name!)
    // Pods are refused until the controllers have made this.
    await until(
      async () => (await request('GET', `/api/v1/namespaces/${metadata!.name}/serviceaccounts/default`)).status === 200,
      'the default service account',
    )
    return metadata!.name!
  }

  return {
    config,
    core,
    apps: config.makeApiClient(k8s.AppsV1Api),
    batch: config.makeApiClient(k8s.BatchV1Api),
    policy: config.makeApiClient(k8s.PolicyV1Api),
    rbac: config.makeApiClient(k8s.RbacAuthorizationV1Api),
    discovery: config.makeApiClient(k8s.DiscoveryV1Api),
    request,
    namespace,
    async close() {
      for (const name of made) await request('DELETE', `/api/v1/namespaces/${name}`)
      await stop()
    },
  }
}

export type ClusterUnderTest = Awaited<ReturnType<typeof clusterUnderTest>>

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: NodeJS.Dict<string | string[]>
}

/** With the kubeconfig's credentials and authority; the platform's own fetch takes no authority of one's own. */
async function fetchWith(
  config: k8s.KubeConfig,
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
): Promise<Answer> {
  const { request: open } = await import('node:https')
  const options: { headers?: Record<string, string> } & Record<string, unknown> = { method: init.method, headers: { ...init.headers } }
  await config.applyToHTTPSOptions(options as never)
  const length = init.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(init.body)) }
  Object.assign((options.headers ??= {}), init.headers, length)
  return new Promise((resolve, reject) => {
    const call = open(url, options as never, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString(), headers: response.headers }),
      )
      response.on('error', reject)
    })
    call.on('error', reject)
    call.setTimeout(30_000, () => call.destroy(new Error(`no answer to ${init.method} ${url}`)))
    call.end(init.body)
  })
}

/** Polls until `holds`; a real cluster needs its time. */
export async function until(holds: () => Promise<boolean>, what: string, seconds = 50): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
