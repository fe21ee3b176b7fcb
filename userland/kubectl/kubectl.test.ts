import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { NetworkError } from '../../simulator/network/sockets.ts'
import { Signalled } from '../../simulator/programs/process.ts'
import { completeKubectl } from './complete.ts'
import { kubectl } from './kubectl.ts'
import { createTestApi, json, status } from './testing/api.ts'
import { fillCluster, testFiles } from './testing/cluster.ts'
import type { RunOptions } from './testing/process.ts'
import { start } from './testing/process.ts'

const now = Date.parse('2026-01-02T03:10:05Z')
const files = Object.fromEntries(Object.entries(testFiles).map(([name, text]) => [`/work/${name}`, text]))

function cluster() {
  const api = createTestApi(() => '2024-01-01T00:00:00Z')
  fillCluster(api, now)
  return api
}

/** A shell's words, with single quotes only. */
const split = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? (match[2] as string))

function run(line: string, options: RunOptions = {}, api = cluster()) {
  const all = { cwd: '/work', ...options, files: { ...files, ...options.files } }
  return start(kubectl, api, split(line), all).done
}

/** Recorded from kubectl 1.35.2 itself, against the same objects, by tests/kubectl/recorded.test.ts. */
const recorded: { line: string; code: number; stdout: string; stderr: string }[] = JSON.parse(
  readFileSync(new URL('testing/kubectl.golden.json', import.meta.url), 'utf8'),
)

describe('says byte for byte what kubectl 1.35.2 said', () => {
  test('there is a record', () => expect(recorded.length).toBeGreaterThan(200))
  test.each(recorded.map((one) => [one.line, one] as const))('kubectl %s', async (line, { code, stdout, stderr }) => {
    const { files: _, ...outcome } = await run(line)
    expect(outcome).toEqual({ code, stdout, stderr })
  })
})

describe('connections', () => {
  const failing = (error: Error) => run('get pods', { fetch: () => Promise.reject(error) })

  test('refused', async () => {
    expect(await failing(new NetworkError('ECONNREFUSED'))).toMatchObject({
      code: 1,
      stderr: 'The connection to the server 172.18.0.2:6443 was refused - did you specify the right host or port?\n',
    })
  })
  test('no route', async () => {
    const { stderr } = await failing(new NetworkError('EHOSTUNREACH'))
    expect(stderr).toBe('Unable to connect to the server: dial tcp 172.18.0.2:6443: connect: no route to host\n')
  })
  test('silence ends after thirty seconds', async () => {
    const { done, time } = start(kubectl, cluster(), ['get', 'pods'], { fetch: () => new Promise(() => {}) })
    await time.pass(31_000, () => new Promise((resolve) => setImmediate(resolve)))
    expect(await done).toMatchObject({ code: 1, stderr: 'Unable to connect to the server: dial tcp 172.18.0.2:6443: i/o timeout\n' })
  })
  test('the token of the kubeconfig is sent', async () => {
    let sent: string | null = null
    await run('get pods', {
      fetch: async (request) => {
        sent = request.headers.get('authorization')
        return status(401, 'Unauthorized', 'Unauthorized')
      },
    }).then((outcome) => expect(outcome.stderr).toBe('error: You must be logged in to the server (Unauthorized)\n'))
    expect(sent).toBe('Bearer secret-token')
  })
  test('a pod without a kubeconfig uses its service account', async () => {
    const requests: string[] = []
    await run('get pods', {
      files: {
        '/root/.kube/config': '',
        '/var/run/secrets/kubernetes.io/serviceaccount/token': 'sa-token',
        '/var/run/secrets/kubernetes.io/serviceaccount/namespace': 'shop',
      },
      env: { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' },
      fetch: async (request) => {
        requests.push(`${request.headers.get('authorization')} ${request.url}`)
        return cluster().handle(request)
      },
    })
    expect(requests.at(-1)).toBe('Bearer sa-token https://10.96.0.1/api/v1/namespaces/shop/pods?limit=500')
  })
})

describe('refusals', () => {
  test('an invalid object names every cause', async () => {
    const api = cluster()
    api.extra.push((method) =>
      method === 'PATCH'
        ? status(422, 'Invalid', 'x', {
            name: 'web',
            kind: 'Deployment',
            causes: [
              { field: 'spec.replicas', message: 'Invalid value: -1: must be greater than or equal to 0' },
              { field: 'spec.a', message: 'Required value' },
            ],
          })
        : undefined,
    )
    const { stderr } = await run(`patch deploy web -p '{"spec":{"replicas":-1}}'`, {}, api)
    expect(stderr).toBe(
      'The Deployment "web" is invalid: \n* spec.replicas: Invalid value: -1: must be greater than or equal to 0\n* spec.a: Required value\n',
    )
  })
  test('help as a verb is --help', async () => {
    expect((await run('help get')).stdout).toBe((await run('get --help')).stdout)
    expect((await run('help')).stdout).toBe((await run('--help')).stdout)
  })

  test('warnings of the server stand on stderr', async () => {
    const api = cluster()
    const fetch = async (request: Request) => {
      const response = await api.handle(request)
      const headers = new Headers(response.headers)
      if (request.url.includes('configmaps')) headers.append('warning', '299 - "v1 is \\"old\\""')
      return new Response(await response.text(), { status: response.status, headers })
    }
    expect((await run('get cm conf -o name', { fetch }, api)).stderr).toBe('Warning: v1 is "old"\n')
  })
  test.each([
    [
      'apply -f https://example.com/x.yaml',
      'unable to read URL "https://example.com/x.yaml", server reported 404 Not Found, status code=404',
    ],
    ['apply -k .', '-k is not supported'],
    ['proxy -w .', '--www is not supported by proxy of this kubectl'],
    ['get pods --username=x', '--username is not supported'],
  ])('%s is refused by name', async (line, sentence) => {
    const { stderr, code } = await run(line)
    expect(stderr).toContain(sentence)
    expect(code).toBe(1)
  })
})

describe('watching', () => {
  test('get -w keeps its columns and ends with the signal', async () => {
    const api = cluster()
    const stop = new AbortController()
    const { done, out } = start(kubectl, api, ['get', 'pods', '-w'], { signal: stop.signal })
    await until(() => api.watching() > 0)
    api.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'default' }, spec: { containers: [{ name: 'c' }] } })
    await until(() => out.stdout.includes('\na '))
    expect(out.stdout.split('\n').slice(-2)).toEqual(['a                       0/1     Pending   0          5m', ''])
    stop.abort(new Signalled('SIGINT'))
    await expect(done).rejects.toBeInstanceOf(Signalled)
  })
  test('rollout status follows until it is done', async () => {
    const api = cluster()
    const web = api.find('deployments', 'web') as any
    api.put({ ...web, status: { ...web.status, updatedReplicas: 1 } })
    const { done, out } = start(kubectl, api, ['rollout', 'status', 'deploy/web'])
    await until(() => api.watching() > 0)
    api.put({ ...web, status: { ...web.status, availableReplicas: 2 } })
    api.put(web)
    expect((await done).code).toBe(0)
    expect(out.stdout).toBe(`Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...
Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...
deployment "web" successfully rolled out
`)
  })
  test('wait gives up in time', async () => {
    const { done, time, out } = start(kubectl, cluster(), ['wait', '--for=condition=Ready', 'pod/web-2-abcde', '--timeout=5s'])
    await time.pass(6000, () => new Promise((resolve) => setImmediate(resolve)))
    expect((await done).code).toBe(1)
    expect(out.stderr).toBe('error: timed out waiting for the condition on pods/web-2-abcde\n')
  })
  test('delete waits until the object is gone', async () => {
    const api = cluster()
    // A deletion that takes its time: the object stays until the test removes it.
    api.extra.push((method, url) =>
      method === 'DELETE' && url.pathname.endsWith('/web-2-abcde') ? json({ kind: 'Status', status: 'Success' }) : undefined,
    )
    const { done, out } = start(kubectl, api, ['delete', 'pod', 'web-2-abcde'])
    await until(() => api.watching() > 0)
    expect(out.stdout).toBe('pod "web-2-abcde" deleted from default namespace\n')
    api.remove('pods', 'web-2-abcde')
    expect((await done).code).toBe(0)
  })
})

describe('edit', () => {
  const editor = (api: ReturnType<typeof cluster>, edits: ((text: string) => string)[]) => {
    const shown: string[] = []
    const started = start(kubectl, api, ['edit', 'cm', 'conf'], {
      env: { KUBE_EDITOR: 'ed -x' },
      spawn: (argv) => {
        const path = argv[2] as string
        const text = started.process.files.readText(path)
        shown.push(text)
        started.process.files.write(path, (edits.shift() ?? ((same: string) => same))(text))
        return { pid: 2, kill() {}, exit: Promise.resolve(0) }
      },
    })
    return { done: started.done, shown }
  }

  test('sends what changed', async () => {
    const api = cluster()
    const { done, shown } = editor(api, [(text) => text.replace('health', 'ready')])
    expect(await done).toMatchObject({ code: 0, stdout: 'configmap/conf edited\n', stderr: '' })
    expect(shown[0]).toMatch(/^# Please edit the object below\. Lines beginning with a '#' will be ignored,\n/)
    expect(api.find('configmaps', 'conf')?.['data'].Corefile).toContain('ready')
  })
  test('says so when nothing changed', async () => {
    const { done } = editor(cluster(), [])
    expect(await done).toMatchObject({ code: 0, stderr: 'Edit cancelled, no changes made.\n' })
  })
  test('opens again with the error in a comment', async () => {
    const { done, shown } = editor(cluster(), [
      (text) => text.replace('kind: ConfigMap', 'kind: ConfigMap\n  bad: x'),
      (text) => text.replace('\n  bad: x', '').replace('health', 'ready'),
    ])
    expect(await done).toMatchObject({ code: 0, stdout: 'configmap/conf edited\n' })
    expect(shown[1]).toContain('# The edited file had a syntax error: error parsing edited-file: ')
  })
})

describe('exec', () => {
  const server = (frames: [number, string][]) => {
    const sent: Uint8Array[] = []
    let asked: URL | undefined
    const left = frames.map(([channel, text]) => new Uint8Array([channel, ...new TextEncoder().encode(text)]))
    const websocket: RunOptions['websocket'] = async (request, protocols) => {
      asked = new URL(request.url)
      return {
        protocol: protocols[0] as string,
        socket: {
          receive: async () => left.shift(),
          send: async (message) => void sent.push(message as Uint8Array),
          close() {},
        },
      }
    }
    return { websocket, sent, asked: () => asked }
  }

  test('passes output on and ends with the exit code', async () => {
    const failed = {
      status: 'Failure',
      reason: 'NonZeroExitCode',
      message: 'x',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    }
    const { websocket, asked } = server([
      [1, 'out\n'],
      [2, 'err\n'],
      [3, JSON.stringify(failed)],
    ])
    const outcome = await run('exec web-2-abcde -c side -- sh -c exit', { websocket })
    expect(outcome).toMatchObject({ code: 3, stdout: 'out\n', stderr: 'err\ncommand terminated with exit code 3\n' })
    expect(asked()?.search).toBe('?command=sh&command=-c&command=exit&container=side&stdout=true&stderr=true')
  })
  test('feeds stdin and closes it', async () => {
    const { websocket, sent } = server([[3, JSON.stringify({ status: 'Success' })]])
    const outcome = await run('exec -i web-2-abcde -- cat', { websocket, stdin: 'hello' })
    expect(outcome.code).toBe(0)
    expect(outcome.stderr).toBe('Defaulted container "nginx" out of: nginx, side, init (init)\n')
    await until(() => sent.length === 2)
    expect(sent.map((one) => [...one])).toEqual([
      [0, 104, 101, 108, 108, 111],
      [255, 0],
    ])
  })
})

describe('apply', () => {
  test('created, unchanged, configured; what others set stays, what was dropped goes', async () => {
    const api = createTestApi()
    const config = (data: string) => ({ '/work/c.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: ${data}\n` })
    expect((await run('apply -f c.yaml', { files: config('{a: "1", b: "2"}') }, api)).stdout).toBe('configmap/c created\n')
    expect((await run('apply -f c.yaml', { files: config('{a: "1", b: "2"}') }, api)).stdout).toBe('configmap/c unchanged\n')
    const live = api.find('configmaps', 'c') as any
    api.put({ ...live, data: { ...live.data, other: 'x' } })
    expect((await run('apply -f c.yaml', { files: config('{a: "3"}') }, api)).stdout).toBe('configmap/c configured\n')
    expect(api.find('configmaps', 'c')?.['data']).toEqual({ a: '3', other: 'x' })
  })
  test('containers merge by name', async () => {
    const api = createTestApi()
    const pod = (containers: string) => ({
      '/work/d.yaml': `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 1, template: {spec: {containers: ${containers}}}}\n`,
    })
    await run('apply -f d.yaml', { files: pod('[{name: a, image: x}, {name: b, image: y}]') }, api)
    const live = api.find('deployments', 'd') as any
    live.spec.template.spec.containers[0].imagePullPolicy = 'Always'
    await run('apply -f d.yaml', { files: pod('[{name: a, image: z}]') }, api)
    expect((api.find('deployments', 'd') as any).spec.template.spec.containers).toEqual([
      { name: 'a', image: 'z', imagePullPolicy: 'Always' },
    ])
  })
})

describe('generators write what the server is to get', () => {
  test.each([
    ['create deployment x --image=nginx', 'deployment.apps/x created\n'],
    ['create ns x', 'namespace/x created\n'],
    ['create secret generic x --from-literal=a=b', 'secret/x created\n'],
    ['run x --image=nginx', 'pod/x created\n'],
    ['expose deploy web --name=w2 --port=80', 'service/w2 exposed\n'],
  ])('%s', async (line, stdout) => expect(await run(line)).toMatchObject({ code: 0, stdout, stderr: '' }))

  test('one that exists is refused', async () => {
    expect((await run('create deployment web --image=nginx')).stderr).toBe(
      'error: failed to create deployment: deployments.apps "web" already exists\n',
    )
    expect((await run('create ns default')).stderr).toBe('Error from server (AlreadyExists): namespaces "default" already exists\n')
  })
})

describe('config', () => {
  test('set-context changes the file', async () => {
    const outcome = await run('config set-context --current --namespace=shop')
    expect(outcome.stdout).toBe('Context "lab" modified.\n')
    expect(outcome.files.readText('/root/.kube/config')).toContain('    namespace: shop\n')
  })
})

describe('completion', () => {
  const complete = (line: string) => {
    const words = line.split(' ')
    return completeKubectl(words, words.length - 1, start(kubectl, cluster(), ['options']).process)
  }
  test.each([
    ['kubectl rol', ['rollout']],
    ['kubectl rollout st', ['status']],
    ['kubectl get po', ['pods']],
    ['kubectl get pods web-2-a', ['web-2-abcde']],
    ['kubectl -n kube-system get dep', ['deployments']],
    ['kubectl get pods -n kube', ['kube-system']],
    ['kubectl logs web-2-abcde -c s', ['side']],
    ['kubectl logs web-2-f', ['web-2-fghij-long-name']],
    ['kubectl describe deploy/w', ['deploy/web']],
    ['kubectl get --show-l', ['--show-labels']],
    ['kubectl get pods -o y', ['yaml']],
    ['kubectl cordon n', ['node1']],
    ['kubectl get nonsense x', []],
  ])('%s', async (line, words) => expect(await complete(line)).toEqual(words))
})

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !holds(); turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(holds()).toBe(true)
}
