import { describe, expect, test } from 'vitest'
import type { Command } from '../programs/process.ts'
import { catalogue, collect, conflist, fakeNode } from './testing/fake-node.ts'

const conditionsOf = (pod: { status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] } }) =>
  Object.fromEntries((pod.status.conditions ?? []).map(({ type, status }) => [type, status]))

describe('the node', () => {
  test('is NotReady with the real words until a network is configured, then Ready', () => {
    const node = fakeNode({ network: false })
    const ready = () => node.api.get<any>('nodes', undefined, 'worker').status.conditions.find((one: any) => one.type === 'Ready')
    expect(ready()).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message:
        'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
    })
    node.run('web', {})
    node.settle()
    node.time.advance(0)
    expect(node.pod('web').status.phase).toBe('Pending')
    expect(node.events()).toContain(`Warning NetworkNotReady: network is not ready: ${ready().message}`)
    node.files.makeDirectory('/etc/cni/net.d', { parents: true })
    node.files.write('/etc/cni/net.d/10-podnet.conflist', conflist)
    node.settle()
    node.time.advance(0)
    expect(ready()).toMatchObject({ status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' })
    expect(node.pod('web').status.phase).toBe('Running')
    expect(node.errors).toEqual([])
  })

  test('renews its lease to the last ten seconds when asked, and has no timer for it', () => {
    const node = fakeNode()
    expect(node.clock.next()).toBeUndefined()
    node.time.advance(65_432)
    node.kubelet.renewLease()
    expect(node.api.get<any>('leases.coordination.k8s.io', 'kube-node-lease', 'worker').spec.renewTime).toBe('2025-11-24T12:01:00.000000Z')
  })
})

describe('a pod', () => {
  test('runs and is ready in one instant with one status write', () => {
    const node = fakeNode()
    node.run('web', { containers: [{ name: 'app', image: 'web:1.0', readinessProbe: { httpGet: { port: 8080, path: '/ready' } } }] })
    node.settle()
    node.time.advance(0)
    const pod = node.pod('web')
    expect(pod.status).toMatchObject({ phase: 'Running', podIP: '10.244.1.2', hostIP: '172.18.0.3', qosClass: 'BestEffort' })
    expect(conditionsOf(pod)).toEqual({
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
      PodScheduled: 'True',
    })
    expect(node.status('web')).toMatchObject({
      ready: true,
      started: true,
      restartCount: 0,
      image: 'docker.io/library/web:1.0',
      state: { running: { startedAt: '2025-11-24T12:00:00Z' } },
    })
    expect(node.status('web')?.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/)
    expect(node.status('web')?.imageID).toMatch(/^docker\.io\/library\/web@sha256:[0-9a-f]{64}$/)
    expect(node.api.writes['status pods']).toBe(1)
    expect(node.events()).toEqual([
      'Normal Pulling: Pulling image "web:1.0"',
      expect.stringMatching(
        /^Normal Pulled: Successfully pulled image "web:1.0" in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\.$/,
      ),
      'Normal Created: Created container: app',
      'Normal Started: Started container app',
    ])
    node.run('again', {})
    node.settle()
    expect(node.events()).toContain('Normal Pulled: Container image "web:1.0" already present on machine')
    expect(node.errors).toEqual([])
  })

  test('that crashes backs off 10, 20, 40 s in the real words, and keeps its logs', async () => {
    const node = fakeNode()
    node.run('coredns', { containers: [{ name: 'coredns', image: 'web:1.0', env: [{ name: 'FAIL_START', value: '1' }] }] })
    await node.pass()
    expect(node.status('coredns')?.state).toMatchObject({ terminated: { exitCode: 1, reason: 'Error' } })
    await node.pass(1000)
    expect(node.status('coredns')).toMatchObject({ restartCount: 1, state: { terminated: {} }, lastState: { terminated: { exitCode: 1 } } })
    await node.pass(1000)
    const uid = node.pod('coredns').metadata?.uid
    expect(node.status('coredns')?.state).toEqual({
      waiting: { reason: 'CrashLoopBackOff', message: `back-off 10s restarting failed container=coredns pod=coredns_default(${uid})` },
    })
    expect(node.status('coredns')?.lastState?.terminated).toMatchObject({ exitCode: 1, reason: 'Error' })
    expect(conditionsOf(node.pod('coredns'))).toMatchObject({ Ready: 'False', ContainersReady: 'False', Initialized: 'True' })
    expect(node.pod('coredns').status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [coredns]',
    })
    expect(node.pod('coredns').status.phase).toBe('Running')
    await node.pass(10_000)
    expect(node.status('coredns')?.restartCount).toBe(2)
    await node.pass(2000)
    expect(node.status('coredns')?.state?.waiting?.message).toContain('back-off 20s')
    expect(node.events()).toContain(`Warning BackOff x2: Back-off restarting failed container coredns in pod coredns_default(${uid})`)
    let text = ''
    const write = async (line: string) => {
      text += line
    }
    await node.kubelet.api.logs('default', 'coredns', { previous: true, tailLines: 1 }, write, new AbortController().signal)
    expect(text).toBe('/etc/app/Corefile:3 - Error during parsing: Unknown directive "forwrd"\n')
    expect(node.errors).toEqual([])
  })

  test('whose command is not in the image fails to start as runc says it', async () => {
    const node = fakeNode()
    node.run('bad', { containers: [{ name: 'app', image: 'busybox:1.0', command: ['nope'] }] })
    await node.pass()
    const message =
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "nope": executable file not found in $PATH: unknown'
    expect(node.status('bad')).toMatchObject({
      state: { waiting: { reason: 'RunContainerError', message } },
      lastState: { terminated: { reason: 'StartError', exitCode: 128, startedAt: '1970-01-01T00:00:00Z', message } },
    })
    expect(node.events()).toContain(`Warning Failed: Error: ${message}`)
    await node.pass(2500)
    expect(node.status('bad')?.state?.waiting?.reason).toBe('CrashLoopBackOff')
  })

  test('waits for an image that cannot be pulled', async () => {
    const node = fakeNode()
    node.run('bad', { containers: [{ name: 'app', image: 'web:2.0' }] })
    await node.pass()
    const error =
      'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/web:2.0": failed to resolve image: docker.io/library/web:2.0: not found'
    expect(node.status('bad')?.state?.waiting).toEqual({ reason: 'ErrImagePull', message: error })
    await node.pass(1000)
    expect(node.status('bad')?.state?.waiting).toEqual({
      reason: 'ImagePullBackOff',
      message: `Back-off pulling image "web:2.0": ErrImagePull: ${error}`,
    })
    await node.pass(40_000)
    expect(
      node
        .events()
        .filter((event) => event.includes('Pulling image'))
        .join(),
    ).toContain('x3')
    await expect(node.kubelet.api.logs('default', 'bad', {}, async () => {}, new AbortController().signal)).rejects.toThrow(
      'container "app" in pod "bad" is waiting to start: trying and failing to pull image',
    )
  })

  test('waits for a ConfigMap that is missing, and follows its changes a minute later', async () => {
    const node = fakeNode()
    node.run('web', {
      containers: [{ name: 'app', image: 'web:1.0', volumeMounts: [{ name: 'config', mountPath: '/etc/app' }] }],
      volumes: [{ name: 'config', configMap: { name: 'settings' } }],
    })
    await node.pass()
    expect(node.status('web')?.state?.waiting?.reason).toBe('ContainerCreating')
    expect(node.events()).toEqual(['Warning FailedMount: MountVolume.SetUp failed for volume "config" : configmap "settings" not found'])
    node.api.create('configmaps', { metadata: { name: 'settings', namespace: 'default' }, data: { mode: 'old' } })
    await node.pass(1000)
    expect(node.pod('web').status.phase).toBe('Running')
    const read = () => collect((output) => node.kubelet.api.exec('default', 'web', { ...plain, command: ['cat', '/etc/app/mode'] }, output))
    expect((await read()).stdout).toBe('old')
    expect(node.clock.next()).toBeUndefined()
    node.api.update('configmaps', { metadata: { name: 'settings', namespace: 'default' }, data: { mode: 'new' } })
    await node.pass(55_000)
    expect((await read()).stdout).toBe('old')
    await node.pass(36_000)
    expect((await read()).stdout).toBe('new')
  })

  test('is deleted gracefully: SIGTERM, then SIGKILL after the grace, then the object goes', async () => {
    const node = fakeNode()
    node.run('polite', {})
    node.run('stubborn', {
      containers: [{ name: 'app', image: 'web:1.0', env: [{ name: 'STUBBORN', value: '1' }] }],
      terminationGracePeriodSeconds: 5,
    })
    await node.pass()
    node.api.delete('pods', 'default', 'polite')
    node.api.delete('pods', 'default', 'stubborn')
    await node.pass(1)
    expect(node.pod('polite')).toBeUndefined()
    expect(node.status('stubborn')?.state?.running).toBeDefined()
    await node.pass(5000)
    expect(node.pod('stubborn')).toBeUndefined()
    expect(node.events()).toContain('Normal Killing: Stopping container app')
    expect(node.kubelet.containers()).toBe(0)
    expect(node.machine.namespaces()).toHaveLength(1)
    expect(Object.keys(node.kubelet.snapshot().pods)).toEqual([])
    expect(node.errors).toEqual([])
  })

  test('with init containers and a sidecar starts them in order and completes', async () => {
    const node = fakeNode()
    node.run('job', {
      restartPolicy: 'Never',
      initContainers: [
        { name: 'first', image: 'busybox:1.0', command: ['sleep', '5'] },
        { name: 'proxy', image: 'web:1.0', restartPolicy: 'Always' } as any,
      ],
      containers: [{ name: 'work', image: 'busybox:1.0', command: ['sleep', '10'] }],
    })
    await node.pass(1000)
    expect(node.status('job')?.state?.waiting?.reason).toBe('PodInitializing')
    expect(node.pod('job').status.conditions?.find(({ type }) => type === 'Initialized')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [first proxy]',
    })
    await node.pass(5000)
    expect(node.pod('job').status.phase).toBe('Running')
    expect(node.pod('job').status.initContainerStatuses?.[0]).toMatchObject({ ready: true, state: { terminated: { reason: 'Completed' } } })
    await node.pass(12_000)
    expect(node.pod('job').status.phase).toBe('Succeeded')
    expect(node.pod('job').status.initContainerStatuses?.[1]?.state?.terminated).toBeDefined()
    expect(node.pod('job').status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    })
  })

  test('gets no sandbox where the CNI chain fails', async () => {
    const node = fakeNode({ network: false })
    node.files.makeDirectory('/etc/cni/net.d', { parents: true })
    node.files.write(
      '/etc/cni/net.d/10-a.conflist',
      JSON.stringify({ name: 'a', cniVersion: '1.0.0', plugins: [{ type: 'bridge', broken: true }] }),
    )
    node.run('web', {})
    await node.pass()
    expect(node.events()[0]).toMatch(
      /^Warning FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "[0-9a-f]{64}": plugin type="bridge" failed \(add\): open \/run\/flannel\/subnet\.env: no such file or directory$/,
    )
    node.files.write('/etc/cni/net.d/10-a.conflist', JSON.stringify({ name: 'a', cniVersion: '1.0.0', plugins: [{ type: 'flannel' }] }))
    await node.pass(1)
    expect(node.events().at(-1)).toMatch(/failed to find plugin "flannel" in path \[\/opt\/cni\/bin\]$/)
    expect(node.machine.namespaces()).toHaveLength(1)
  })
})

describe('probes', () => {
  const probed = (more: object) => ({ containers: [{ name: 'app', image: 'web:1.0', ...more }] })

  test('readiness follows what the server answers over the network', async () => {
    const node = fakeNode()
    node.run('web', probed({ readinessProbe: { httpGet: { port: 8080, path: '/ready' }, periodSeconds: 10 } }))
    await node.pass(30_000)
    expect(node.status('web')?.ready).toBe(true)
    node.machine.root.sockets
      .connectTcp({ address: '10.244.1.2', port: 8080 }, {})
      .write(new TextEncoder().encode('GET /fail HTTP/1.1\r\n\r\n'))
    await node.pass(35_000)
    expect(node.status('web')?.ready).toBe(false)
    expect(node.status('web')?.restartCount).toBe(0)
    expect(node.events().at(-1)).toMatch(/^Warning Unhealthy x\d: Readiness probe failed: HTTP probe failed with statuscode: 503$/)
  })

  test('a port where nothing listens is refused in the real words', async () => {
    const node = fakeNode()
    node.run('web', probed({ readinessProbe: { httpGet: { port: 8181, path: '/ready' } } }))
    await node.pass(0)
    expect(node.status('web')?.ready).toBe(false)
    expect(node.events().at(-1)).toBe(
      'Warning Unhealthy: Readiness probe failed: Get "http://10.244.1.2:8181/ready": dial tcp 10.244.1.2:8181: connect: connection refused',
    )
  })

  test('a failing liveness probe restarts the container', async () => {
    const node = fakeNode()
    node.run('web', probed({ livenessProbe: { tcpSocket: { port: 9 }, periodSeconds: 5, failureThreshold: 2 } }))
    await node.pass(4000)
    expect(node.status('web')?.restartCount).toBe(0)
    await node.pass(3000)
    expect(node.events()).toContain('Normal Killing: Container app failed liveness probe, will be restarted')
    expect(node.status('web')).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 0, reason: 'Completed' } } })
  })

  test('a silent address times out', async () => {
    const node = fakeNode()
    node.network.silent.add('10.244.1.2')
    node.run('web', probed({ readinessProbe: { httpGet: { port: 8080, path: '/' }, timeoutSeconds: 2 } }))
    await node.pass(2000)
    expect(node.events().at(-1)).toContain(
      'Get "http://10.244.1.2:8080/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    )
  })

  test('exec probes run in the container', async () => {
    const node = fakeNode()
    node.run('web', probed({ readinessProbe: { exec: { command: ['cat', '/tmp/ready'] }, periodSeconds: 2 } }))
    await node.pass(100)
    expect(node.status('web')?.ready).toBe(false)
    expect(node.events().at(-1)).toBe('Warning Unhealthy: Readiness probe failed: cat: No such file or directory\n')
  })

  test('all steady probes of a node share one timer', async () => {
    const node = fakeNode()
    for (let i = 0; i < 5; i++) {
      node.run(
        `web${i}`,
        probed({ readinessProbe: { httpGet: { port: 8080, path: '/' } }, livenessProbe: { httpGet: { port: 8080, path: '/' } } }),
      )
      await node.pass(1700)
    }
    await node.pass(60_000)
    const durable = node.clock.snapshot()
    expect(durable).toHaveLength(1)
    expect((durable[0]?.at ?? 1) % 10_000).toBe(0)
  })

  const readiness = { readinessProbe: { httpGet: { port: 8080, path: '/' } } }

  test('rest on a node where nothing happens, then sleep until something happens anywhere', async () => {
    const node = fakeNode()
    node.run('web', probed(readiness))
    await node.pass(600_000)
    expect(node.clock.next()).toBeUndefined()
    await node.pass(3_600_000)
    node.machine.root.sockets
      .connectTcp({ address: '10.244.1.2', port: 8080 }, {})
      .write(new TextEncoder().encode('GET /fail HTTP/1.1\r\n\r\n'))
    await node.pass(10)
    // Its turn is the one that it would have had if none had been left out.
    expect((node.clock.next() ?? 0) - node.clock.now()).toBeLessThanOrEqual(300_000)
    await node.pass(331_000)
    expect(node.status('web')?.ready).toBe(false)
  })

  test('do not sleep while one fails', async () => {
    const node = fakeNode()
    node.run('web', probed({ readinessProbe: { httpGet: { port: 8080, path: '/missing' } } }))
    await node.pass(600_000)
    expect((node.clock.next() ?? 0) - node.clock.now()).toBeLessThanOrEqual(10_000)
  })
})

const plain = { stdin: false, stdout: true, stderr: true, tty: false }

describe('exec', () => {
  test('runs what the image has, with the pod’s environment, and reports its exit code', async () => {
    const node = fakeNode()
    node.api.create('services', {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] },
    })
    node.run('web', {
      containers: [
        {
          name: 'app',
          image: 'web:1.0',
          env: [
            { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'URL', value: 'http://$(IP):$(KUBERNETES_SERVICE_PORT)/$(NONE)$$' },
          ],
        },
      ],
    })
    await node.pass()
    const exec = (command: string[]) => collect((output) => node.kubelet.api.exec('default', 'web', { ...plain, command }, output))
    const { stdout } = await exec(['env'])
    expect(stdout).toContain('URL=http://10.244.1.2:443/$(NONE)$\n')
    expect(stdout).toContain('HOSTNAME=web\n')
    expect(await exec(['sh', '-c', 'exit 3'])).toMatchObject({ code: 3 })
    expect((await exec(['cat', '/etc/resolv.conf'])).stdout).toBe(
      'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
    )
    expect((await exec(['cat', '/etc/hosts'])).stdout).toContain('10.244.1.2\tweb\n')
  })

  test('a distroless image has no shell, and containerd says so', async () => {
    const node = fakeNode()
    node.run('web', { containers: [{ name: 'app', image: 'registry.k8s.io/distroless:1.0' }] })
    await node.pass()
    await expect(collect((output) => node.kubelet.api.exec('default', 'web', { ...plain, command: ['bash'] }, output))).rejects.toThrow(
      /^Internal error occurred: error executing command in container: failed to exec in container: failed to start exec "[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "bash": executable file not found in \$PATH: unknown$/,
    )
    expect(() => node.kubelet.api.exec('default', 'web', { ...plain, container: 'x', command: ['sh'] }, async () => {})).toThrow(
      'container x is not valid for pod web',
    )
  })

  test('with a terminal echoes keys and ends at ^D', async () => {
    const node = fakeNode()
    node.run('web', {})
    await node.pass()
    let shown = ''
    const session = node.kubelet.api.exec('default', 'web', { ...plain, stdin: true, tty: true, command: ['sh'] }, async (_, bytes) => {
      shown += new TextDecoder().decode(bytes)
    })
    await session.stdin(new TextEncoder().encode('ls\r'))
    await node.pass()
    expect(shown).toBe('ls\r\n$ ls\r\n')
    await session.stdin(new TextEncoder().encode('\x04'))
    expect(await session.exit).toBe(0)
  })

  test('as process 1 of a container a command that handles no SIGTERM lives until the grace is over', async () => {
    const node = fakeNode()
    const containers = [{ name: 'app', image: 'busybox:1.0', command: ['sleep', '3600'] }]
    node.run('box', { containers })
    node.run('shared', { containers, shareProcessNamespace: true })
    await node.pass()
    node.api.delete('pods', 'default', 'box')
    node.api.delete('pods', 'default', 'shared')
    await node.pass(29_000)
    expect(node.pod('shared')).toBeUndefined()
    expect(node.status('box')?.state?.running).toBeDefined()
    await node.pass(1001)
    expect(node.pod('box')).toBeUndefined()
  })

  test('a container that takes more memory than its limit is killed by the kernel, and backs off', async () => {
    const hog = {
      kind: 'command',
      id: 'test/hog',
      usage: { bytes: 250 * 1024 * 1024 },
      run: (process) => process.clock.sleep(3_600_000, process.signal).then(() => 0),
    } satisfies Command
    const image = { repositories: ['docker.io/library/hog'], tags: () => true, entrypoint: ['/hog'], executables: { '/hog': hog } }
    const node = fakeNode({ catalogue: { ...catalogue, images: [...catalogue.images, image] } })
    const hogs = (memory: string) => ({ containers: [{ name: 'app', image: 'hog', resources: { limits: { memory } } }] })
    node.run('large', hogs('300Mi'))
    node.run('small', hogs('100Mi'))
    await node.pass()
    expect(node.status('large')?.state?.running).toBeDefined()
    expect(node.status('small')?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
    await node.pass(2000)
    expect(node.status('small')).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    })
  })
})

describe('life-cycle hooks and late comers', () => {
  test('preStop runs before SIGTERM, within the grace', async () => {
    const node = fakeNode()
    node.run('web', { containers: [{ name: 'app', image: 'web:1.0', lifecycle: { preStop: { exec: { command: ['sleep', '3'] } } } }] })
    await node.pass()
    node.api.delete('pods', 'default', 'web')
    await node.pass(2900)
    expect(node.status('web')?.state?.running).toBeDefined()
    await node.pass(200)
    expect(node.pod('web')).toBeUndefined()
  })

  test('a postStart hook that fails kills its container', async () => {
    const node = fakeNode()
    node.run('web', { containers: [{ name: 'app', image: 'web:1.0', lifecycle: { postStart: { exec: { command: ['exit', '1'] } } } }] })
    await node.pass(10)
    expect(node.events()).toContain('Warning FailedPostStartHook: PostStartHook failed')
    expect(node.status('web')?.state?.terminated).toBeDefined()
  })

  test('an ephemeral container is started in the running pod and can be attached to', async () => {
    const node = fakeNode()
    node.run('web', {})
    await node.pass()
    const pod = node.pod('web')
    node.api.update('pods', {
      ...pod,
      spec: { ...pod.spec, ephemeralContainers: [{ name: 'debugger', image: 'busybox:1.0', stdin: true, tty: true }] },
    } as any)
    await node.pass()
    expect(node.pod('web').status.ephemeralContainerStatuses?.[0]?.state?.running).toBeDefined()
    let shown = ''
    const session = node.kubelet.api.attach(
      'default',
      'web',
      { ...plain, stdin: true, tty: true, container: 'debugger', command: [] },
      async (_, bytes) => {
        shown += new TextDecoder().decode(bytes)
      },
    )
    await session.stdin(new TextEncoder().encode('hi\r'))
    await node.pass()
    expect(shown).toContain('$ hi')
    await session.stdin(new TextEncoder().encode('\x04'))
    await node.pass(10)
    expect(await session.exit).toBe(0)
    expect(node.pod('web').status.ephemeralContainerStatuses?.[0]?.state?.terminated?.reason).toBe('Completed')
    expect(node.status('web')?.restartCount).toBe(0)
  })

  test('a pod that is removed by force leaves nothing behind', async () => {
    const node = fakeNode()
    node.run('web', { containers: [{ name: 'app', image: 'web:1.0', env: [{ name: 'STUBBORN', value: '1' }] }] })
    await node.pass()
    node.api.delete('pods', 'default', 'web', { gracePeriodSeconds: 0 })
    await node.pass(1500)
    expect(node.kubelet.containers()).toBe(0)
    expect(Object.keys(node.kubelet.snapshot().pods)).toEqual([])
    expect(node.errors).toEqual([])
  })

  test('a mount from the node is refused when it is not what its type says', async () => {
    const node = fakeNode()
    node.run('web', { volumes: [{ name: 'sock', hostPath: { path: '/nowhere', type: 'Directory' } }] })
    await node.pass()
    expect(node.events()).toEqual([
      'Warning FailedMount: MountVolume.SetUp failed for volume "sock" : hostPath type check failed: /nowhere is not a directory',
    ])
  })
})

describe('logs', () => {
  test('follow until the container ends, with timestamps', async () => {
    const node = fakeNode()
    node.run('web', { containers: [{ name: 'app', image: 'web:1.0', env: [{ name: 'TICK', value: '1500' }] }], restartPolicy: 'Never' })
    await node.pass()
    let text = ''
    const done = node.kubelet.api.logs(
      'default',
      'web',
      { follow: true, timestamps: true },
      async (lines) => {
        text += lines
      },
      new AbortController().signal,
    )
    await node.pass(2000)
    expect(text).toBe('2025-11-24T12:00:00.000000000Z listening on 8080 as web\n2025-11-24T12:00:01.500000000Z tick after 0 hits\n')
    node.api.delete('pods', 'default', 'web')
    await node.pass(10)
    await done
  })

  test('say which container to name', async () => {
    const node = fakeNode()
    node.run('two', {
      containers: [
        { name: 'a', image: 'web:1.0' },
        { name: 'b', image: 'web:1.0', command: ['sleep', '9'] },
      ],
    })
    await node.pass()
    const logs = (options: object) => node.kubelet.api.logs('default', 'two', options, async () => {}, new AbortController().signal)
    await expect(logs({})).rejects.toThrow('a container name must be specified for pod two, choose one of: [a b]')
    await expect(logs({ container: 'a', previous: true })).rejects.toThrow('previous terminated container "a" in pod "two" not found')
  })
})

describe('static pods', () => {
  const manifest = (image: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata:\n  name: etcd\n  namespace: kube-system\nspec:\n  hostNetwork: true\n  containers:\n  - name: etcd\n    image: ${image}\n`

  test('are shown as mirrors, replaced on edit, removed with the file', async () => {
    const node = fakeNode()
    node.files.makeDirectory('/etc/kubernetes/manifests', { parents: true })
    node.files.write('/etc/kubernetes/manifests/etcd.yaml', manifest('web:1.0'))
    await node.pass()
    const mirror = () => node.pod('etcd-worker', 'kube-system')
    expect(mirror().metadata?.annotations).toMatchObject({
      'kubernetes.io/config.source': 'file',
      'kubernetes.io/config.hash': expect.any(String),
    })
    expect(mirror().metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'worker' })
    expect(mirror().status).toMatchObject({ phase: 'Running', podIP: '172.18.0.3' })
    const before = mirror().status.containerStatuses?.[0]?.containerID
    node.api.delete('pods', 'kube-system', 'etcd-worker')
    await node.pass()
    expect(mirror().status.containerStatuses?.[0]?.containerID).toBe(before)
    node.files.write('/etc/kubernetes/manifests/etcd.yaml', manifest('web:latest'))
    await node.pass(10)
    expect(mirror().status.containerStatuses?.[0]).toMatchObject({ image: 'docker.io/library/web:latest', restartCount: 0 })
    node.files.remove('/etc/kubernetes/manifests/etcd.yaml')
    await node.pass(10)
    expect(mirror()).toBeUndefined()
    expect(node.kubelet.containers()).toBe(0)
    expect(node.errors).toEqual([])
  })
})

describe('snapshot and restore', () => {
  test('daemons go on from their state, commands start anew, nothing counts as a restart', async () => {
    const node = fakeNode()
    node.run('web', {
      containers: [
        {
          name: 'app',
          image: 'web:1.0',
          env: [{ name: 'TICK', value: '40000' }],
          readinessProbe: { httpGet: { port: 8080, path: '/' } },
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
        { name: 'shell', image: 'busybox:1.0', command: ['sleep', '3600'] },
      ],
      volumes: [{ name: 'data', emptyDir: {} }],
    })
    await node.pass(25_000)
    const [live] = [node.pod('web')]
    const writes = node.api.writes['status pods']
    node.restart()
    await node.pass(20_000)
    expect(node.errors).toEqual([])
    expect(node.pod('web').status).toEqual(live.status)
    expect(node.api.writes['status pods']).toBe(writes)
    let text = ''
    await node.kubelet.api.logs(
      'default',
      'web',
      { container: 'app' },
      async (lines) => {
        text += lines
      },
      new AbortController().signal,
    )
    expect(text).toMatch(/^listening on 8080 as web\nresumed on 8080 as web\ntick after 4 hits\n$/)
  })

  test('what a pod that is gone by force leaves running is stopped, over a restore too', async () => {
    const node = fakeNode()
    node.run('web', { containers: [{ name: 'app', image: 'busybox:1.0', command: ['sleep', '3600'] }] })
    await node.pass(5000)
    node.api.delete('pods', 'default', 'web', { gracePeriodSeconds: 0 })
    node.clock.settle()
    expect(node.kubelet.containers()).toBe(1)
    node.restart()
    await node.pass(5000)
    expect(node.kubelet.containers()).toBe(0)
    expect(Object.keys(node.kubelet.snapshot().pods)).toEqual([])
    expect(node.errors).toEqual([])
  })

  test('a back-off goes on over a restore', async () => {
    const node = fakeNode()
    node.run('bad', { containers: [{ name: 'app', image: 'web:1.0', env: [{ name: 'FAIL_START', value: '1' }] }] })
    await node.pass(5000)
    node.restart()
    await node.pass(5000)
    expect(node.status('bad')?.restartCount).toBe(1)
    await node.pass(4000)
    expect(node.status('bad')).toMatchObject({ restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } })
  })
})
