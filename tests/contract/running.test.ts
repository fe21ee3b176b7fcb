import { PassThrough } from 'node:stream'
import * as k8s from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, clusterUnderTest, until } from './cluster.ts'
import { deployment, sleeper, template } from './objects.ts'

let cluster: ClusterUnderTest
let ns: string
beforeAll(async () => {
  cluster = await clusterUnderTest()
  ns = await cluster.namespace()
})
afterAll(() => cluster.close())

const request = (...given: Parameters<ClusterUnderTest['request']>) => cluster.request(...given)
const core = (resource: string, place = ns) => `/api/v1/namespaces/${place}/${resource}`
const apps = (resource: string) => `/apis/apps/v1/namespaces/${ns}/${resource}`
const patch = (path: string, body: unknown) => request('PATCH', path, body, { 'content-type': 'application/strategic-merge-patch+json' })
const made = async (path: string, body: unknown) => {
  const answer = await request('POST', path, body)
  expect(answer.status, answer.text).toBe(201)
  return answer.json
}
const get = async (path: string) => (await request('GET', path)).json
const podsOf = async (app: string) => (await get(`${core('pods')}?labelSelector=app=${app}`)).items as any[]
const isReady = (pod: any) => pod.status.conditions?.some(({ type, status }: any) => type === 'Ready' && status === 'True')
const ready = (name: string, replicas: number) =>
  until(async () => {
    const { metadata, status } = await get(apps(`deployments/${name}`))
    return (
      status.observedGeneration === metadata.generation &&
      (status.updatedReplicas ?? 0) === replicas &&
      (status.availableReplicas ?? 0) === replicas &&
      (status.replicas ?? 0) === replicas
    )
  }, `${replicas} replicas of ${name}`)

describe('pods', () => {
  it('run, with conditions, an address and a node', async () => {
    await made(core('pods'), sleeper('one'))
    await until(async () => isReady(await get(core('pods/one'))), 'the pod to be ready')
    const { status, spec } = await get(core('pods/one'))
    expect(status).toMatchObject({ phase: 'Running', qosClass: 'BestEffort', podIP: expect.any(String), hostIP: expect.any(String) })
    expect(status.conditions.map(({ type }: any) => type)).toEqual(
      expect.arrayContaining(['PodScheduled', 'Initialized', 'ContainersReady', 'Ready']),
    )
    expect(status.containerStatuses[0]).toMatchObject({
      name: 'main',
      ready: true,
      restartCount: 0,
      started: true,
      state: { running: { startedAt: expect.any(String) } },
    })
    expect(spec.nodeName).toBeDefined()
  })
  it('log', async () => {
    expect(
      await new k8s.Log(cluster.config)
        .log(ns, 'one', 'main', new PassThrough().resume())
        .then(() => request('GET', `${core('pods/one')}/log`))
        .then(({ text }) => text),
    ).toBe('started\n')
    expect((await request('GET', `${core('pods/one')}/log?container=none`)).json).toMatchObject({
      code: 400,
      message: 'container none is not valid for pod one',
    })
  })
  it('execute, with streams and an exit code', async () => {
    const outcome = async (command: string[]) => {
      const [out, err] = [new PassThrough(), new PassThrough()]
      let [text, wrong] = ['', '']
      out.on('data', (bytes: Buffer) => (text += bytes.toString()))
      err.on('data', (bytes: Buffer) => (wrong += bytes.toString()))
      const status = await new Promise<k8s.V1Status>((resolve, reject) => {
        new k8s.Exec(cluster.config).exec(ns, 'one', 'main', command, out, err, null, false, resolve).catch(reject)
      })
      return { text, wrong, status }
    }
    expect(await outcome(['sh', '-c', 'echo out; echo err >&2'])).toMatchObject({
      text: 'out\n',
      wrong: 'err\n',
      status: { status: 'Success' },
    })
    const failed = await outcome(['sh', '-c', 'exit 3'])
    expect(failed.status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    })
  })
  it('attach to what runs', async () => {
    await made(
      core('pods'),
      sleeper('ticker', {
        containers: [{ name: 'main', image: 'busybox:1.36', command: ['sh', '-c', 'while true; do echo tick; sleep 1; done'] }],
      }),
    )
    await until(async () => isReady(await get(core('pods/ticker'))), 'the ticker to run')
    const out = new PassThrough()
    const ticked = new Promise<string>((resolve) => out.once('data', (bytes: Buffer) => resolve(bytes.toString())))
    const socket = await new k8s.Attach(cluster.config).attach(ns, 'ticker', 'main', out, null, null, false)
    expect(await ticked).toContain('tick')
    socket.close()
  })
  it('end in Succeeded or Failed, with the exit code', async () => {
    const ends = (name: string, code: number) =>
      sleeper(name, {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'busybox:1.36', command: ['sh', '-c', `exit ${code}`] }],
      })
    await made(core('pods'), ends('well', 0))
    await made(core('pods'), ends('badly', 4))
    await until(
      async () => (await get(core('pods/well'))).status.phase === 'Succeeded' && (await get(core('pods/badly'))).status.phase === 'Failed',
      'both to end',
    )
    expect((await get(core('pods/badly'))).status.containerStatuses[0].state.terminated).toMatchObject({ exitCode: 4, reason: 'Error' })
  })
  it('wait for an image that is not there', async () => {
    await made(core('pods'), sleeper('no-image', { containers: [{ name: 'main', image: 'registry.invalid/none:1' }] }))
    await until(
      async () =>
        /ErrImagePull|ImagePullBackOff/.test(
          (await get(core('pods/no-image'))).status.containerStatuses?.[0]?.state?.waiting?.reason ?? '',
        ),
      'the pull to fail',
    )
  })
  it('that fit nowhere say why', async () => {
    await made(core('pods'), sleeper('nowhere', { nodeSelector: { 'example.com/none': 'x' } }))
    await until(
      async () => (await get(core('pods/nowhere'))).status.conditions?.[0]?.reason === 'Unschedulable',
      'the scheduler to give up',
    )
    expect((await get(core('pods/nowhere'))).status.conditions[0].message).toMatch(
      /^0\/\d+ nodes are available: .*didn't match Pod's node affinity\/selector/,
    )
  })
  it('keep their spec, but for images and a few', async () => {
    expect((await patch(core('pods/one'), { spec: { terminationGracePeriodSeconds: 9 } })).json.message).toMatch(
      /spec: Forbidden: pod updates may not change fields other than/,
    )
    expect((await patch(core('pods/one'), { spec: { activeDeadlineSeconds: 3600 } })).status).toBe(200)
  })
})

describe('Deployments', () => {
  it('become ready, through a ReplicaSet that they own', async () => {
    const owner = await made(apps('deployments'), deployment('web', 2))
    await ready('web', 2)
    const sets = (await get(`${apps('replicasets')}?labelSelector=app=web`)).items
    expect(sets).toHaveLength(1)
    expect(sets[0].metadata.ownerReferences[0]).toMatchObject({
      kind: 'Deployment',
      name: 'web',
      uid: owner.metadata.uid,
      controller: true,
    })
    expect(sets[0].metadata.labels['pod-template-hash']).toBeDefined()
    const { status } = await get(apps('deployments/web'))
    expect(status.conditions.map(({ type, status, reason }: any) => `${type}=${status} ${reason}`).sort()).toEqual([
      'Available=True MinimumReplicasAvailable',
      'Progressing=True NewReplicaSetAvailable',
    ])
  })
  it('scale through their subresource', async () => {
    const scale = await get(`${apps('deployments/web')}/scale`)
    expect(scale).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { replicas: 2, selector: 'app=web' },
    })
    expect((await request('PUT', `${apps('deployments/web')}/scale`, { ...scale, spec: { replicas: 3 } })).json.spec.replicas).toBe(3)
    await ready('web', 3)
  })
  it('do not take a status through the front door, nor a spec through the back', async () => {
    expect((await patch(apps('deployments/web'), { status: { replicas: 77 } })).json.status.replicas).not.toBe(77)
    expect((await patch(`${apps('deployments/web')}/status`, { spec: { replicas: 77 } })).json.spec.replicas).toBe(3)
  })
  it('replace a deleted pod', async () => {
    const [{ metadata }] = (await podsOf('web')) as [any]
    await request('DELETE', core(`pods/${metadata.name}`))
    await until(async () => !(await podsOf('web')).some((pod) => pod.metadata.uid === metadata.uid), 'the pod to go')
    await ready('web', 3)
  })
  it('roll out a new template, keeping the old set at zero', async () => {
    await patch(apps('deployments/web'), { spec: { template: { spec: { containers: [{ name: 'web', image: 'nginx:1.28-alpine' }] } } } })
    await ready('web', 3)
    const sets = (await get(`${apps('replicasets')}?labelSelector=app=web`)).items
    expect(
      sets.map(({ metadata, spec }: any) => [metadata.annotations['deployment.kubernetes.io/revision'], spec.replicas]).sort(),
    ).toEqual([
      ['1', 0],
      ['2', 3],
    ])
  })
  it('stand while they are paused', async () => {
    await patch(apps('deployments/web'), { spec: { paused: true, template: { metadata: { annotations: { again: 'yes' } } } } })
    await until(
      async () => (await get(apps('deployments/web'))).status.conditions.some(({ reason }: any) => reason === 'DeploymentPaused'),
      'the pause to be seen',
    )
    expect((await get(`${apps('replicasets')}?labelSelector=app=web`)).items).toHaveLength(2)
  })
  it('take all that they own along', async () => {
    await request('DELETE', apps('deployments/web'))
    await until(
      async () => (await podsOf('web')).length === 0 && (await get(`${apps('replicasets')}?labelSelector=app=web`)).items.length === 0,
      'the cascade',
    )
  })
})

describe('Services', () => {
  it('list the ready pods as endpoints, and follow them', async () => {
    await made(apps('deployments'), deployment('served', 2))
    await made(core('services'), {
      metadata: { name: 'served' },
      spec: { selector: { app: 'served' }, ports: [{ port: 80, targetPort: 'http' }] },
    })
    await ready('served', 2)
    const addresses = async () =>
      (await get(`/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices?labelSelector=kubernetes.io/service-name=served`)).items
        .flatMap(({ endpoints }: any) => endpoints ?? [])
        .filter(({ conditions }: any) => conditions.ready)
        .flatMap((endpoint: any) => endpoint.addresses)
        .sort()
    const pods = (await podsOf('served')).map(({ status }) => status.podIP).sort()
    await until(async () => JSON.stringify(await addresses()) === JSON.stringify(pods), 'the endpoints')
    await patch(apps('deployments/served'), { spec: { replicas: 1 } })
    await until(async () => (await addresses()).length === 1, 'one endpoint to be left')
  })
  it('answer by name from a pod', async () => {
    await made(
      core('pods'),
      sleeper('asks', {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: 'busybox:1.36', command: ['wget', '-q', '-T', '5', '-O', '-', 'http://served/'] }],
      }),
    )
    await until(async () => /Succeeded|Failed/.test((await get(core('pods/asks'))).status.phase), 'the answer')
    expect((await request('GET', `${core('pods/asks')}/log`)).text).toMatch(/Welcome to nginx/)
  })
  it('get a cluster address and, where asked, a node port of their own', async () => {
    const one = await made(core('services'), { metadata: { name: 'np1' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } })
    expect(one.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30000)
    const taken = { metadata: { name: 'np2' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort: one.spec.ports[0].nodePort }] } }
    expect((await request('POST', core('services'), taken)).json.message).toMatch(
      /spec\.ports\[0\]\.nodePort: Invalid value: \d+: provided port is already allocated/,
    )
    expect(
      (
        await made(core('services'), {
          metadata: { name: 'headless' },
          spec: { clusterIP: 'None', selector: { app: 'served' }, ports: [{ port: 80 }] },
        })
      ).spec.clusterIP,
    ).toBe('None')
  })
  it('keep their cluster address', async () => {
    expect(
      (
        await request(
          'PATCH',
          core('services/np1'),
          { spec: { clusterIP: '10.96.250.250', clusterIPs: ['10.96.250.250'] } },
          { 'content-type': 'application/merge-patch+json' },
        )
      ).json.message,
    ).toMatch(/may not change once set|field is immutable/)
  })
})

describe('other workloads', () => {
  it('a StatefulSet makes its pods in order, with names that last', async () => {
    await made(core('services'), {
      metadata: { name: 'row' },
      spec: { clusterIP: 'None', selector: { app: 'row' }, ports: [{ port: 80 }] },
    })
    await made(apps('statefulsets'), {
      metadata: { name: 'row' },
      spec: { serviceName: 'row', replicas: 2, selector: { matchLabels: { app: 'row' } }, template: template('row') },
    })
    await until(async () => (await podsOf('row')).filter(isReady).length === 2, 'both pods')
    const [first, second] = (await podsOf('row')).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    expect([first.metadata.name, second.metadata.name]).toEqual(['row-0', 'row-1'])
    const readyAt = first.status.conditions.find(({ type }: any) => type === 'Ready').lastTransitionTime
    expect(second.metadata.creationTimestamp >= readyAt).toBe(true)
    await request('DELETE', core('pods/row-0'))
    await until(
      async () => (await podsOf('row')).some((pod) => pod.metadata.name === 'row-0' && pod.metadata.uid !== first.metadata.uid),
      'row-0 again',
    )
  })
  it('a DaemonSet puts a pod on every node that takes one', async () => {
    await made(apps('daemonsets'), {
      metadata: { name: 'each' },
      spec: { selector: { matchLabels: { app: 'each' } }, template: template('each') },
    })
    await until(async () => {
      const { status } = await get(apps('daemonsets/each'))
      return status.desiredNumberScheduled > 0 && status.numberReady === status.desiredNumberScheduled
    }, 'the daemons')
    const nodes = (await podsOf('each')).map(({ spec }) => spec.nodeName)
    expect(new Set(nodes).size).toBe(nodes.length)
  })
  it('a Job completes', async () => {
    const spec = {
      completions: 2,
      parallelism: 2,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1.36', command: ['true'] }] } },
    }
    await made(`/apis/batch/v1/namespaces/${ns}/jobs`, { metadata: { name: 'work' }, spec })
    await until(
      async () =>
        (await get(`/apis/batch/v1/namespaces/${ns}/jobs/work`)).status.conditions?.some(
          ({ type, status }: any) => type === 'Complete' && status === 'True',
        ),
      'the job',
    )
    expect((await get(`/apis/batch/v1/namespaces/${ns}/jobs/work`)).status).toMatchObject({
      succeeded: 2,
      completionTime: expect.any(String),
    })
  })
  it('a Job gives up at its limit', async () => {
    const spec = {
      backoffLimit: 0,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1.36', command: ['false'] }] } },
    }
    await made(`/apis/batch/v1/namespaces/${ns}/jobs`, { metadata: { name: 'futile' }, spec })
    await until(
      async () =>
        (await get(`/apis/batch/v1/namespaces/${ns}/jobs/futile`)).status.conditions?.some(
          ({ type, reason }: any) => type === 'Failed' && reason === 'BackoffLimitExceeded',
        ),
      'the failure',
    )
  })
  it('a CronJob is stored with its defaults, and refuses a schedule that is none', async () => {
    const jobTemplate = { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox:1.36' }] } } } }
    const path = `/apis/batch/v1/namespaces/${ns}/cronjobs`
    expect((await made(path, { metadata: { name: 'nightly' }, spec: { schedule: '0 3 * * *', jobTemplate } })).spec).toMatchObject({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    })
    expect(
      (await request('POST', path, { metadata: { name: 'never' }, spec: { schedule: 'now and then', jobTemplate } })).json.message,
    ).toMatch(/spec\.schedule: Invalid value: "now and then"/)
  })
})

describe('disruption', () => {
  it('evicts only what a budget allows', async () => {
    await made(apps('deployments'), deployment('guarded', 2))
    await made(`/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`, {
      metadata: { name: 'guarded' },
      spec: { minAvailable: 2, selector: { matchLabels: { app: 'guarded' } } },
    })
    await ready('guarded', 2)
    await until(
      async () => (await get(`/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets/guarded`)).status?.currentHealthy === 2,
      'the budget to count',
    )
    const [pod] = (await podsOf('guarded')) as [any]
    const evict = () =>
      request('POST', `${core(`pods/${pod.metadata.name}`)}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod.metadata.name, namespace: ns },
      })
    expect((await evict()).json).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget' }] },
    })
    await patch(`/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets/guarded`, { spec: { minAvailable: 1 } })
    await until(async () => (await evict()).status === 201, 'the eviction to be allowed')
  })
})

describe('namespaces', () => {
  it('take everything in them along, and take nothing new meanwhile', async () => {
    const place = await cluster.namespace()
    await made(core('configmaps', place), { metadata: { name: 'held', finalizers: ['example.com/hold'] } })
    await made(core('pods', place), sleeper('inside'))
    await request('DELETE', `/api/v1/namespaces/${place}`)
    expect((await get(`/api/v1/namespaces/${place}`)).status.phase).toBe('Terminating')
    const refused = await request('POST', core('configmaps', place), { metadata: { name: 'late' } })
    expect(refused.json).toMatchObject({ code: 403, reason: 'Forbidden' })
    expect(refused.json.message).toContain(`unable to create new content in namespace ${place} because it is being terminated`)
    await until(
      async () =>
        (await get(`/api/v1/namespaces/${place}`)).status.conditions?.some(
          ({ type, status }: any) => type === 'NamespaceFinalizersRemaining' && status === 'True',
        ),
      'the condition',
    )
    await request(
      'PATCH',
      core('configmaps/held', place),
      { metadata: { finalizers: null } },
      { 'content-type': 'application/merge-patch+json' },
    )
    await until(async () => (await request('GET', `/api/v1/namespaces/${place}`)).status === 404, 'the namespace to go')
  })
  it('come with a default ServiceAccount and the root certificate', async () => {
    const place = await cluster.namespace()
    await until(async () => (await request('GET', core('configmaps/kube-root-ca.crt', place))).status === 200, 'the certificate')
    expect((await get(core('configmaps/kube-root-ca.crt', place))).data['ca.crt']).toMatch(/^-----BEGIN CERTIFICATE-----/)
    expect((await get(`/api/v1/namespaces/${place}`)).metadata.labels).toEqual({ 'kubernetes.io/metadata.name': place })
  })
})
