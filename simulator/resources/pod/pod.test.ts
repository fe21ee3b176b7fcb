import type { Pod } from 'kubernetes-types/core/v1'
import { describe, expect, test } from 'vitest'
import { contextWith, created, noon, row, sentences, updated } from '../testing.ts'
import { pods } from './definition.ts'

const container = { name: 'web', image: 'nginx:1.27' }
const pod = (spec: object = {}) => ({ spec: { containers: [container], ...spec } })
const ago = (milliseconds: number) => new Date(noon - milliseconds).toISOString()

describe('defaults', () => {
  test('of a bare pod', () => {
    const { object, errors } = created(pods, { ...pod(), status: { phase: 'Running', podIP: '1.2.3.4' } })
    expect(errors).toEqual([])
    expect(object.spec).toEqual({
      containers: [
        {
          ...container,
          imagePullPolicy: 'IfNotPresent',
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
        },
      ],
      dnsPolicy: 'ClusterFirst',
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      tolerations: [
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
    })
    expect(object.status).toEqual({ phase: 'Pending', qosClass: 'BestEffort' })
    expect(pods.defaults!(object, contextWith())).toBe(object)
  })

  test.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['registry.example:5000/nginx', 'Always'],
    ['nginx:1.27', 'IfNotPresent'],
    ['nginx@sha256:0123', 'IfNotPresent'],
  ])('pull policy of %s is %s', (image, policy) => {
    expect(created(pods, pod({ containers: [{ name: 'web', image }] })).object.spec.containers[0].imagePullPolicy).toBe(policy)
  })

  test('probes, ports, volumes, resources', () => {
    const { object, errors } = created(
      pods,
      pod({
        hostNetwork: true,
        containers: [
          {
            ...container,
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { port: 80 } },
            resources: { limits: { cpu: '0.5', memory: '64Mi' } },
            volumeMounts: [{ name: 'config', mountPath: '/etc/web' }],
          },
        ],
        volumes: [{ name: 'config', configMap: { name: 'web' } }, { name: 'scratch' }],
      }),
    )
    expect(errors).toEqual([])
    const [web] = object.spec.containers
    expect(web.ports).toEqual([{ containerPort: 80, hostPort: 80, protocol: 'TCP' }])
    expect(web.readinessProbe).toEqual({
      failureThreshold: 3,
      httpGet: { path: '/', port: 80, scheme: 'HTTP' },
      periodSeconds: 10,
      successThreshold: 1,
      timeoutSeconds: 1,
    })
    expect(web.resources).toEqual({ limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '500m', memory: '64Mi' } })
    expect(object.spec.volumes).toEqual([
      { name: 'config', configMap: { name: 'web', defaultMode: 420 } },
      { name: 'scratch', emptyDir: {} },
    ])
    expect(object.status.qosClass).toBe('Guaranteed')
  })

  test('priority comes from the class', () => {
    const context = contextWith({ 'priorityclasses.scheduling.k8s.io': [{ metadata: { name: 'high' }, value: 1000 }] })
    expect(created(pods, pod({ priorityClassName: 'high' }), context).object.spec.priority).toBe(1000)
    expect(created(pods, pod({ priorityClassName: 'system-node-critical' }), context).object.spec.priority).toBe(2000001000)
    expect(created(pods, pod({ priorityClassName: 'low' }), context).errors).toEqual([
      'spec.priorityClassName: Forbidden: no PriorityClass with name low was found',
    ])
  })
})

describe('validation', () => {
  const withContainer = (more: object) => pod({ containers: [{ ...container, ...more }] })
  test.each<[string, object, string[]]>([
    ['no containers', { spec: { containers: [] } }, ['spec.containers: Required value']],
    ['no spec', {}, ['spec.containers: Required value']],
    ['no image', pod({ containers: [{ name: 'web' }] }), ['spec.containers[0].image: Required value']],
    ['two of a name', pod({ containers: [container, container] }), ['spec.containers[1].name: Duplicate value: "web"']],
    [
      'mount without volume',
      withContainer({ volumeMounts: [{ name: 'config', mountPath: '/x' }] }),
      ['spec.containers[0].volumeMounts[0].name: Not found: "config"'],
    ],
    [
      'port out of range',
      withContainer({ ports: [{ containerPort: 70000 }] }),
      ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [
      'unknown protocol',
      withContainer({ ports: [{ containerPort: 80, protocol: 'HTTP' }] }),
      ['spec.containers[0].ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'],
    ],
    [
      'port name',
      withContainer({
        ports: [
          { containerPort: 80, name: 'http' },
          { containerPort: 81, name: 'http' },
        ],
      }),
      ['spec.containers[0].ports[1].name: Duplicate value: "http"'],
    ],
    [
      'probe without handler',
      withContainer({ livenessProbe: {} }),
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'probe with two',
      withContainer({ readinessProbe: { exec: { command: ['true'] }, tcpSocket: { port: 80 } } }),
      ['spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
    ],
    [
      'liveness successThreshold',
      withContainer({ livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2 } }),
      ['spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1'],
    ],
    ['env without name', withContainer({ env: [{ name: '', value: 'x' }] }), ['spec.containers[0].env[0].name: Required value']],
    [
      'env from nothing',
      withContainer({ env: [{ name: 'A', valueFrom: {} }] }),
      [
        'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
      ],
    ],
    [
      'quantity',
      withContainer({ resources: { limits: { cpu: 'lots' } } }),
      [
        'spec.containers[0].resources.limits[cpu]: Invalid value: "lots": quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
        'spec.containers[0].resources.requests[cpu]: Invalid value: "lots": quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
      ],
    ],
    [
      'request above limit',
      withContainer({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } }),
      ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ],
    [
      'restart policy',
      pod({ restartPolicy: 'Sometimes' }),
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ],
    ['dnsPolicy None', pod({ dnsPolicy: 'None' }), ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']],
    [
      'nameservers',
      pod({ dnsConfig: { nameservers: ['dns'] } }),
      ['spec.dnsConfig.nameservers[0]: Invalid value: "dns": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ],
    [
      'ephemeral on create',
      pod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] }),
      ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
    ],
    [
      'init container with probe',
      pod({ initContainers: [{ name: 'init', image: 'busybox', readinessProbe: { tcpSocket: { port: 1 } } }] }),
      ['spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
    ],
    [
      'toleration',
      pod({ tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] }),
      ['spec.tolerations[0].operator: Invalid value: "b": value must be empty when `operator` is \'Exists\''],
    ],
    [
      'image with space',
      withContainer({ image: ' nginx' }),
      ['spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace'],
    ],
  ])('%s', (_what, object, expected) => {
    expect(created(pods, object).errors).toEqual(expected)
  })

  test('only the image of a standing pod may change', () => {
    const { object } = created(pods, pod())
    const change = (more: object) => ({ ...object, spec: { ...object.spec, ...more } })
    expect(updated(pods, change({ containers: [{ ...object.spec.containers[0], image: 'nginx:1.28' }] }), object).errors).toEqual([])
    expect(updated(pods, change({ tolerations: [...object.spec.tolerations, { key: 'x', operator: 'Exists' }] }), object).errors).toEqual(
      [],
    )
    expect(updated(pods, change({ containers: [...object.spec.containers, { name: 'b', image: 'b' }] }), object).errors).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ])
    const [error] = updated(pods, change({ dnsPolicy: 'Default' }), object).errors
    expect(error).toContain(
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n@@ ',
    )
    expect(error).toContain('\n- "dnsPolicy": "ClusterFirst",\n+ "dnsPolicy": "Default",\n')
  })

  test('ephemeral containers are only added', () => {
    const { object } = created(pods, pod())
    const ephemeral = (image: string) =>
      pods.defaults!({ ...object, spec: { ...object.spec, ephemeralContainers: [{ name: 'debug', image }] } } as Pod, contextWith())
    expect(pods.validateEphemeralContainers!(ephemeral('busybox:1'), object, contextWith())).toEqual([])
    expect(sentences(pods.validateEphemeralContainers!(object, ephemeral('busybox:1'), contextWith()))).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n',
    ])
  })
})

test.each([
  [{}, undefined, 0],
  [{ nodeName: 'node-1' }, undefined, 30],
  [{ nodeName: 'node-1' }, 5, 5],
  [{ nodeName: 'node-1', terminationGracePeriodSeconds: 3 }, undefined, 3],
])('grace period of %o asked for %s', (spec, requested, expected) => {
  expect(pods.gracePeriodSeconds!(pod(spec) as Pod, requested)).toBe(expected)
})

describe('columns', () => {
  const status = (more: object, spec: object = {}, metadata: object = {}) => ({
    metadata: { name: 'web', creationTimestamp: ago(300_000), ...metadata },
    spec: { containers: [container], ...spec },
    status: { phase: 'Running', ...more },
  })
  const running = { name: 'web', ready: true, restartCount: 0, state: { running: {} } }
  const crashed = {
    name: 'web',
    ready: false,
    restartCount: 3,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 1, finishedAt: ago(12_000) } },
  }
  const ready = [{ type: 'Ready', status: 'True' }]
  test.each<[string, object, string, string, string]>([
    ['pending', status({ phase: 'Pending' }), '0/1', 'Pending', '0'],
    ['running', status({ containerStatuses: [running], conditions: ready }), '1/1', 'Running', '0'],
    ['crash loop', status({ containerStatuses: [crashed] }), '0/1', 'CrashLoopBackOff', '3 (12s ago)'],
    [
      'creating',
      status({ phase: 'Pending', containerStatuses: [{ ...running, ready: false, state: { waiting: { reason: 'ContainerCreating' } } }] }),
      '0/1',
      'ContainerCreating',
      '0',
    ],
    [
      'completed',
      status({
        phase: 'Succeeded',
        containerStatuses: [{ ...running, ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
      }),
      '0/1',
      'Completed',
      '0',
    ],
    [
      'error',
      status({
        phase: 'Failed',
        containerStatuses: [{ ...running, ready: false, state: { terminated: { exitCode: 1, reason: 'Error' } } }],
      }),
      '0/1',
      'Error',
      '0',
    ],
    ['terminating', status({ containerStatuses: [running] }, {}, { deletionTimestamp: ago(0) }), '1/1', 'Terminating', '0'],
    [
      'first init',
      status(
        { phase: 'Pending', initContainerStatuses: [{ name: 'init', ready: false, restartCount: 0, state: { running: {} } }] },
        { initContainers: [{ name: 'init' }, { name: 'next' }] },
      ),
      '0/1',
      'Init:0/2',
      '0',
    ],
    [
      'init fails',
      status(
        {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'init', ready: false, restartCount: 2, state: { terminated: { exitCode: 1, reason: 'Error' } } }],
        },
        { initContainers: [{ name: 'init' }] },
      ),
      '0/1',
      'Init:Error',
      '2',
    ],
    [
      'sidecar',
      status(
        {
          containerStatuses: [running],
          conditions: ready,
          initContainerStatuses: [{ name: 'proxy', ready: true, started: true, restartCount: 0, state: { running: {} } }],
        },
        { initContainers: [{ name: 'proxy', restartPolicy: 'Always' }] },
      ),
      '2/2',
      'Running',
      '0',
    ],
    ['evicted', status({ phase: 'Failed', reason: 'Evicted' }), '0/1', 'Evicted', '0'],
    [
      'gated',
      status({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      '0/1',
      'SchedulingGated',
      '0',
    ],
  ])('%s', (_what, object, READY, STATUS, RESTARTS) => {
    expect(row(pods, object)).toEqual({ Name: 'web', Ready: READY, Status: STATUS, Restarts: RESTARTS, Age: '5m' })
  })

  test('wide', () => {
    const object = status({ podIPs: [{ ip: '10.244.1.2' }] }, { nodeName: 'node-1' })
    expect(Object.entries(row(pods, object, true)).slice(5)).toEqual([
      ['IP', '10.244.1.2'],
      ['Node', 'node-1'],
      ['Nominated Node', '<none>'],
      ['Readiness Gates', '<none>'],
    ])
  })
})
