import type { Api } from '../apiserver/api.ts'
import { createApi } from '../apiserver/registry/api.ts'
import { EventLoop, HeldTime } from '../clock.ts'
import type { KubeObject } from '../kubernetes.ts'
import { Random } from '../random.ts'
import { resources } from '../resources/catalogue.ts'
import { Store } from '../store/store.ts'
import type { Controller, ControllerWorld } from './controller.ts'
import type { PodObject } from './pods.ts'

/** For tests: control loops over a real registry, with kubelets that only say what a test tells them to. */
export interface ControllerBench {
  readonly api: Api
  readonly time: HeldTime
  readonly defects: unknown[]
  settle(): void
  /** Marks every scheduled (or any, without a scheduler) pod as running; `ready` decides which are ready. */
  runPods(ready?: (pod: PodObject) => boolean): void
  pods(namespace?: string): readonly PodObject[]
}

export function controllerBench(controllers: readonly Controller[]): ControllerBench {
  const time = new HeldTime(Date.UTC(2026, 0, 1))
  const defects: unknown[] = []
  const clock = new EventLoop(time, (error) => defects.push(error))
  const random = new Random(1)
  const store = new Store({ clock })
  const api = createApi({
    store,
    definitions: resources,
    clock,
    random,
    serviceCidr: '10.96.0.0/16',
    user: { username: 'admin', groups: ['system:masters'] },
  })
  for (const name of ['default', 'kube-system']) api.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  api.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'default' } })
  const world: ControllerWorld = {
    api,
    clock,
    random,
    podCidr: '10.244.0.0/16',
    rootCertificate: 'certificate',
    fresh: true,
    memory: { events: {}, autoscaling: {} },
  }
  for (const controller of controllers) controller.start(world)
  clock.settle()
  let address = 1
  return {
    api,
    time,
    defects,
    settle: () => void clock.settle(),
    pods: (namespace = 'default') => api.list<PodObject>('pods', { namespace }),
    runPods(ready = () => true) {
      for (const pod of api.list<PodObject>('pods')) {
        if (pod.metadata?.deletionTimestamp) {
          api.delete('pods', pod.metadata.namespace, pod.metadata.name ?? '', { gracePeriodSeconds: 0 })
          continue
        }
        const is = ready(pod)
        const at = new Date(time.now()).toISOString().replace(/\.\d+Z$/, 'Z')
        const status = {
          ...pod.status,
          phase: 'Running',
          podIP: pod.status?.podIP ?? `10.244.1.${address++}`,
          conditions: [{ type: 'Ready', status: is ? 'True' : 'False', lastTransitionTime: at }],
        }
        api.updateStatus('pods', { ...pod, status } as KubeObject)
      }
      clock.settle()
    },
  }
}

export function node(
  name: string,
  options: { labels?: Record<string, string>; taints?: { key: string; effect: string; value?: string }[]; cpu?: string } = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...options.labels } },
    spec: { ...(options.taints ? { taints: options.taints } : {}) },
    status: { allocatable: { cpu: options.cpu ?? '4', memory: '8Gi', pods: '110' }, conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

export function deployment(name: string, options: { replicas?: number; image?: string; strategy?: unknown } = {}): KubeObject {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: options.replicas ?? 3,
      ...(options.strategy ? { strategy: options.strategy } : {}),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: options.image ?? 'nginx:1.27' }] } },
    },
  }
}
